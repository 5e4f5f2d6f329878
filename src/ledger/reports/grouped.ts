/** The usual shape of a report: a table by some dimension, its course over time, and notes. */

import type { AggregateName } from "../../store/facts.ts";
import type { LedgerStore } from "../../store/ledger-store.ts";
import type { Measure } from "./measures.ts";
import { notesOn } from "./notes.ts";
import type { Dimension, ReportQuery, ReportResult, ReportTable } from "./report.ts";
import { seriesTable } from "./series.ts";
import { groupOf, tabulate } from "./tabulate.ts";

/** Rows of a table when nobody asks for more: a long tail is better read as CSV. */
const DEFAULT_ROWS = 50;
const DEFAULT_TIME_ROWS = 1000;

export interface GroupedReport {
  readonly name: string;
  /** Groups when none are asked for. */
  readonly by: readonly Dimension[];
  readonly measures: readonly Measure[];
  readonly order: AggregateName;
  readonly series: readonly Measure[];
}

export async function runGrouped(
  store: LedgerStore,
  query: ReportQuery,
  report: GroupedReport,
): Promise<ReportResult> {
  const table = await tableBy(store, query, report);
  return result(
    report.name,
    query,
    [table, await seriesTable(store, query, report.series)],
    await notesOn(store, query),
  );
}

/** The table by the dimensions asked for, else by the report's own. */
export async function tableBy(
  store: LedgerStore,
  query: ReportQuery,
  { by, measures, order }: Pick<GroupedReport, "by" | "measures" | "order">,
): Promise<ReportTable> {
  const groupings = query.by.length > 0 ? query.by : by;
  const groups = groupings.map((grouping) => groupOf(grouping, query.timeZone));
  const names = groups.map(({ column }) => column.name);
  const timed = groups.some(({ column }) => column.unit === "time");
  const { table } = await tabulate(store, query, {
    name: `by_${names.join("_")}`,
    title: `by ${names.join(", ")}`,
    groups,
    measures,
    order,
    limit: query.limit ?? (timed ? DEFAULT_TIME_ROWS : DEFAULT_ROWS),
  });
  return table;
}

export function result(
  report: string,
  { from, to, timeZone }: ReportQuery,
  tables: readonly ReportTable[],
  notes: readonly string[],
): ReportResult {
  return { report, from, to, timeZone, tables, notes };
}
