/**
 * Days that have left the database: one Parquet file a day (UTC) in the archive's folder. A file is written under
 * another name, read back and compared, then renamed; only then are the day's rows deleted. Stopped anywhere it is
 * begun again: rows that are in both places are told once by reports and once in the next file.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { COLUMNS } from "../ledger-row.ts";
import type { ArchivedDay } from "../ledger-store.ts";
import { quoted } from "./duckdb-sql.ts";

const NAMES = COLUMNS.map(({ name }) => name).join(", ");
const DAY_MS = 86_400_000;
const FILE = /^\d{4}-\d{2}-\d{2}\.parquet$/;

export interface DuckdbArchive {
  readonly folder: string;
  /** Names of its files, sorted. */
  files: readonly string[];
}

/** Looks at the folder, which need not be there, and removes what an interrupted run left. */
export function openArchive(folder: string): DuckdbArchive {
  const found = existsSync(folder) ? readdirSync(folder) : [];
  for (const name of found)
    if (/\.parquet\.unfinished$/.test(name)) rmSync(join(folder, name), { force: true });
  return { folder, files: found.filter((name) => FILE.test(name)).sort() };
}

/** The SQL of the calls with those of the archive, each once. */
export function archivedTable({ folder, files }: DuckdbArchive): string {
  const last = files.at(-1)?.slice(0, 10);
  if (last === undefined) return "calls";
  const end = `TIMESTAMP '${last}' + INTERVAL 1 DAY`;
  return `(SELECT ${NAMES} FROM calls UNION ALL SELECT ${NAMES} FROM ${parquet(files.map((file) => join(folder, file)))} a
    WHERE a.id NOT IN (SELECT id FROM calls WHERE started_at < ${end}))`;
}

/** Moves every day that ended at or before `before` (milliseconds) to the archive, the oldest first; `forget` is to drop the sums of a day. */
export async function archiveDays(
  connection: DuckDBConnection,
  archive: DuckdbArchive,
  before: number,
  forget: (from: number, to: number) => Promise<void>,
): Promise<readonly ArchivedDay[]> {
  const limit = Math.floor(before / DAY_MS) * DAY_MS;
  const found = await connection.runAndReadAll(
    `SELECT DISTINCT strftime(started_at, '%Y-%m-%d') AS day FROM calls
      WHERE started_at < make_timestamp(${limit}::BIGINT * 1000) ORDER BY day`,
  );
  const archived: ArchivedDay[] = [];
  for (const [day] of found.getRows())
    archived.push(await archiveDay(connection, archive, String(day), forget));
  if (archived.length > 0) await connection.run("CHECKPOINT");
  return archived;
}

async function archiveDay(
  connection: DuckDBConnection,
  archive: DuckdbArchive,
  day: string,
  forget: (from: number, to: number) => Promise<void>,
): Promise<ArchivedDay> {
  const { folder } = archive;
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${day}.parquet`);
  const unfinished = `${file}.unfinished`;
  const ofDay = `started_at >= TIMESTAMP '${day}' AND started_at < TIMESTAMP '${day}' + INTERVAL 1 DAY`;
  const here = `SELECT ${NAMES} FROM calls WHERE ${ofDay}`;
  // Late rows join those that are archived already, which count where both places have a call.
  const all = existsSync(file)
    ? `SELECT ${NAMES} FROM ${parquet([file])} UNION ALL ${here} AND id NOT IN (SELECT id FROM ${parquet([file])})`
    : here;
  await connection.run(
    `COPY (SELECT * FROM (${all}) ORDER BY started_at, id) TO ${quoted(unfinished)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  const wanted = await summary(connection, `(${all})`);
  const written = await summary(connection, parquet([unfinished]));
  if (written.text !== wanted.text) {
    rmSync(unfinished, { force: true });
    throw new Error(
      `The archive file of ${day} does not hold what was written to it (${written.text} for ${wanted.text}). Nothing was deleted; check the disk of ${folder}.`,
    );
  }
  renameSync(unfinished, file);
  archive.files = [...new Set([...archive.files, `${day}.parquet`])].sort();
  await connection.run("BEGIN");
  try {
    await connection.run(`DELETE FROM calls WHERE ${ofDay}`);
    await forget(Date.parse(day), Date.parse(day) + DAY_MS);
    await connection.run(`DELETE FROM archived_days WHERE day = DATE '${day}'`);
    await connection.run(
      `INSERT INTO archived_days VALUES (DATE '${day}', ${written.calls}, current_timestamp AT TIME ZONE 'UTC')`,
    );
    await connection.run("COMMIT");
  } catch (error) {
    await connection.run("ROLLBACK").catch(() => undefined);
    throw error;
  }
  return { day, calls: written.calls, file };
}

/** What two copies of a day must have in common: number, ids, money and tokens. */
async function summary(
  connection: DuckDBConnection,
  table: string,
): Promise<{ calls: number; text: string }> {
  const result = await connection.runAndReadAll(
    `SELECT count(*), concat_ws('/', count(*), count(DISTINCT id), bit_xor(hash(id)), coalesce(sum(cost), 0),
      coalesce(sum(list_cost), 0), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0)) FROM ${table}`,
  );
  const [calls, text] = result.getRows()[0] ?? [];
  return { calls: Number(calls), text: String(text) };
}

/** Files of other versions lack the columns that came later; where all of them do, the table has them. */
function parquet(files: readonly string[]): string {
  const read = `SELECT * FROM read_parquet([${files.map(quoted).join(", ")}], union_by_name = true)`;
  return `(${read} UNION ALL BY NAME SELECT * FROM calls WHERE 1 = 0)`;
}
