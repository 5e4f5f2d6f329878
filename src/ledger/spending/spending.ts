/** Spending as the ledger's process tells it: the month's figures on a beat of their own, projections when asked. */
import type { LedgerStore } from "../../store/ledger-store.ts";
import { HISTORY_MS } from "../reports/projection.ts";
import { DAY_MS } from "../reports/time-zone.ts";
import { MonthLedger, type MonthSpend } from "./month.ts";
import { type RestAsk, RestOfPeriod } from "./rest-of-period.ts";

export interface SpendingOptions {
  /** Days that stay in the database; undefined: all. */
  readonly retentionDays: number | undefined;
  /** IANA name; the system's by default. */
  readonly timeZone?: string;
  /** Wall-clock milliseconds. */
  now?(): number;
  /** Monotonic milliseconds. */
  elapsed?(): number;
}

/** With new rows the month is told this often, without them because time goes on. */
const NEWS_MS = 5_000;
const QUIET_MS = 60_000;

export class Spending {
  readonly #month: MonthLedger;
  readonly #rest: RestOfPeriod;
  readonly #now: () => number;
  readonly #elapsed: () => number;
  #toldAt = Number.NEGATIVE_INFINITY;
  #toldRows = -1;

  constructor({ retentionDays, timeZone = systemZone(), now = Date.now, elapsed }: SpendingOptions) {
    const archived = retentionDays !== undefined && retentionDays * DAY_MS <= HISTORY_MS;
    this.#month = new MonthLedger({ timeZone, archived });
    this.#rest = new RestOfPeriod({ timeZone, archived });
    this.#now = now;
    this.#elapsed = elapsed ?? (() => performance.now());
  }

  /** The month's figures when they are due; `rows` is how many the database has taken so far. */
  async due(store: LedgerStore, rows: number): Promise<MonthSpend | undefined> {
    const since = this.#elapsed() - this.#toldAt;
    if (since < (rows === this.#toldRows ? QUIET_MS : NEWS_MS)) return undefined;
    this.#toldAt = this.#elapsed();
    this.#toldRows = rows;
    return this.#month.refresh(store, this.#now());
  }

  /** Rows of any time may have come in: everything is read again. */
  forget(): void {
    this.#month.forget();
  }

  rest(store: LedgerStore, asks: readonly RestAsk[]): Promise<bigint[]> {
    return this.#rest.of(store, asks, this.#now());
  }
}

function systemZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
