/**
 * Calls into the DuckDB file. Their columns are filled, in an appender's memory, while the batch before is being
 * committed by a thread of DuckDB's: that takes two connections in turn. An id is looked for only among the ids between
 * the batch's first and last: ids begin with their time and rows are stored about in that order, so that the file's own
 * minima and maxima leave little to read, and no index has to be kept in memory. Batches with calls that are there
 * already, or are late for the sums, go through a temporary table.
 */
import type * as DuckDB from "@duckdb/node-api";
import type { Calls } from "../calls.ts";
import { COLUMNS } from "../ledger-row.ts";
import type { DuckdbRollups } from "./duckdb-rollups.ts";
import type { RowAppender } from "./duckdb-rows.ts";
import { quoted } from "./duckdb-sql.ts";

const NAMES = COLUMNS.map(({ name }) => name).join(", ");

/** Calls that are ready to be committed. */
export interface StagedCalls {
  readonly calls: Calls;
  /** Those that have no other of their id before them. */
  readonly places: readonly number[];
  readonly low: string;
  readonly high: string;
  /** Milliseconds since the epoch. */
  readonly earliest: number;
  readonly connection: DuckDB.DuckDBConnection;
  readonly appender: DuckDB.DuckDBAppender;
  /** How many could be read. */
  readonly appended: number;
}

export class DuckdbInserts {
  readonly #list: typeof DuckDB.listValue;
  readonly #rows: RowAppender;
  readonly #rollups: DuckdbRollups;
  readonly #connections: readonly DuckDB.DuckDBConnection[];
  readonly #free: DuckDB.DuckDBConnection[];
  /** Those who wait for a connection. */
  readonly #waiting: ((connection: DuckDB.DuckDBConnection) => void)[] = [];

  constructor(
    list: typeof DuckDB.listValue,
    rows: RowAppender,
    rollups: DuckdbRollups,
    connections: readonly DuckDB.DuckDBConnection[],
  ) {
    this.#list = list;
    this.#rows = rows;
    this.#rollups = rollups;
    this.#connections = connections;
    this.#free = [...connections];
  }

  /** To be called when the schema is there. */
  async open(): Promise<void> {
    for (const connection of this.#connections) {
      await connection.run("CREATE TEMP TABLE IF NOT EXISTS incoming AS SELECT * FROM calls WITH NO DATA");
    }
  }

  /** Makes calls ready; what comes of it has to be committed. Waits while two are. */
  async stage(calls: Calls): Promise<StagedCalls> {
    const connection = await this.#taken();
    try {
      const known = described(calls);
      const appender = await connection.createAppender("calls", "main", "ledger");
      try {
        const appended = await this.#rows.append(appender, calls, known.places);
        return { ...known, calls, connection, appender, appended };
      } catch (error) {
        dropped(appender);
        throw error;
      }
    } catch (error) {
      this.#release(connection);
      throw error;
    }
  }

  /** How many were added. While nothing else is written. */
  async commit(staged: StagedCalls): Promise<number> {
    const { connection, appender, earliest, appended } = staged;
    let taken = false;
    try {
      if (this.#rollups.isLate(earliest) || (await this.#isKnown(staged))) return await this.#apart(staged);
      await transaction(connection, () => {
        appender.closeSync();
        taken = true;
        return Promise.resolve();
      });
      return appended;
    } finally {
      this.#release(connection);
      // Else what it holds would be inserted when it is collected, whatever became of the transaction.
      if (!taken) dropped(appender);
    }
  }

  /** Whether the table has any of these calls. */
  async #isKnown({ connection, calls, places, low, high }: StagedCalls): Promise<boolean> {
    const between = `FROM calls WHERE id >= ${quoted(low)} AND id <= ${quoted(high)}`;
    const near = await connection.runAndReadAll(`SELECT max(id) ${between}`);
    const last = near.getRows()[0]?.[0];
    if (typeof last !== "string") return false;
    const ids: string[] = [];
    for (const place of places) {
      const id = calls.id(place);
      if (id <= last) ids.push(id);
    }
    const query = `SELECT 1 ${between} AND id IN (SELECT unnest($1::VARCHAR[])) LIMIT 1`;
    const found = await connection.runAndReadAll(query, [this.#list(ids)]);
    return found.currentRowCount > 0;
  }

  /** Through a table of their own. */
  async #apart({ connection, calls, places, low, high, earliest }: StagedCalls): Promise<number> {
    let added = 0;
    await transaction(connection, async () => {
      const appender = await connection.createAppender("incoming", "main", "temp");
      try {
        added = await this.#rows.append(appender, calls, places);
        appender.flushSync();
      } finally {
        dropped(appender);
      }
      const between = `SELECT id FROM calls WHERE id >= ${quoted(low)} AND id <= ${quoted(high)}`;
      const known = await connection.run(`DELETE FROM temp.incoming WHERE id IN (${between})`);
      added -= known.rowsChanged;
      if (this.#rollups.isLate(earliest)) await this.#rollups.addLate(connection, "temp.incoming");
      await connection.run(`INSERT INTO calls (${NAMES}) SELECT ${NAMES} FROM temp.incoming`);
      await connection.run("TRUNCATE temp.incoming");
    });
    return added;
  }

  #taken(): Promise<DuckDB.DuckDBConnection> {
    const connection = this.#free.shift();
    if (connection !== undefined) return Promise.resolve(connection);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #release(connection: DuckDB.DuckDBConnection): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(connection);
    else next(connection);
  }
}

/** What has to be known of calls before they are inserted; of those with the same id the first counts. */
function described(calls: Calls) {
  const ids = new Set<string>();
  const places: number[] = [];
  let low = calls.id(0);
  let high = low;
  let earliest = Number.POSITIVE_INFINITY;
  for (let at = 0; at < calls.length; at++) {
    const id = calls.id(at);
    if (id < low) low = id;
    if (id > high) high = id;
    earliest = Math.min(earliest, calls.startedAt(at));
    if (ids.size < ids.add(id).size) places.push(at);
  }
  return { places, low, high, earliest };
}

/** Lets go of an appender and of what it still holds. */
function dropped(appender: DuckDB.DuckDBAppender): void {
  appender.clear();
  appender.closeSync();
}

async function transaction(connection: DuckDB.DuckDBConnection, work: () => Promise<void>): Promise<void> {
  await connection.run("BEGIN");
  try {
    await work();
    await connection.run("COMMIT");
  } catch (error) {
    await connection.run("ROLLBACK").catch(() => undefined);
    throw error;
  }
}
