/**
 * What sums of hours and days keep of calls: the statement that makes them, from the same facts that reports ask for.
 * They can be made again from the calls at any time, and are when their definition has changed.
 */
import { AGGREGATES, type AggregateName, classSql, kindOf, VALUES, type ValueName } from "./facts.ts";
import type { RollupLevel, SqlDialect } from "./ledger-store.ts";

/** What calls can be told apart by in a sum; conditions of reports are of these alone. */
export const ROLLUP_COLUMNS = [
  "app",
  "team",
  "upstream",
  "endpoint",
  "model",
  "route",
  "status",
  "error_type",
  "error_code",
  "probe",
  "interrupted",
] as const;

export interface RollupTable {
  readonly level: RollupLevel;
  readonly name: string;
  readonly unit: "hour" | "day";
  readonly columns: readonly string[];
}

export const ROLLUP_TABLES: readonly RollupTable[] = [
  { level: "hours", name: "rollup_hours", unit: "hour", columns: ROLLUP_COLUMNS },
  { level: "allHours", name: "rollup_all_hours", unit: "hour", columns: ["probe"] },
  { level: "days", name: "rollup_days", unit: "day", columns: ROLLUP_COLUMNS },
];

const FACTS = Object.keys(AGGREGATES) as AggregateName[];
const MEASURED = Object.keys(VALUES) as ValueName[];

/** SELECT of the sums of calls: `from` is the table with a condition, as `calls WHERE …`. */
export function rollupSelect(sql: SqlDialect, { unit, columns }: RollupTable, from: string): string {
  const keys = [`${sql.truncate(unit, "started_at", "UTC")} AS started_at`, ...columns];
  const facts = FACTS.map((name) => `${AGGREGATES[name](sql)} AS ${factColumn(name)}`);
  const classes = MEASURED.map((name) => `histogram(${name}_class) AS ${name}_map`);
  const inner = MEASURED.map((name) => {
    const value = VALUES[name];
    return `CASE WHEN (${value}) IS NOT NULL THEN ${classSql(`(${value})`)} END::SMALLINT AS ${name}_class`;
  });
  const shown = [
    "started_at",
    ...columns,
    ...FACTS.map((name) => `${factColumn(name)}::${DUCKDB_TYPES[kindOf(name).type]} AS ${factColumn(name)}`),
    ...MEASURED.flatMap((name) => [
      `map_keys(${name}_map) AS ${name}_classes`,
      `map_values(${name}_map)::UINTEGER[] AS ${name}_counts`,
    ]),
  ];
  return (
    `SELECT ${shown.join(", ")} FROM (SELECT ${[...keys, ...facts, ...classes].join(", ")} ` +
    `FROM (SELECT *, ${inner.join(", ")} FROM ${from}) AS c GROUP BY ALL)`
  );
}

const DUCKDB_TYPES = {
  integer: "BIGINT",
  money: "DECIMAL(38, 12)",
  time: "TIMESTAMP",
  float: "DOUBLE",
} as const;

/** Names of facts are words of SQL here and there. */
export function factColumn(name: AggregateName): string {
  return `f_${name.toLowerCase()}`;
}
