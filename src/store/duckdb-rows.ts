/**
 * The least of a DuckDB driver: makes the table, adds rows, answers SQL. It stands in until the driver that passes
 * the store's suite takes its place in open-store.ts.
 */
import { type DuckDBAppender, type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { formatUsd } from "../core/money.ts";
import { COLUMNS, type Column, type ColumnType, type LedgerRow } from "./ledger-row.ts";
import type { Query, Value } from "./ledger-store.ts";
import type { LedgerDatabase, StoreSettings } from "./store-settings.ts";

const TYPES: Readonly<Record<ColumnType, string>> = {
  text: "VARCHAR",
  category: "VARCHAR",
  boolean: "BOOLEAN",
  integer: "BIGINT",
  float: "DOUBLE",
  money: "DECIMAL(38, 12)",
  time: "TIMESTAMP_MS",
};

const columns = COLUMNS.map(({ name, type }) => `${name} ${TYPES[type]}`).join(", ");
/** Money and times go in as text, and are cast on their way from the staging table. */
const staged = COLUMNS.map(({ name, type }) => `${name} ${isText(type) ? "VARCHAR" : TYPES[type]}`).join(
  ", ",
);
const cast = COLUMNS.map(({ name, type }) => (isText(type) ? `CAST(${name} AS ${TYPES[type]})` : name)).join(
  ", ",
);

function isText(type: ColumnType): boolean {
  return type === "money" || type === "time";
}

export async function openDuckdb({ path, memoryBytes }: StoreSettings): Promise<LedgerDatabase> {
  const instance = await DuckDBInstance.create(path, { memory_limit: `${memoryBytes}B`, threads: "2" });
  return new DuckdbRows(instance, await instance.connect(), await instance.connect());
}

class DuckdbRows implements LedgerDatabase {
  readonly #instance: DuckDBInstance;
  readonly #writing: DuckDBConnection;
  readonly #reading: DuckDBConnection;

  constructor(instance: DuckDBInstance, writing: DuckDBConnection, reading: DuckDBConnection) {
    this.#instance = instance;
    this.#writing = writing;
    this.#reading = reading;
  }

  async migrate(): Promise<void> {
    await this.#writing.run(`CREATE TABLE IF NOT EXISTS calls (${columns})`);
    await this.#writing.run(`CREATE TEMP TABLE IF NOT EXISTS staged (${staged})`);
  }

  async insert(rows: readonly LedgerRow[]): Promise<void> {
    const writing = this.#writing;
    await writing.run("BEGIN");
    try {
      const appender = await writing.createAppender("staged", "main", "temp");
      for (const row of rows) {
        for (const column of COLUMNS) append(appender, column, row);
        appender.endRow();
      }
      appender.closeSync();
      // Only rows of the same time can have the same id, and DuckDB knows the times of each part of its file.
      await writing.run(`INSERT INTO calls SELECT ${cast} FROM staged WHERE id NOT IN (
        SELECT id FROM calls WHERE started_at BETWEEN
          (SELECT min(CAST(started_at AS TIMESTAMP_MS)) FROM staged) AND
          (SELECT max(CAST(started_at AS TIMESTAMP_MS)) FROM staged))`);
      await writing.run("DELETE FROM staged");
      await writing.run("COMMIT");
    } catch (error) {
      await writing.run("ROLLBACK").catch(() => undefined);
      throw error;
    }
  }

  async query({ text, params }: Query): Promise<Readonly<Record<string, Value>>[]> {
    const reader = await this.#reading.runAndReadAll(text, [...params]);
    return reader.getRowObjectsJson() as Record<string, Value>[];
  }

  close(): Promise<void> {
    this.#writing.closeSync();
    this.#reading.closeSync();
    this.#instance.closeSync();
    return Promise.resolve();
  }
}

function append(appender: DuckDBAppender, { type, value }: Column, row: LedgerRow): void {
  const given = value(row);
  if (given === undefined) appender.appendNull();
  else if (type === "boolean") appender.appendBoolean(given === true);
  else if (type === "integer") appender.appendBigInt(BigInt(given as number));
  else if (type === "float") appender.appendDouble(Number(given));
  else if (type === "money") appender.appendVarchar(formatUsd(BigInt(given)));
  else if (type === "time") appender.appendVarchar(new Date(Number(given)).toISOString().slice(0, -1));
  else appender.appendVarchar(String(given));
}
