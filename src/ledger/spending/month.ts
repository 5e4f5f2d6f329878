/**
 * Today's and this month's spending with its projection, kept up to date. What was spent in hours that are over is
 * remembered, so that a refresh asks the database for the last two hours only.
 */
import type { Pico } from "../../core/money.ts";
import type { LedgerStore } from "../../store/ledger-store.ts";
import { HISTORY_MS, project } from "../reports/projection.ts";
import type { ReportQuery } from "../reports/report.ts";
import { addUnits, HOUR_MS, startOf } from "../reports/time-zone.ts";
import { type HourlySpend, hourlySpend, hoursFrom } from "./hourly.ts";

/** What one upstream, or all of them, cost this month. Money in pico-dollars. */
export interface MonthFigures {
  readonly cost: Pico;
  readonly projected: Pico;
  /** Holds 80 of 100 months; undefined with less than two days to judge by. */
  readonly range: { readonly low: Pico; readonly high: Pico } | undefined;
  readonly method: "seasonal" | "linear";
  /** Input and output. */
  readonly tokens: number;
}

export interface MonthSpend {
  /** When the ledger was asked, milliseconds since the epoch. */
  readonly at: number;
  readonly today: Pico;
  readonly total: MonthFigures;
  readonly upstreams: Readonly<Record<string, MonthFigures>>;
}

export interface MonthOptions {
  /** IANA name: where days and months begin. */
  readonly timeZone: string;
  /** Look into the archive too: the database does not keep a whole month and the history. */
  readonly archived: boolean;
}

/** Rows may come late, as from another gateway or an import: everything is read again this often. */
const RELOAD_MS = 6 * HOUR_MS;
/** A call is written when it has ended, and belongs to the hour in which it began. */
const OPEN_HOURS = 2;

interface Hour {
  readonly cost: Pico;
  readonly tokens: number;
  readonly first: number;
}

export class MonthLedger {
  readonly #options: MonthOptions;
  /** By upstream, and by the hour's start. */
  #hours = new Map<string, Map<number, Hour>>();
  #loadedAt = Number.NEGATIVE_INFINITY;

  constructor(options: MonthOptions) {
    this.#options = options;
  }

  /** The next refresh reads everything again. */
  forget(): void {
    this.#loadedAt = Number.NEGATIVE_INFINITY;
  }

  /** @param now milliseconds since the epoch */
  async refresh(store: LedgerStore, now: number): Promise<MonthSpend> {
    const { timeZone } = this.#options;
    const monthStart = startOf("month", now, timeZone);
    const whole = now - this.#loadedAt >= RELOAD_MS || now < this.#loadedAt;
    // Hours are counted from the month's beginning, which is not on UTC's hours where clocks are half an hour off.
    const hourOf = (at: number): number => monthStart + Math.floor((at - monthStart) / HOUR_MS) * HOUR_MS;
    const oldest = hourOf(Math.min(monthStart, now - HISTORY_MS));
    const from = whole ? oldest : hourOf(now) - (OPEN_HOURS - 1) * HOUR_MS;
    const rows = await this.#read(store, from, now, monthStart);
    for (const hours of this.#hours.values()) {
      for (const hour of hours.keys()) if (hour < oldest || hour >= from) hours.delete(hour);
    }
    for (const { start, keys, cost, tokens, first } of rows) {
      const name = keys[0] ?? "";
      const hours = this.#hours.get(name) ?? new Map<number, Hour>();
      this.#hours.set(name, hours);
      hours.set(start, { cost, tokens, first });
    }
    for (const [name, hours] of this.#hours) if (hours.size === 0) this.#hours.delete(name);
    if (whole) this.#loadedAt = now;
    return this.#figures(now, monthStart);
  }

  #read(store: LedgerStore, from: number, now: number, monthStart: number): Promise<HourlySpend[]> {
    const { timeZone, archived } = this.#options;
    const query: ReportQuery = {
      ...{ from, to: now + HOUR_MS, now, timeZone, by: [], where: {}, probes: false, archived },
      limit: undefined,
    };
    return hourlySpend(store, query, ["upstream"], hoursFrom(monthStart, timeZone));
  }

  #figures(now: number, monthStart: number): MonthSpend {
    const { timeZone } = this.#options;
    const todayStart = startOf("day", now, timeZone);
    const entries = [...this.#hours].map(([name, hours]) => [name, [...hours]] as const);
    const all = entries.flatMap(([, hours]) => hours);
    const of = (hours: readonly (readonly [number, Hour])[]) =>
      monthFigures(hours, { now, monthStart, timeZone });
    return {
      at: now,
      today: all.reduce((sum, [start, { cost }]) => (start >= todayStart ? sum + cost : sum), 0n),
      total: of(all),
      upstreams: Object.fromEntries(entries.map(([name, hours]) => [name, of(hours)])),
    };
  }
}

interface Month {
  readonly now: number;
  readonly monthStart: number;
  readonly timeZone: string;
}

function monthFigures(hours: readonly (readonly [number, Hour])[], month: Month): MonthFigures {
  const { now, monthStart, timeZone } = month;
  const costs = new Map<number, Pico>();
  let firstCall = now;
  let tokens = 0;
  for (const [start, hour] of hours) {
    costs.set(start, (costs.get(start) ?? 0n) + hour.cost);
    firstCall = Math.min(firstCall, hour.first);
    if (start >= monthStart) tokens += hour.tokens;
  }
  const { soFar, expected, range, method } = project({
    hours: [...costs].map(([start, cost]) => ({ start, cost })),
    ...{ firstCall, monthStart, monthEnd: addUnits("month", monthStart, 1, timeZone), now, timeZone },
  });
  return { cost: soFar, projected: expected, range, method, tokens };
}
