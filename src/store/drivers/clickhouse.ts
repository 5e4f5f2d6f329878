/**
 * The ledger in ClickHouse, over HTTP. An insert first asks which of its calls are there; should an insert whose
 * answer was lost be written after all, the table's engine and FINAL still count each call once.
 */
import type { ClickHouseClient } from "@clickhouse/client";
import type { Calls } from "../calls.ts";
import { COLUMNS, type LedgerRow } from "../ledger-row.ts";
import type { ArchivedDay, ArchivePart, LedgerStore, Query, Value } from "../ledger-store.ts";
import { StoreError } from "../store-error.ts";
import type { ClickhouseSettings } from "../store-settings.ts";
import { archiveClickhouse, openClickhouseArchive } from "./clickhouse-archive.ts";
import { fromLines, toLine } from "./clickhouse-rows.ts";
import { migrateClickhouse } from "./clickhouse-schema.ts";
import { clickhouseSql, quoted, withParams } from "./clickhouse-sql.ts";

const NAMES = COLUMNS.map(({ name }) => name).join(", ");
const DAY_MS = 86_400_000;

/** A statement is at most 256 KiB by the servers' default (`max_query_size`); an id takes 39 bytes. */
const ROWS_AT_A_TIME = 4_000;
/** Servers refuse inserts into more than 100 partitions (`max_partitions_per_insert_block`). */
const DAYS_AT_A_TIME = 50;

const ATTEMPTS = 4;
const FIRST_BACKOFF_MS = 200;

/** Opens no connection yet. @throws StoreError when the URL cannot be used */
export async function openClickhouse(
  settings: ClickhouseSettings,
  archive: { readonly folder: string; readonly memoryBytes: number },
): Promise<LedgerStore> {
  const { createClient } = await import("@clickhouse/client");
  const { url, database, user, password } = settings;
  const make = (name: string): ClickHouseClient =>
    createClient({
      url,
      database: name,
      username: user,
      password,
      request_timeout: 60_000,
      application: "bellwether",
      log: { LoggerClass: Silent },
    });
  return new ClickhouseStore(make, database, archive);
}

class ClickhouseStore implements LedgerStore {
  readonly sql = clickhouseSql;
  readonly #make: (database: string) => ClickHouseClient;
  readonly #client: ClickHouseClient;
  readonly #database: string;
  readonly #archive: { readonly folder: string; readonly memoryBytes: number };
  #work: Promise<unknown> = Promise.resolve();

  constructor(
    make: (database: string) => ClickHouseClient,
    database: string,
    archive: { readonly folder: string; readonly memoryBytes: number },
  ) {
    this.#make = make;
    this.#client = make(database);
    this.#database = database;
    this.#archive = archive;
  }

  migrate(): Promise<void> {
    return this.#alone(async () => {
      const outside = this.#make("default");
      try {
        await retried(() => send(outside, `CREATE DATABASE IF NOT EXISTS \`${this.#database}\``));
      } finally {
        await outside.close();
      }
      const number = async (text: string) => Number((await this.#ask(text))[0]?.n);
      await migrateClickhouse({ command: (text) => this.#command(text), number }, this.#database);
    });
  }

  insert(rows: readonly LedgerRow[]): Promise<number> {
    return this.#alone(async () => {
      const once = [...new Map(rows.toReversed().map((row) => [row.id, row])).values()].reverse();
      let added = 0;
      for (const part of parts(once)) added += await retried(() => this.#insert(part));
      return added;
    });
  }

  insertCalls(calls: Calls): Promise<number> {
    return this.insert(calls.rows());
  }

  query(query: Query): Promise<Readonly<Record<string, Value>>[]> {
    return this.#ask(withParams(query));
  }

  archive(before: number): Promise<readonly ArchivedDay[]> {
    const database = {
      ask: (text: string) => this.#ask(text),
      command: (text: string) => this.#command(text),
    };
    return this.#alone(() => archiveClickhouse(database, this.#archive, before));
  }

  openArchive(): Promise<ArchivePart | undefined> {
    return openClickhouseArchive((text) => this.#ask(text), this.#archive);
  }

  async close(): Promise<void> {
    await this.#work.catch(() => undefined);
    await this.#client.close();
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work, work);
    this.#work = done.catch(() => undefined);
    return done;
  }

  async #insert(rows: readonly LedgerRow[]): Promise<number> {
    const ids = rows.map(({ id }) => quoted(id)).join(", ");
    const found = await send(
      this.#client,
      `SELECT id FROM calls WHERE id IN (${ids}) FORMAT TabSeparatedWithNamesAndTypes`,
    );
    const known = new Set(fromLines(found).map(({ id }) => id));
    const fresh = rows.filter(({ id }) => !known.has(id));
    if (fresh.length === 0) return 0;
    await send(
      this.#client,
      `INSERT INTO calls (${NAMES}) FORMAT TabSeparated\n${fresh.map(toLine).join("")}`,
    );
    return fresh.length;
  }

  async #ask(text: string): Promise<Record<string, Value>[]> {
    return fromLines(
      await retried(() => send(this.#client, `${text}\nFORMAT TabSeparatedWithNamesAndTypes`)),
    );
  }

  async #command(text: string): Promise<void> {
    await retried(() => send(this.#client, text));
  }
}

/** As many rows and days as one insert may have. */
function* parts(rows: readonly LedgerRow[]): Generator<LedgerRow[]> {
  let part: LedgerRow[] = [];
  let days = new Set<number>();
  for (const row of rows) {
    const day = Math.floor(row.startedAt / DAY_MS);
    if (part.length === ROWS_AT_A_TIME || (days.size === DAYS_AT_A_TIME && !days.has(day))) {
      yield part;
      part = [];
      days = new Set();
    }
    part.push(row);
    days.add(day);
  }
  if (part.length > 0) yield part;
}

/** Sends a statement, data and all, and gives the whole answer. @throws StoreError */
async function send(client: ClickHouseClient, text: string): Promise<string> {
  try {
    const { stream } = await client.exec({ query: text });
    const pieces: Buffer[] = [];
    for await (const piece of stream) pieces.push(piece as Buffer);
    return Buffer.concat(pieces).toString("utf8");
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // What the server itself says begins with its own number; the statement may follow, which is nobody's business.
    const code = (error as { code?: unknown }).code;
    const says = /^(?:Code: (\d+)[.,]\s*)?(?:e\.displayText\(\) = )?(?:DB::Exception: )?([^\n]{0,300})/.exec(
      message,
    );
    const isAnswer = /DB::Exception/.test(message) || (typeof code === "string" && /^\d+$/.test(code));
    if (isAnswer) {
      throw new StoreError(
        "refused",
        `ClickHouse refused a statement (${says?.[1] ?? code ?? "?"}): ${says?.[2] ?? ""}`,
        error,
      );
    }
    throw new StoreError(
      "unavailable",
      `ClickHouse cannot be reached (${message.slice(0, 200)}). Check \`ledger.clickhouse\` and the server; the journal keeps the rows meanwhile.`,
      error,
    );
  }
}

/** Tries again while the server cannot be reached: what it has refused it would refuse again. */
async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const again = error instanceof StoreError && error.kind === "unavailable" && attempt < ATTEMPTS;
      if (!again) throw error;
      const wait = FIRST_BACKOFF_MS * 2 ** (attempt - 1);
      await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)));
    }
  }
}

/** The client would write to the console; errors are thrown anyway. */
class Silent {
  trace(): void {}
  debug(): void {}
  info(): void {}
  warn(): void {}
  error(): void {}
}
