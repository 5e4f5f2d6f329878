/** What budgets will still use until their periods end: projected from the ledger as a month's spending is. */
import type { LedgerStore } from "../../store/ledger-store.ts";
import { HISTORY_MS, project } from "../reports/projection.ts";
import { type HourlySpend, hourlySpend, type SpendColumn } from "./hourly.ts";

/** Whose spending, of what, until when. */
export interface RestAsk {
  /** A call counts when one of these has the name; none: every call counts. */
  readonly columns: readonly SpendColumn[];
  readonly name: string;
  readonly unit: "usd" | "tokens";
  /** The period, milliseconds since the epoch. */
  readonly start: number;
  readonly end: number;
}

export interface RestOptions {
  readonly timeZone: string;
  readonly archived: boolean;
}

/** What the ledger said is used again for so long: it is asked about weeks. */
const KEPT_MS = 60_000;

interface Kept {
  readonly at: number;
  readonly rows: Promise<readonly HourlySpend[]>;
}

export class RestOfPeriod {
  readonly #options: RestOptions;
  readonly #kept = new Map<string, Kept>();

  constructor(options: RestOptions) {
    this.#options = options;
  }

  /**
   * For each ask what will be used from now until the period's end: pico-dollars or tokens.
   * @param now milliseconds since the epoch
   */
  async of(store: LedgerStore, asks: readonly RestAsk[], now: number): Promise<bigint[]> {
    const rests: bigint[] = [];
    for (const ask of asks) {
      const rows = await this.#rows(store, ask.columns, now);
      rests.push(this.#rest(rows, ask, now));
    }
    return rests;
  }

  #rest(rows: readonly HourlySpend[], { columns, name, unit, start, end }: RestAsk, now: number): bigint {
    const { timeZone } = this.#options;
    const amounts = new Map<number, bigint>();
    let firstCall = now;
    for (const row of rows) {
      if (columns.length > 0 && !row.keys.includes(name)) continue;
      const amount = unit === "usd" ? row.cost : BigInt(row.tokens);
      amounts.set(row.start, (amounts.get(row.start) ?? 0n) + amount);
      firstCall = Math.min(firstCall, row.first);
    }
    if (amounts.size === 0) return 0n;
    const hours = [...amounts].map(([hour, cost]) => ({ start: hour, cost }));
    const { soFar, expected } = project({
      hours,
      ...{ firstCall, monthStart: start, monthEnd: end, now, timeZone },
    });
    return expected - soFar;
  }

  #rows(store: LedgerStore, columns: readonly SpendColumn[], now: number): Promise<readonly HourlySpend[]> {
    const key = columns.join();
    const kept = this.#kept.get(key);
    if (kept !== undefined && now - kept.at < KEPT_MS && now >= kept.at) return kept.rows;
    const { timeZone, archived } = this.#options;
    const rows = hourlySpend(
      store,
      {
        ...{ from: now - HISTORY_MS, to: now, now, timeZone, by: [], where: {}, probes: false, archived },
        limit: undefined,
      },
      columns,
    );
    this.#kept.set(key, { at: now, rows });
    rows.catch(() => this.#kept.delete(key));
    return rows;
  }
}
