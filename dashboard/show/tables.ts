/** Reads reports: tables by name, columns by name, series for charts. */
import type { ReportResult, ReportTable } from "../../src/http/api.ts";
import type { Value } from "./values.ts";

export function tableNamed(result: ReportResult | undefined, name: string): ReportTable | undefined {
  return result?.tables.find((table) => table.name === name);
}

/** The table that the report is about: the first. */
export function firstTable(result: ReportResult | undefined): ReportTable | undefined {
  return result?.tables[0];
}

/** The report's course over time. */
export function seriesOf(result: ReportResult | undefined): ReportTable | undefined {
  return result?.tables.find(({ series }) => series !== undefined);
}

export function valueAt(
  table: ReportTable | undefined,
  row: readonly Value[] | undefined,
  column: string,
): Value {
  const at = table?.columns.findIndex(({ name }) => name === column) ?? -1;
  return at === -1 ? undefined : row?.[at];
}

/** A column of the totals; undefined where there is none. */
export function totalOf(table: ReportTable | undefined, column: string): Value {
  return valueAt(table, table?.totals, column);
}

/** A column as numbers for a chart. */
export function numbersOf(table: ReportTable, column: string): (number | null)[] {
  const at = table.columns.findIndex(({ name }) => name === column);
  return table.rows.map((row) => {
    const value = row[at];
    return value === null || value === undefined ? null : Number(value);
  });
}

export interface Pivot {
  readonly times: readonly number[];
  readonly unit: string;
  /** The largest first; what is beyond the most shown is in the last, which has no name. */
  readonly groups: readonly { readonly name: string | undefined; readonly values: readonly number[] }[];
}

/** Turns rows of (time, group, value) into one line for each group over the given times. */
export function pivot(
  table: ReportTable | undefined,
  series: ReportTable | undefined,
  group: string,
  column: string,
  most: number,
): Pivot | undefined {
  if (table === undefined || series?.series === undefined) return undefined;
  const unit = series.series;
  const times = series.rows.map((row) => Number(row[0]));
  const place = new Map(times.map((time, index) => [time, index]));
  const groups = new Map<string, number[]>();
  for (const row of table.rows) {
    const index = place.get(Number(valueAt(table, row, unit)));
    if (index === undefined) continue;
    const name = String(valueAt(table, row, group) ?? "");
    const values = groups.get(name) ?? times.map(() => 0);
    groups.set(name, values);
    values[index] = (values[index] ?? 0) + Number(valueAt(table, row, column) ?? 0);
  }
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const ordered = [...groups]
    .map(([name, values]) => ({ name, values, sum: sum(values) }))
    .filter((each) => each.sum > 0)
    .sort((a, b) => b.sum - a.sum);
  const rest = ordered.slice(most);
  const shown: { name: string | undefined; values: number[] }[] = ordered.slice(0, most);
  if (rest.length > 0) {
    shown.push({
      name: undefined,
      values: times.map((_, index) => sum(rest.map(({ values }) => values[index] ?? 0))),
    });
  }
  return { times, unit, groups: shown.map(({ name, values }) => ({ name, values })) };
}
