/**
 * Calls into the DuckDB file. They are brought into a transaction while that of the batch before is being committed by
 * a thread of DuckDB's: two connections take turns. An id is looked for only among the ids between
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

/** Calls in a transaction that is open. */
export interface StagedCalls {
  readonly calls: Calls;
  /** Those that have no other of their id before them. */
  readonly places: readonly number[];
  readonly low: string;
  readonly high: string;
  /** Milliseconds since the epoch. */
  readonly earliest: number;
  readonly connection: DuckDB.DuckDBConnection;
  /** How many could be read. */
  readonly appended: number;
}

export class DuckdbInserts {
  readonly #list: typeof DuckDB.listValue;
  readonly #rows: RowAppender;
  readonly #rollups: DuckdbRollups;
  /** Sees what is committed, when nothing else is written. */
  readonly #looking: DuckDB.DuckDBConnection;
  readonly #connections: readonly DuckDB.DuckDBConnection[];
  readonly #free: DuckDB.DuckDBConnection[];
  /** Those who wait for a connection. */
  readonly #waiting: ((connection: DuckDB.DuckDBConnection) => void)[] = [];

  constructor(
    list: typeof DuckDB.listValue,
    rows: RowAppender,
    rollups: DuckdbRollups,
    looking: DuckDB.DuckDBConnection,
    connections: readonly DuckDB.DuckDBConnection[],
  ) {
    this.#list = list;
    this.#rows = rows;
    this.#rollups = rollups;
    this.#looking = looking;
    this.#connections = connections;
    this.#free = [...connections];
  }

  /** To be called when the schema is there. */
  async open(): Promise<void> {
    for (const connection of this.#connections) {
      await connection.run("CREATE TEMP TABLE IF NOT EXISTS incoming AS SELECT * FROM calls WITH NO DATA");
    }
  }

  /** Makes the calls from place `from` to before `to` ready; what comes of it has to be committed. Waits while two are. */
  async stage(calls: Calls, from: number, to: number): Promise<StagedCalls> {
    const connection = await this.#taken();
    try {
      const known = described(calls, from, to);
      await connection.run("BEGIN");
      const appended = await this.#append(connection, "calls", "ledger", calls, known.places);
      return { ...known, calls, connection, appended };
    } catch (error) {
      await this.#giveUp(connection);
      throw error;
    }
  }

  /** How many were added. While nothing else is committed. */
  async commit(staged: StagedCalls): Promise<number> {
    const { connection } = staged;
    try {
      let added = staged.appended;
      const late = this.#rollups.isLate(staged.earliest);
      if (late || (await this.#isKnown(staged))) {
        await connection.run("ROLLBACK");
        await connection.run("BEGIN");
        added = await this.#apart(staged, late);
      }
      await connection.run("COMMIT");
      this.#release(connection);
      return added;
    } catch (error) {
      await this.#giveUp(connection);
      throw error;
    }
  }

  /** Whether the table has any of these calls. */
  async #isKnown({ calls, places, low, high }: StagedCalls): Promise<boolean> {
    const between = `FROM calls WHERE id >= ${quoted(low)} AND id <= ${quoted(high)}`;
    const near = await this.#looking.runAndReadAll(`SELECT max(id) ${between}`);
    const last = near.getRows()[0]?.[0];
    if (typeof last !== "string") return false;
    const ids: string[] = [];
    for (const place of places) {
      const id = calls.id(place);
      if (id <= last) ids.push(id);
    }
    const query = `SELECT 1 ${between} AND id IN (SELECT unnest($1::VARCHAR[])) LIMIT 1`;
    const found = await this.#looking.runAndReadAll(query, [this.#list(ids)]);
    return found.currentRowCount > 0;
  }

  /** Through a table of their own, within a transaction; how many were added. */
  async #apart({ connection, calls, places, low, high }: StagedCalls, late: boolean): Promise<number> {
    const appended = await this.#append(connection, "incoming", "temp", calls, places);
    const between = `SELECT id FROM calls WHERE id >= ${quoted(low)} AND id <= ${quoted(high)}`;
    const known = await connection.run(`DELETE FROM temp.incoming WHERE id IN (${between})`);
    if (late) await this.#rollups.addLate(connection, "temp.incoming");
    await connection.run(`INSERT INTO calls (${NAMES}) SELECT ${NAMES} FROM temp.incoming`);
    await connection.run("TRUNCATE temp.incoming");
    return appended - known.rowsChanged;
  }

  async #append(
    connection: DuckDB.DuckDBConnection,
    table: string,
    catalogue: string,
    calls: Calls,
    places: readonly number[],
  ): Promise<number> {
    const appender = await connection.createAppender(table, "main", catalogue);
    try {
      return await this.#rows.append(appender, calls, places);
    } finally {
      // After a failure: what it still holds would be inserted when it is collected.
      appender.clear();
      appender.closeSync();
    }
  }

  async #giveUp(connection: DuckDB.DuckDBConnection): Promise<void> {
    await connection.run("ROLLBACK").catch(() => undefined);
    this.#release(connection);
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
function described(calls: Calls, from: number, to: number) {
  const ids = new Ids(calls);
  const places: number[] = [];
  let low = calls.id(from);
  let high = low;
  let earliest = Number.POSITIVE_INFINITY;
  for (let at = from; at < to; at++) {
    const id = calls.id(at);
    if (id < low) low = id;
    if (id > high) high = id;
    earliest = Math.min(earliest, calls.startedAt(at));
    if (ids.isNew(id, at)) places.push(at);
  }
  return { places, low, high, earliest };
}

/** Tells which ids come for the first time. A Set would keep 32,768 texts that nobody needs, and V8 move them about. */
class Ids {
  readonly #calls: Calls;
  readonly #mask: number;
  /** Places of calls by their ids' hashes, counted from 1; a slot that is taken by another hash is followed by the next. */
  readonly #slots: Int32Array;
  readonly #hashes: Int32Array;

  constructor(calls: Calls) {
    let slots = 2;
    while (slots < 2 * calls.length) slots *= 2;
    this.#calls = calls;
    this.#mask = slots - 1;
    this.#slots = new Int32Array(slots);
    this.#hashes = new Int32Array(calls.length);
  }

  isNew(id: string, at: number): boolean {
    let hash = id.length;
    for (let index = 0; index < id.length; index++) hash = (Math.imul(hash, 31) + id.charCodeAt(index)) | 0;
    this.#hashes[at] = hash;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const before = (this.#slots[slot] ?? 0) - 1;
      if (before === -1) {
        this.#slots[slot] = at + 1;
        return true;
      }
      if (this.#hashes[before] === hash && this.#calls.id(before) === id) return false;
    }
  }
}
