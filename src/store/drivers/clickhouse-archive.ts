/**
 * Days that leave ClickHouse. Each goes through a DuckDB file of its own into the same Parquet files that the
 * embedded ledger writes, whatever formats the server knows; then its partition is dropped.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { COLUMNS } from "../ledger-row.ts";
import type { ArchivedDay, ArchivePart, LedgerStore, Value } from "../ledger-store.ts";
import { rowOfValues } from "../row-of-values.ts";
import { quoted } from "./clickhouse-sql.ts";
import { openDuckdb } from "./duckdb.ts";
import { openArchive } from "./duckdb-archive.ts";

const NAMES = COLUMNS.map(({ name }) => name).join(", ");
const DAY_MS = 86_400_000;
const PAGE_ROWS = 20_000;

interface Database {
  ask(text: string): Promise<Record<string, Value>[]>;
  command(text: string): Promise<void>;
}

/** Moves every day that ended at or before `before` (milliseconds) to the archive, the oldest first. */
export async function archiveClickhouse(
  { ask, command }: Database,
  archive: { readonly folder: string; readonly memoryBytes: number },
  before: number,
): Promise<readonly ArchivedDay[]> {
  const limit = Math.floor(before / DAY_MS) * DAY_MS;
  const days = await ask(
    `SELECT DISTINCT intDiv(started_at, ${DAY_MS}) AS n FROM calls WHERE started_at < ${limit} ORDER BY n`,
  );
  const archived: ArchivedDay[] = [];
  for (const { n } of days) {
    const start = Number(n) * DAY_MS;
    const day = new Date(start).toISOString().slice(0, 10);
    const ofDay = `started_at >= ${start} AND started_at < ${start + DAY_MS}`;
    mkdirSync(archive.folder, { recursive: true });
    const path = join(archive.folder, `.${day}.duckdb`);
    for (const old of [path, `${path}.wal`]) rmSync(old, { force: true });
    const store = await openDuckdb({ path, memoryBytes: archive.memoryBytes, archive: archive.folder });
    try {
      await store.migrate();
      const copied = await copyCalls(ask, ofDay, store);
      const [done] = await store.archive(start + DAY_MS);
      const [now] = await ask(`SELECT count() AS n FROM calls FINAL WHERE ${ofDay}`);
      if (done === undefined || Number(now?.n) !== copied) {
        throw new Error(
          `The calls of ${day} changed while they were archived; nothing was deleted. Try again.`,
        );
      }
      await command(`ALTER TABLE calls DROP PARTITION ${day.replaceAll("-", "")}`);
      await command(`INSERT INTO archived_days SELECT ${quoted(day)}, ${done.calls}, now()`);
      archived.push(done);
    } finally {
      await store.close();
      for (const old of [path, `${path}.wal`]) rmSync(old, { force: true });
    }
  }
  return archived;
}

/** Copies the calls of a condition; tells how many there were. */
async function copyCalls(ask: Database["ask"], condition: string, store: LedgerStore): Promise<number> {
  let copied = 0;
  let last = "";
  for (;;) {
    const page = await ask(
      `SELECT ${NAMES} FROM calls FINAL WHERE ${condition} AND id > ${quoted(last)} ORDER BY id LIMIT ${PAGE_ROWS}`,
    );
    if (page.length === 0) return copied;
    await store.insert(page.map(rowOfValues));
    copied += page.length;
    last = String(page.at(-1)?.id);
  }
}

/**
 * The archive's files in a DuckDB database in memory, with the calls that the server has of their time: those that came
 * late, or all of a day that was not dropped yet. Undefined when there are no files.
 */
export async function openClickhouseArchive(
  ask: Database["ask"],
  { folder, memoryBytes }: { readonly folder: string; readonly memoryBytes: number },
): Promise<ArchivePart | undefined> {
  const last = openArchive(folder).files.at(-1)?.slice(0, 10);
  if (last === undefined) return undefined;
  const until = Date.parse(last) + DAY_MS;
  const store = await openDuckdb({ path: ":memory:", memoryBytes, archive: folder });
  try {
    await store.migrate();
    await copyCalls(ask, `started_at < ${until}`, store);
    return { store, until };
  } catch (error) {
    await store.close();
    throw error;
  }
}
