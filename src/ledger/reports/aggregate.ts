/** Asks the database for facts of groups of calls, from the calls and from their sums (pieces.ts). */
import {
  AGGREGATES,
  type AggregateName,
  classSql,
  type FactName,
  isQuantile,
  kindOf,
  QUANTILES,
  VALUES,
  type ValueName,
} from "../../store/facts.ts";
import type { LedgerStore, Value } from "../../store/ledger-store.ts";
import { factColumn } from "../../store/rollups.ts";
import { partsOf, together } from "./archive.ts";
import { type Piece, piecesOf } from "./pieces.ts";
import type { ReportColumn, ReportQuery, TimeUnit } from "./report.ts";
import { Statement } from "./statement.ts";

/** What rows are grouped by: a dimension, or a column that only one report groups by. */
export interface Group {
  readonly column: ReportColumn;
  /** SQL over the columns that sums have too; a user's text is a parameter of the statement, never in it. */
  readonly sql: (statement: Statement) => string;
  /** Set when it is the start of a unit of time. */
  readonly unit?: TimeUnit;
}

export interface Asked {
  readonly groups: readonly Group[];
  /** SQL of a condition that is the report's own, over the columns that sums have too. */
  readonly condition?: string | undefined;
  /** Whether a group is of a column that sums do not have. */
  readonly callsOnly?: boolean;
}

export interface GroupRow {
  readonly keys: readonly Value[];
  readonly facts: Record<string, Value>;
}

/**
 * A row for every group that has calls; without groups one, of all calls. Percentiles are exact ones, and can only be had
 * where one database has all calls of the range.
 */
export async function factsByGroup(
  store: LedgerStore,
  query: ReportQuery,
  asked: Asked,
  facts: readonly FactName[],
): Promise<GroupRow[]> {
  const found: GroupRow[][] = [];
  for (const part of partsOf(store, query)) {
    found.push(await factsOfPart(part.store, part.query, asked, facts));
  }
  const [only = [], ...others] = found;
  if (others.length === 0) return only;
  const rows = new Map<string, GroupRow>();
  for (const row of found.flat()) {
    const key = JSON.stringify(row.keys);
    const before = rows.get(key);
    if (before === undefined) rows.set(key, row);
    else
      for (const name of facts) {
        before.facts[name] = together(
          name as AggregateName,
          before.facts[name] ?? null,
          row.facts[name] ?? null,
        );
      }
  }
  return [...rows.values()];
}

async function factsOfPart(
  store: LedgerStore,
  query: ReportQuery,
  asked: Asked,
  facts: readonly FactName[],
): Promise<GroupRow[]> {
  const { groups, condition, callsOnly = false } = asked;
  const whole = callsOnly || facts.some(isQuantile);
  const pieces = whole ? [ofCalls(query)] : piecesFor(store, query, asked);
  const statement = new Statement(store);
  const keys = groups.map(({ sql }, index) => `${sql(statement)} AS g${index}`);
  const places = groups.map((_, index) => `g${index}`);
  const grouping = groups.length === 0 ? "" : ` GROUP BY ${places.join(", ")}`;
  const parts = pieces.map((piece) => {
    const source = statement.source(query, condition, piece);
    if (piece.level === undefined) {
      return `SELECT ${[...keys, ...facts.map((name, at) => `${sqlOf(store, name)} AS f${at}`)].join(", ")} ${source}${grouping}`;
    }
    const sums = facts.map((name, at) => `${factColumn(name as AggregateName)} AS f${at}`);
    return `SELECT ${[...keys, ...sums].join(", ")} ${source}`;
  });
  const [only = ""] = parts;
  const together = facts.map((name, at) => combined(store, name as AggregateName, at));
  const text =
    parts.length === 1 && pieces[0]?.level === undefined
      ? only
      : `SELECT ${[...places, ...together].join(", ")} FROM (${parts.join(" UNION ALL ")}) AS parts${grouping}`;
  const found = await store.query(statement.query(text));
  return found.map((row) => ({
    keys: places.map((place) => row[place] ?? null),
    facts: Object.fromEntries(facts.map((name, index) => [name, factOf(name, row[`f${index}`])])),
  }));
}

export interface ClassRow {
  readonly keys: readonly Value[];
  /** Of the class. */
  readonly index: number;
  readonly count: number;
}

/** How many calls of each group have a value in each class; a class may be there more than once. */
export async function classesByGroup(
  store: LedgerStore,
  query: ReportQuery,
  asked: Asked,
  value: ValueName,
): Promise<ClassRow[]> {
  const found: ClassRow[] = [];
  for (const part of partsOf(store, query)) {
    found.push(...(await classesOfPart(part.store, part.query, asked, value)));
  }
  return found;
}

/** The values of all calls that have one, unsorted. */
export async function valuesByGroup(
  store: LedgerStore,
  query: ReportQuery,
  { groups, condition }: Asked,
  value: ValueName,
): Promise<{ readonly keys: readonly Value[]; readonly value: number }[]> {
  const found: { keys: Value[]; value: number }[] = [];
  for (const part of partsOf(store, query)) {
    const statement = new Statement(part.store);
    const keys = groups.map(({ sql }, index) => `${sql(statement)} AS g${index}`);
    const source = statement.source(part.query, condition);
    const selected = [...keys, `${VALUES[value]} AS v`].join(", ");
    const rows = await part.store.query(
      statement.query(`SELECT * FROM (SELECT ${selected} ${source}) AS calls WHERE v IS NOT NULL`),
    );
    for (const row of rows) {
      found.push({ keys: groups.map((_, index) => row[`g${index}`] ?? null), value: Number(row.v) });
    }
  }
  return found;
}

async function classesOfPart(
  store: LedgerStore,
  query: ReportQuery,
  { groups, condition }: Asked,
  value: ValueName,
): Promise<ClassRow[]> {
  const statement = new Statement(store);
  const keys = groups.map(({ sql }, index) => `${sql(statement)} AS g${index}`);
  const places = groups.map((_, index) => `g${index}`);
  const parts = piecesFor(store, query, { groups, condition }).map((piece) => {
    const source = statement.source(query, condition, piece);
    if (piece.level === undefined) {
      const grouped = [...places, "b"].join(", ");
      return (
        `SELECT ${[...keys, `${classSql("x")} AS b`, "count(*) AS n"].join(", ")} ` +
        `FROM (SELECT *, ${VALUES[value]} AS x ${source}) AS calls WHERE x IS NOT NULL GROUP BY ${grouped}`
      );
    }
    // Put together by group first: keys are then made for each sum, not for each of its classes.
    const lists = ["classes", "counts"].map((what) => `flatten(list(${value}_${what})) AS ${what}`);
    const grouped = groups.length === 0 ? "" : ` GROUP BY ${places.join(", ")}`;
    return (
      `SELECT ${[...places, "unnest(classes) AS b", "unnest(counts) AS n"].join(", ")} ` +
      `FROM (SELECT ${[...keys, ...lists].join(", ")} ${source}${grouped}) AS sums`
    );
  });
  const [only = ""] = parts;
  const all = [...places, "b"].join(", ");
  const found = await store.query(
    statement.query(
      parts.length === 1
        ? `SELECT ${all}, sum(n) AS n FROM (${only}) AS parts GROUP BY ${all}`
        : `SELECT ${all}, sum(n) AS n FROM (${parts.join(" UNION ALL ")}) AS parts GROUP BY ${all}`,
    ),
  );
  return found.map((row) => ({
    keys: places.map((place) => row[place] ?? null),
    index: Number(row.b),
    count: Number(row.n),
  }));
}

function ofCalls({ from, to }: ReportQuery): Piece {
  return { from, to, level: undefined };
}

function piecesFor(store: LedgerStore, query: ReportQuery, { groups, condition }: Asked): readonly Piece[] {
  const units = groups.flatMap(({ unit }) => unit ?? []);
  return piecesOf(store, query, units, units.length < groups.length || condition !== undefined);
}

/** Aliases differ from column names: some databases would take them for the column. */
function sqlOf(store: LedgerStore, name: FactName): string {
  if (!isQuantile(name)) return AGGREGATES[name](store.sql);
  const { of, q } = QUANTILES[name];
  return store.sql.quantile(VALUES[of], q);
}

/** Databases do not agree on what sums and times of no calls are: 0, and none. */
function factOf(name: FactName, value: Value | undefined): Value {
  if (isQuantile(name)) return value ?? null;
  const { type } = kindOf(name);
  if (type === "integer") return value ?? 0;
  return value === undefined || (type === "time" && value === 0) ? null : value;
}

function combined(store: LedgerStore, name: AggregateName, at: number): string {
  const { combine, type } = kindOf(name);
  if (type === "money") return `${store.sql.sumMoney(`f${at}`)} AS f${at}`;
  return `${combine}(f${at}) AS f${at}`;
}
