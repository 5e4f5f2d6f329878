/** Measures over time, one row for every minute, hour, day, week or month of the range, also where nothing happened. */
import type { LedgerStore, Value } from "../../store/ledger-store.ts";
import type { Facts, Measure } from "./measures.ts";
import type { ReportQuery, ReportTable, TimeUnit } from "./report.ts";
import { groupOf, tabulate } from "./tabulate.ts";
import { DAY_MS, startsBetween } from "./time-zone.ts";

/** Enough points to see a shape, few enough to draw them. */
export function unitFor(query: ReportQuery): TimeUnit {
  const days = (query.to - query.from) / DAY_MS;
  if (days <= 0.25) return "minute";
  if (days <= 3) return "hour";
  if (days <= 93) return "day";
  return days <= 2 * 366 ? "week" : "month";
}

export async function seriesTable(
  store: LedgerStore,
  query: ReportQuery,
  measures: readonly Measure[],
): Promise<ReportTable> {
  const unit = unitFor(query);
  const { table, totals } = await tabulate(store, query, {
    name: "over_time",
    title: `by ${unit}`,
    groups: [groupOf(unit, query.timeZone)],
    measures,
    limit: Number.POSITIVE_INFINITY,
  });
  const byStart = new Map<number, readonly Value[]>(table.rows.map((row) => [Number(row[0]), row]));
  const empty = measures.map((measure) => nothing(measure, totals));
  for (const start of startsBetween(unit, query.from, query.to, query.timeZone)) {
    if (!byStart.has(start)) byStart.set(start, [start, ...empty]);
  }
  const rows = [...byStart].sort(([a], [b]) => a - b).map(([, row]) => row);
  return { ...table, rows, series: unit };
}

/** Of no calls: no money and no tokens were spent, but there is no rate and no latency. */
function nothing(measure: Measure, totals: Facts): Value {
  const { unit } = measure.column;
  if (unit === "usd") return "0";
  return unit === "count" || unit === "tokens" || unit === "bytes" ? 0 : measure.value({}, totals);
}
