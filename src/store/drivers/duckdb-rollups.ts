/**
 * Sums of hours and days in the DuckDB file. They are made when their time is over, a day of calls at a time; calls of a
 * time that is summed up already, because they come late, are summed up by themselves beside it, in their own
 * transaction. What a report reads is so the same at any moment, from sums or from calls.
 */
import { createHash } from "node:crypto";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { RollupLevel, Rollups, SqlDialect } from "../ledger-store.ts";
import { ROLLUP_TABLES, type RollupTable, rollupSelect } from "../rollups.ts";

const UNIT_MS = { hour: 3_600_000, day: 86_400_000 } as const;
/** Calls take their time: those that end after this come late, and are sums of their own. */
const SETTLE_MS = 600_000;
/** So much of the time is summed up at once at most, and so many calls about: for the memory that it takes. */
const STEP_MS = 86_400_000;
const STEP_CALLS = 100_000;
const LEAST_STEP_MS = 1_000;
/** Keeps the definition of tables that hold nothing yet. */
const NO_LEVEL = "none";

export class DuckdbRollups implements Rollups {
  readonly #sql: SqlDialect;
  readonly #until = new Map<RollupLevel, number>();

  /** Levels that have all calls there are: there is nothing to look for until others come. */
  readonly #complete = new Set<RollupLevel>();

  constructor(sql: SqlDialect) {
    this.#sql = sql;
  }

  table(level: RollupLevel): string {
    return tableOf(level).name;
  }

  until(level: RollupLevel): number {
    const unit = UNIT_MS[tableOf(level).unit];
    return Math.floor((this.#until.get(level) ?? Number.NEGATIVE_INFINITY) / unit) * unit;
  }

  /** Whether sums of this time exist: a call that began then is late. */
  isLate(startedAt: number): boolean {
    for (const until of this.#until.values()) if (startedAt < until) return true;
    return false;
  }

  /** To be told when calls were added. */
  added(): void {
    this.#complete.clear();
  }

  /** Reads how far they are; makes the tables anew, when it may write, where they are of another definition. */
  async open(connection: DuckDBConnection, readOnly: boolean): Promise<void> {
    this.#until.clear();
    const definition = this.#definition();
    const tables = await rowsOf(
      connection,
      "SELECT 1 FROM duckdb_tables() WHERE table_name = 'rollup_state' AND database_name = 'ledger'",
    );
    if (tables.length > 0) {
      const state = await rowsOf(
        connection,
        "SELECT level, epoch_ms(until_time), definition FROM rollup_state",
      );
      const current = state.length > 0 && state.every(([, , of]) => of === definition);
      if (current) {
        for (const [level, until] of state) {
          if (level !== NO_LEVEL) this.#until.set(String(level) as RollupLevel, Number(until));
        }
        return;
      }
    }
    if (readOnly) return;
    await transaction(connection, async () => {
      for (const table of ROLLUP_TABLES) {
        await connection.run(`DROP TABLE IF EXISTS ${table.name}`);
        await connection.run(
          `CREATE TABLE ${table.name} AS ${rollupSelect(this.#sql, table, "calls")} WITH NO DATA`,
        );
      }
      await connection.run("DELETE FROM rollup_state");
      await connection.run(`INSERT INTO rollup_state VALUES ('${NO_LEVEL}', ${time(0)}, '${definition}')`);
    });
  }

  /** Sums up rows of `source` (a table like `calls`) that come late; within the transaction that adds them. */
  async addLate(connection: DuckDBConnection, source: string): Promise<void> {
    for (const table of ROLLUP_TABLES) {
      const until = this.#until.get(table.level);
      if (until === undefined) continue;
      await connection.run(this.#insert(table, `${source} WHERE started_at < ${time(until)}`));
    }
  }

  /** Forgets a stretch of whole days; within the transaction that takes its calls away. */
  async forget(connection: DuckDBConnection, from: number, to: number): Promise<void> {
    for (const { name } of ROLLUP_TABLES) {
      await connection.run(
        `DELETE FROM ${name} WHERE started_at >= ${time(from)} AND started_at < ${time(to)}`,
      );
    }
  }

  /** Sums up the next stretch of time that is over; true when there is more to do. */
  async step(connection: DuckDBConnection, now: number): Promise<boolean> {
    const next = await this.#next(connection, now);
    if (next === undefined) return false;
    const { table, from, to } = next;
    await transaction(connection, async () => {
      if (to > from) {
        const condition = `calls WHERE started_at >= ${time(from)} AND started_at < ${time(to)}`;
        await connection.run(this.#insert(table, condition));
      }
      await connection.run(`DELETE FROM rollup_state WHERE level = '${table.level}'`);
      await connection.run(
        `INSERT INTO rollup_state VALUES ('${table.level}', ${time(to)}, '${this.#definition()}')`,
      );
    });
    this.#until.set(table.level, to);
    return true;
  }

  /** The level that is farthest behind, and what to add to it. */
  async #next(
    connection: DuckDBConnection,
    now: number,
  ): Promise<{ table: RollupTable; from: number; to: number } | undefined> {
    for (const table of ROLLUP_TABLES) {
      const unit = UNIT_MS[table.unit];
      const end = Math.floor((now - SETTLE_MS) / unit) * unit;
      const until = this.#until.get(table.level);
      if (this.#complete.has(table.level) || (until !== undefined && until >= end)) continue;
      const since = until === undefined ? "" : `WHERE started_at >= ${time(until)}`;
      // Times without calls are skipped, and none is closed before there are calls after it: clocks jump.
      const [found] = await rowsOf(connection, `SELECT epoch_ms(min(started_at)) FROM calls ${since}`);
      if (found?.[0] === null || found?.[0] === undefined) {
        this.#complete.add(table.level);
        continue;
      }
      const first = Number(found[0]);
      const from = Math.min(Math.max(first, until ?? Number.NEGATIVE_INFINITY), end);
      return { table, from, to: await this.#end(connection, from, end) };
    }
    return undefined;
  }

  /** As far as a step may go from here. It may end amid a unit: the rest is summed up beside it. */
  async #end(connection: DuckDBConnection, from: number, end: number): Promise<number> {
    let to = Math.min(end, from + STEP_MS);
    while (to - from > LEAST_STEP_MS) {
      const range = `started_at >= ${time(from)} AND started_at < ${time(to)}`;
      const [counted] = await rowsOf(connection, `SELECT count(*) FROM calls WHERE ${range}`);
      const calls = Number(counted?.[0] ?? 0);
      if (calls <= STEP_CALLS * 1.5) break;
      to = from + Math.max(LEAST_STEP_MS, Math.floor(((to - from) * STEP_CALLS) / calls));
    }
    return to;
  }

  #insert(table: RollupTable, from: string): string {
    return `INSERT INTO ${table.name} ${rollupSelect(this.#sql, table, from)}`;
  }

  #definition(): string {
    const text = ROLLUP_TABLES.map((table) => rollupSelect(this.#sql, table, "calls")).join(";");
    return createHash("sha256").update(text).digest("hex").slice(0, 16);
  }
}

function tableOf(level: RollupLevel): RollupTable {
  const found = ROLLUP_TABLES.find((table) => table.level === level);
  if (found === undefined) throw new RangeError(`there are no sums by ${level}`);
  return found;
}

function time(ms: number): string {
  return `make_timestamp(${ms}::BIGINT * 1000)`;
}

async function rowsOf(connection: DuckDBConnection, text: string) {
  return (await connection.runAndReadAll(text)).getRows();
}

async function transaction(connection: DuckDBConnection, work: () => Promise<void>): Promise<void> {
  await connection.run("BEGIN");
  try {
    await work();
    await connection.run("COMMIT");
  } catch (error) {
    await connection.run("ROLLBACK").catch(() => undefined);
    throw error;
  }
}
