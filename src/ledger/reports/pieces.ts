/**
 * Where a report looks: at the calls of a range, or at sums of its hours and days where there are any, and at the calls
 * only at both ends. The result is the same.
 */
import type { LedgerStore, RollupLevel } from "../../store/ledger-store.ts";
import type { ReportQuery, TimeUnit } from "./report.ts";
import { DAY_MS, HOUR_MS, offsetAt } from "./time-zone.ts";

export interface Piece {
  /** [from, to) in milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  /** Sums of this kind; undefined: the calls themselves. */
  readonly level: RollupLevel | undefined;
}

/** Filters by what sums do not tell apart. */
const BY_CALL = ["id", "trace"] as const;

/** Sums are worth their statement from here on. */
const SHORT_MS = 2 * HOUR_MS;

/**
 * The pieces of a query's range, none of which overlap.
 * @param units the units of time that are grouped by
 * @param others whether something else is grouped by or made a condition
 */
export function piecesOf(
  store: LedgerStore,
  query: ReportQuery,
  units: readonly TimeUnit[],
  others: boolean,
): readonly Piece[] {
  const { from, to, where, archived } = query;
  const calls = (start: number, end: number): Piece => ({ from: start, to: end, level: undefined });
  const { rollups } = store;
  if (rollups === undefined || archived || to - from < SHORT_MS || BY_CALL.some((name) => where[name])) {
    return [calls(from, to)];
  }
  const offsets = units.length === 0 ? [0] : offsetsIn(query);
  // Half an hour off, days there begin amid an hour.
  if (offsets.some((offset) => offset % HOUR_MS !== 0)) return [calls(from, to)];
  const any = others || Object.keys(where).length > 0;
  const hours: RollupLevel = any ? "hours" : "allHours";
  const start = Math.ceil(from / HOUR_MS) * HOUR_MS;
  const end = Math.min(Math.floor(to / HOUR_MS) * HOUR_MS, rollups.until(hours));
  if (!(end > start)) return [calls(from, to)];
  const pieces = [calls(from, start), ...sums(start, end), calls(end, to)];
  return pieces.filter((piece) => piece.to > piece.from);

  function sums(first: number, last: number): Piece[] {
    const whole = { from: first, to: last, level: hours };
    const byDay = !units.includes("hour") && offsets.every((offset) => offset === 0);
    if (!byDay) return [whole];
    const firstDay = Math.ceil(first / DAY_MS) * DAY_MS;
    const lastDay = Math.min(Math.floor(last / DAY_MS) * DAY_MS, store.rollups?.until("days") ?? 0);
    if (!(lastDay > firstDay)) return [whole];
    return [
      { from: first, to: firstDay, level: hours },
      { from: firstDay, to: lastDay, level: "days" },
      { from: lastDay, to: last, level: hours },
    ];
  }
}

/** What the zone's clocks differ from UTC in the range, looked at every two weeks. */
function offsetsIn({ from, to, timeZone }: ReportQuery): number[] {
  const offsets = new Set([offsetAt(from, timeZone), offsetAt(to, timeZone)]);
  for (let at = from; at < to; at += 14 * DAY_MS) offsets.add(offsetAt(at, timeZone));
  return [...offsets];
}
