/** The ledger in a DuckDB file. */
import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type * as DuckDB from "@duckdb/node-api";
import { type Calls, RowCalls } from "../calls.ts";
import type { LedgerRow } from "../ledger-row.ts";
import type { ArchivedDay, LedgerStore, Query, SqlDialect, Value } from "../ledger-store.ts";
import { StoreError } from "../store-error.ts";
import { archiveDays, archivedTable, type DuckdbArchive, openArchive } from "./duckdb-archive.ts";
import { DuckdbInserts } from "./duckdb-inserts.ts";
import { DuckdbRollups } from "./duckdb-rollups.ts";
import { RowAppender } from "./duckdb-rows.ts";
import { migrateDuckdb } from "./duckdb-schema.ts";
import { duckdbSql, quoted } from "./duckdb-sql.ts";
import { toValue } from "./duckdb-values.ts";

export interface DuckdbSettings {
  /** Absolute path of the file; it is made when it is missing. */
  readonly path: string;
  /** Most memory that the database takes, in bytes. */
  readonly memoryBytes: number;
  /** Folder of the archived days. */
  readonly archive: string;
  /** Only to ask: the file has to be there, and nothing is written. */
  readonly readOnly?: boolean;
}

type Api = typeof DuckDB;

/** How often a question is told that nobody waits for it any more. */
const INTERRUPT_MS = 10;

/**
 * Rows that DuckDB compresses together. The rows of a group that is not full are written again at every checkpoint,
 * so that one is made when a group is full: 7 µs of CPU a row, where DuckDB's own 122,880 rows and 16 MB of log took 21.
 * Rows wait in memory for that, some 25 MB of them in each of two transactions.
 */
const ROW_GROUP = 32_768;
/**
 * What two transactions of a row group's calls take while one of them is compressed: each of their 46 columns, and as
 * many that tell which values there are, has blocks of its own, some 120 of 256 KiB. More is for questions only.
 */
const INSERTING_BYTES = 80e6;
/** For questions. Rows are taken by one thread: two take as long, and half as much CPU again. */
const THREADS = 2;
/** DuckDB's own checkpoints, by the size of its log: only should ours have failed. */
const CHECKPOINT_AT_LEAST = "128MB";

/** @throws StoreError `locked`, `corrupted` */
export async function openDuckdb(settings: DuckdbSettings): Promise<LedgerStore> {
  const { path, memoryBytes, readOnly } = settings;
  const api = await import("@duckdb/node-api");
  const { default: low } = await import("@duckdb/node-bindings");
  if (readOnly !== true) mkdirSync(dirname(path), { recursive: true });
  let instance: DuckDB.DuckDBInstance | undefined;
  try {
    // The file is attached to a database in memory: only so can the size of its row groups be said.
    instance = await api.DuckDBInstance.create(":memory:", {
      // Nothing is to come from, or go to, anywhere but this file and its archive.
      memory_limit: sized(memoryBytes),
      threads: "1",
      temp_directory: `${path}.tmp`,
      checkpoint_threshold: CHECKPOINT_AT_LEAST,
      // What is free goes back to the system soon: 340 MB rather than 420 after every report over 30 million calls.
      allocator_flush_threshold: "1MB",
      allocator_bulk_deallocation_flush_threshold: "1MB",
      // Joining the rows that are shown by their places costs 110 ms of 30 million calls, where reading them takes 12.
      late_materialization_max_rows: "0",
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    const writing = await instance.connect();
    const inserting = [await instance.connect()];
    // Where there is less, one after the other.
    if (memoryBytes >= INSERTING_BYTES) inserting.push(await instance.connect());
    const asking = await instance.connect();
    await writing.run(
      `ATTACH ${quoted(path)} AS ledger (${readOnly === true ? "READ_ONLY" : `ROW_GROUP_SIZE ${ROW_GROUP}`})`,
    );
    for (const connection of [writing, asking, ...inserting]) {
      await connection.run("USE ledger");
      await connection.run("SET TimeZone = 'UTC'");
    }
    const store = new DuckdbStore(
      api,
      new RowAppender(api, low),
      instance,
      { writing, asking, inserting },
      settings,
    );
    if (readOnly === true) await store.rollups.open(asking, true);
    return store;
  } catch (error) {
    instance?.closeSync();
    throw explained(path, error);
  }
}

interface Connections {
  readonly writing: DuckDB.DuckDBConnection;
  readonly asking: DuckDB.DuckDBConnection;
  readonly inserting: readonly DuckDB.DuckDBConnection[];
}

class DuckdbStore implements LedgerStore {
  readonly sql: SqlDialect;
  readonly rollups: DuckdbRollups;
  readonly #api: Api;
  readonly #inserts: DuckdbInserts;
  readonly #instance: DuckDB.DuckDBInstance;
  readonly #writing: DuckDB.DuckDBConnection;
  readonly #asking: DuckDB.DuckDBConnection;
  readonly #inserting: readonly DuckDB.DuckDBConnection[];
  readonly #path: string;
  readonly #archive: DuckdbArchive;
  /** What is being written; one thing at a time. */
  #work: Promise<unknown> = Promise.resolve();
  #closing = false;
  #closed = false;
  #threads = 1;
  /** All that the database may take. */
  readonly #memory: number;
  /** What inserts may take of that; what is free then goes back to the system. */
  readonly #insertingMemory: number;
  #usedMemory: number;
  /** The change of these that is under way. */
  #using: Promise<void> = Promise.resolve();
  /** How many are being answered. */
  #questions = 0;
  /** Rows that are in the log and in no full group; undefined until they have been counted. */
  #loose: number | undefined;

  constructor(
    api: Api,
    rows: RowAppender,
    instance: DuckDB.DuckDBInstance,
    { writing, asking, inserting }: Connections,
    { path, archive, memoryBytes }: DuckdbSettings,
  ) {
    this.#memory = this.#usedMemory = memoryBytes;
    this.#insertingMemory = Math.min(memoryBytes, INSERTING_BYTES);
    this.#api = api;
    this.#instance = instance;
    this.#writing = writing;
    this.#asking = asking;
    this.#path = path;
    this.#archive = openArchive(archive);
    this.sql = duckdbSql((archived) => (archived ? archivedTable(this.#archive) : "calls"));
    this.rollups = new DuckdbRollups(this.sql);
    this.#inserts = new DuckdbInserts(api.listValue, rows, this.rollups, writing, inserting);
    this.#inserting = inserting;
  }

  migrate(): Promise<void> {
    return this.#alone(async () => {
      await migrateDuckdb(this.#writing, this.#path);
      await this.rollups.open(this.#writing, false);
      await this.#inserts.open();
    });
  }

  insert(rows: readonly LedgerRow[]): Promise<number> {
    return this.insertCalls(new RowCalls(rows));
  }

  async insertCalls(calls: Calls): Promise<number> {
    const first = this.#fill(calls.length);
    const added = await this.#insertPart(calls, 0, first);
    return added + (await this.#insertPart(calls, first, calls.length));
  }

  /** How many of so many calls fill the group that is begun: they go first, so that not two groups wait in memory. */
  #fill(calls: number): number {
    const room = ROW_GROUP - (this.#loose ?? 0);
    return calls < ROW_GROUP && room > 0 && room < calls ? room : 0;
  }

  #insertPart(calls: Calls, from: number, to: number): Promise<number> {
    if (from === to) return Promise.resolve(0);
    const staging = this.#inserts.stage(calls, from, to);
    // It is waited for when those before are committed.
    staging.catch(() => undefined);
    return this.#alone(async () => {
      const staged = await staging;
      if (this.#questions === 0) await this.#use(1, this.#insertingMemory);
      const added = await this.#inserts.commit(staged);
      this.rollups.added();
      await this.#checkpoint(added);
      return added;
    });
  }

  rollUp(now: number): Promise<boolean> {
    return this.#alone(async () => {
      await this.#use(this.#threads, this.#memory);
      return this.rollups.step(this.#writing, now);
    });
  }

  archive(before: number): Promise<readonly ArchivedDay[]> {
    return this.#alone(async () => {
      this.#loose = undefined;
      await this.#use(this.#threads, this.#memory);
      const forget = (from: number, to: number) => this.rollups.forget(this.#writing, from, to);
      return archiveDays(this.#writing, this.#archive, before, forget);
    });
  }

  async query({ text, params }: Query): Promise<Readonly<Record<string, Value>>[]> {
    this.#questions++;
    try {
      await this.#use(THREADS, this.#memory);
      // Integers are bound as such by their types in the text; JavaScript's numbers go as they are.
      const result = await this.#asking.runAndReadAll(
        text,
        params.map((param) => param),
      );
      const names = result.deduplicatedColumnNames();
      return result.getRows().map((row) => {
        const entries = names.map((name, index) => [name, toValue(this.#api, row[index] ?? null)] as const);
        return Object.fromEntries(entries);
      });
    } catch (error) {
      throw explained(this.#path, error);
    } finally {
      this.#questions--;
    }
  }

  interrupt(): void {
    if (!this.#closed) this.#asking.interrupt();
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    await this.#work.catch(() => undefined);
    // A statement that begins just then is not interrupted: asked until none is left.
    while (this.#questions > 0) {
      this.#asking.interrupt();
      await new Promise((resolve) => setTimeout(resolve, INTERRUPT_MS));
    }
    this.#closed = true;
    this.#asking.closeSync();
    this.#writing.closeSync();
    for (const connection of this.#inserting) connection.closeSync();
    this.#instance.closeSync();
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work, work).catch((error: unknown) => {
      throw explained(this.#path, error);
    });
    this.#work = done.catch(() => undefined);
    return done;
  }

  /** One after the other: whoever came last has what it asked for. */
  #use(threads: number, memory: number): Promise<void> {
    const used = this.#using.then(() => this.#set(threads, memory));
    this.#using = used.catch(() => undefined);
    return used;
  }

  async #set(threads: number, memory: number): Promise<void> {
    if (this.#threads !== threads) await this.#asking.run(`SET threads = ${threads}`);
    this.#threads = threads;
    if (this.#usedMemory === memory) return;
    this.#usedMemory = memory;
    // Less is refused where more cannot be freed.
    await this.#asking.run(`SET memory_limit = '${sized(memory)}'`).catch(() => {
      this.#usedMemory = this.#memory;
    });
  }

  /** Moves rows from the log to the file when a group is full. */
  async #checkpoint(added: number): Promise<void> {
    if (this.#loose === undefined) {
      const counted = await this.#writing.runAndReadAll("SELECT count(*) FROM calls");
      this.#loose = Number(counted.getRows()[0]?.[0] ?? 0) % ROW_GROUP;
    } else {
      this.#loose += added;
    }
    if (this.#loose < ROW_GROUP) return;
    // It is refused while something else is written; the rows are safe in the log, and the next insert tries again.
    const done = await this.#writing.run("CHECKPOINT").then(
      () => true,
      () => false,
    );
    if (done) this.#loose %= ROW_GROUP;
  }
}

/** In DuckDB's own unit of a thousand. */
function sized(bytes: number): string {
  return `${Math.floor(bytes / 1e6)}MB`;
}

/** DuckDB's errors that people meet, in words that say what to do. */
function explained(path: string, error: unknown): unknown {
  if (error instanceof StoreError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (/Could not set lock|being used by another process/i.test(text)) {
    return new StoreError(
      "locked",
      `The ledger ${path} is open in another process, probably a running \`bellwether serve\`. Stop it first, or ask it: most commands do so by themselves when they find it.`,
      error,
    );
  }
  if (
    /not a valid DuckDB database|Serialization Error|checksum|corrupt|WAL file|Failed to load metadata/i.test(
      text,
    ) &&
    existsSync(path)
  ) {
    return new StoreError(
      "corrupted",
      `The ledger ${path} is damaged or no ledger (${firstLine(text)}). Restore it from a backup, or run \`bellwether ledger repair\`: it moves the file aside, saves the rows that can be read, and begins a new one.`,
      error,
    );
  }
  return error;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]?.slice(0, 200) ?? "";
}
