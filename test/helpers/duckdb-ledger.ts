/**
 * A ledger in memory for tests of the reports: the real DuckDB, with nothing of the product's driver but the
 * port, so that reports are tested against the port's promises.
 */
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { formatUsd } from "../../src/core/money.ts";
import { COLUMNS, type ColumnType, type LedgerRow } from "../../src/store/ledger-row.ts";
import type { LedgerStore, Query, SqlDialect, Value } from "../../src/store/ledger-store.ts";

const TYPES: Readonly<Record<ColumnType, string>> = {
  text: "VARCHAR",
  category: "VARCHAR",
  boolean: "BOOLEAN",
  integer: "BIGINT",
  float: "DOUBLE",
  money: "DECIMAL(38, 12)",
  time: "TIMESTAMP",
};

const sql: SqlDialect = {
  table: () => "ledger",
  param: (index, type) =>
    type === "time" ? `make_timestamp($${index + 1}::BIGINT * 1000)` : `$${index + 1}`,
  quantile: (expression, q) => `quantile_cont(${expression}, ${q})`,
  like: (expression, pattern) => `${expression} LIKE ${pattern} ESCAPE '\\'`,
  countIf: (condition) => `count(*) FILTER (WHERE ${condition})`,
  truncate: (unit, expression, timeZone) =>
    `date_trunc('${unit}', ${expression} AT TIME ZONE 'UTC' AT TIME ZONE '${timeZone}') AT TIME ZONE '${timeZone}' AT TIME ZONE 'UTC'`,
  sumMoney: (expression) => `CAST(sum(${expression}) AS VARCHAR)`,
};

/** An empty ledger; `connection` is for tests that make many rows at once. */
export async function duckdbLedger(): Promise<LedgerStore & { readonly connection: DuckDBConnection }> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
  const connection = await instance.connect();
  const columns = COLUMNS.map(({ name, type }) => `${name} ${TYPES[type]}`);
  await connection.run(`CREATE TABLE ledger (${columns.join(", ")})`);
  return {
    connection,
    sql,
    migrate: async () => {},
    async insert(rows) {
      for (const row of rows) await connection.run(`INSERT INTO ledger VALUES (${literals(row).join(", ")})`);
    },
    async query({ text, params }: Query) {
      const reader = await connection.runAndReadAll(text, [...params]);
      return reader.getRowObjectsJson().map((row, index) => {
        const raw = reader.getRowObjectsJS()[index] ?? {};
        return Object.fromEntries(
          Object.entries(row).map(([name, value]) => [name, toValue(raw[name], value)]),
        );
      });
    },
    async close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

function literals(row: LedgerRow): string[] {
  return COLUMNS.map(({ type, value }) => {
    const held = value(row);
    if (held === undefined) return "NULL";
    if (type === "money") return `CAST('${formatUsd(held as bigint)}' AS DECIMAL(38, 12))`;
    if (type === "time") return `make_timestamp(${String(held)}::BIGINT * 1000)`;
    return typeof held === "string" ? `'${held.replaceAll("'", "''")}'` : String(held);
  });
}

function toValue(raw: unknown, json: unknown): Value {
  if (raw === null || raw === undefined) return null;
  if (raw instanceof Date) return raw.getTime();
  if (typeof raw === "bigint") return Number(raw);
  // Decimals come as numbers, and exactly in JSON.
  if (typeof raw === "number" && typeof json === "string") return json;
  if (typeof raw === "number" || typeof raw === "boolean" || typeof raw === "string") return raw;
  return String(json);
}
