/**
 * Makes a table: groups of calls and their measures, with totals. Totals are asked of the database over all
 * calls, never added up from the rows shown, so that percentiles and limited tables have right ones too.
 */
import {
  type AggregateName,
  type FactName,
  isQuantile,
  QUANTILES,
  type QuantileName,
  type ValueName,
} from "../../store/facts.ts";
import type { LedgerStore, Value } from "../../store/ledger-store.ts";
import {
  type Asked,
  type ClassRow,
  classesByGroup,
  factsByGroup,
  type Group,
  type GroupRow,
  valuesByGroup,
} from "./aggregate.ts";
import { labelDimension } from "./app-labels.ts";
import { partsOf } from "./archive.ts";
import type { Facts, Measure } from "./measures.ts";
import { addToClass, type Classes, EXACT_UP_TO, quantileOf, quantileOfClasses } from "./percentiles.ts";
import { type Grouping, type ReportQuery, type ReportTable, TIME_UNITS } from "./report.ts";
import { groupingSql, type Statement } from "./statement.ts";

export interface TableRequest {
  readonly name: string;
  readonly title: string;
  readonly groups: readonly Group[];
  readonly measures: readonly Measure[];
  /** The largest of this come first, unless the groups are times: those are in order. */
  readonly order?: AggregateName;
  readonly limit: number;
  /** SQL of a condition that is the report's own. */
  readonly condition?: string;
}

export interface Tabulated {
  readonly table: ReportTable;
  readonly rows: readonly Facts[];
  readonly totals: Facts;
}

export function groupOf(grouping: Grouping, timeZone: string): Group {
  const time = TIME_UNITS.find((unit) => unit === grouping);
  const unit = time !== undefined ? "time" : grouping === "status" ? "count" : "text";
  const name = typeof grouping === "string" ? grouping : labelDimension(grouping.label);
  const column = { name, title: name, unit } as const;
  const sql = (statement: Statement): string => groupingSql(statement, grouping, timeZone);
  return time === undefined ? { column, sql } : { column, sql, unit: time };
}

export async function tabulate(
  store: LedgerStore,
  query: ReportQuery,
  request: TableRequest,
): Promise<Tabulated> {
  const { groups, measures, condition } = request;
  const facts = new Set(measures.flatMap((measure) => measure.facts));
  const aggregates = [...facts].filter((fact) => !isQuantile(fact)) as AggregateName[];
  const quantiles = [...facts].filter(isQuantile);
  if (!aggregates.includes("calls")) aggregates.push("calls");

  const totals: Record<string, Value> = { ...(await totalFacts(store, query, aggregates, condition)) };
  const few = Number(totals.calls) <= EXACT_UP_TO;
  const exact = few && partsOf(store, query).length === 1;
  const rows = await groupRows(store, query, request, exact ? [...aggregates, ...quantiles] : aggregates);
  if (exact) Object.assign(totals, await totalFacts(store, query, quantiles, condition));
  else if (few) await addQuantiles(exactly(store, query, request), quantiles, rows, totals);
  else await addQuantiles(byClass(store, query, request), quantiles, rows, totals);

  const shown = rows.slice(0, request.limit);
  const table: ReportTable = {
    name: request.name,
    title: request.title,
    columns: [...groups.map(({ column }) => column), ...measures.map(({ column }) => column)],
    rows: shown.map(({ keys, facts: found }) => [
      ...keys,
      ...measures.map((measure) => measure.value(found, totals)),
    ]),
    totals: [...groups.map(() => null), ...measures.map((measure) => measure.value(totals, totals))],
    ...(rows.length > shown.length ? { omitted: rows.length - shown.length } : {}),
  };
  return { table, rows: shown.map((row) => row.facts), totals };
}

/** Facts of all calls that are asked of. */
export async function totalFacts(
  store: LedgerStore,
  query: ReportQuery,
  facts: readonly FactName[],
  condition?: string,
): Promise<Facts> {
  if (facts.length === 0) return {};
  const [row] = await factsByGroup(store, query, { groups: [], condition }, facts);
  return row?.facts ?? {};
}

async function groupRows(
  store: LedgerStore,
  query: ReportQuery,
  request: TableRequest,
  facts: readonly FactName[],
): Promise<GroupRow[]> {
  const { groups, order } = request;
  if (groups.length === 0) return [];
  const rows = await factsByGroup(store, query, request, facts);
  const byTime = groups.some(({ unit }) => unit !== undefined);
  return rows.sort((a, b) => {
    const difference = byTime || order === undefined ? 0 : largestFirst(a.facts[order], b.facts[order]);
    return difference || compareKeys(a.keys, b.keys);
  });
}

/** Values of calls by their group, and what is made of those of a group, or of all. */
interface Collection<T> {
  values(of: ValueName): Promise<readonly (T & { readonly keys: readonly Value[] })[]>;
  quantile(values: readonly T[], q: number): number | null;
}

/** Of more calls than are sorted: see percentiles.ts. */
function byClass(store: LedgerStore, query: ReportQuery, asked: Asked): Collection<Omit<ClassRow, "keys">> {
  return {
    values: (of) => classesByGroup(store, query, asked, of),
    quantile(values, q) {
      const classes: Classes = new Map();
      for (const { index, count } of values) addToClass(classes, index, count);
      return quantileOfClasses(classes, q);
    },
  };
}

/** Of calls that are not all in one database. */
function exactly(
  store: LedgerStore,
  query: ReportQuery,
  asked: Asked,
): Collection<{ readonly value: number }> {
  return {
    values: (of) => valuesByGroup(store, query, asked, of),
    quantile: (values, q) =>
      quantileOf(
        values.map(({ value }) => value).sort((a, b) => a - b),
        q,
      ),
  };
}

async function addQuantiles<T>(
  { values, quantile }: Collection<T>,
  quantiles: readonly QuantileName[],
  rows: readonly GroupRow[],
  totals: Record<string, Value>,
): Promise<void> {
  const rowOf = new Map(rows.map((row) => [JSON.stringify(row.keys), row]));
  for (const of of new Set(quantiles.map((name) => QUANTILES[name].of))) {
    const names = quantiles.filter((name) => QUANTILES[name].of === of);
    const all = await values(of);
    const byRow = new Map<GroupRow, T[]>();
    for (const value of all) {
      const owner = rowOf.get(JSON.stringify(value.keys));
      if (owner === undefined) continue;
      const held = byRow.get(owner) ?? [];
      byRow.set(owner, held);
      held.push(value);
    }
    for (const name of names) {
      totals[name] = quantile(all, QUANTILES[name].q);
      for (const row of rows) row.facts[name] = quantile(byRow.get(row) ?? [], QUANTILES[name].q);
    }
  }
}

function largestFirst(a: Value | undefined, b: Value | undefined): number {
  return Number(b ?? 0) - Number(a ?? 0);
}

function compareKeys(a: readonly Value[], b: readonly Value[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index] ?? null;
    if (left === right) continue;
    if (left === null) return 1;
    if (right === null) return -1;
    return left < right ? -1 : 1;
  }
  return 0;
}
