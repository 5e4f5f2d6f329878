/** What the commands of ledger-files.ts do. */
import {
  appendFileSync,
  createReadStream,
  createWriteStream,
  existsSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, extname, join, resolve } from "node:path";
import type { Writable } from "node:stream";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { environment } from "../config/environment.ts";
import { loadConfig } from "../config/load.ts";
import { parseTime, TIME_FORMS } from "../ledger/reports/time-range.ts";
import { type TextFormat, textFormats, type Values } from "../ledger/transfer/export-rows.ts";
import { importFile } from "../ledger/transfer/import-file.ts";
import { storeSettings } from "../store/configured-store.ts";
import type { LedgerStore } from "../store/ledger-store.ts";
import { openStore } from "../store/open-store.ts";
import { rowOfValues } from "../store/row-of-values.ts";
import { StoreError } from "../store/store-error.ts";
import type { StoreSettings } from "../store/store-settings.ts";
import { accessLedger } from "./ledger-access.ts";

export interface ExportOptions {
  readonly config?: string;
  readonly url?: string;
  readonly from?: string;
  readonly to?: string;
  readonly timeZone: string;
  readonly format: "csv" | "jsonl" | "parquet";
  readonly out?: string;
  readonly archived?: boolean;
}

export interface ImportCommandOptions {
  readonly config?: string;
  readonly url?: string;
  readonly rejects?: string;
}

const SCRATCH_BYTES = 128 * 2 ** 20;
const PROGRESS_MS = 200;
/** Reasons that are shown; the rest is counted. */
const SHOWN_REJECTS = 20;

/** @throws StoreError, or Error that says what to do */
export async function runExport(options: ExportOptions): Promise<void> {
  const { format, out, timeZone } = options;
  if (format === "parquet" && out === undefined && process.stdout.isTTY) {
    throw new Error("Parquet is not for a terminal: name a file with --out, or pipe it on.");
  }
  const from = moment(options.from, "--from", timeZone)?.from ?? 0;
  const to = moment(options.to, "--to", timeZone)?.to ?? Date.now() + 1;
  if (from >= to) throw new Error("--from is not before --to.");
  const progress = progressLine("calls exported");
  const ledger = await accessLedger({ ...options, mustExist: true });
  try {
    const { from: fromText, to: toText } = options;
    const asked = {
      timeZone,
      ...(fromText === undefined ? {} : { from: fromText }),
      ...(toText === undefined ? {} : { to: toText }),
    };
    const pages = ledger.pages({ from, to, archived: options.archived === true, asked });
    const counted = (async function* () {
      for await (const page of pages) {
        yield page;
        progress.add(page.length);
      }
    })();
    if (format === "parquet") await writeParquet(counted, out);
    else await writeText(textFormats[format], counted, out);
  } finally {
    await ledger.close();
  }
  progress.end(out === undefined ? "" : ` to ${out}`);
}

/** A file is written under another name and renamed: whoever finds it has all of it. */
async function writeText(
  format: TextFormat,
  pages: AsyncIterable<readonly Values[]>,
  out: string | undefined,
): Promise<void> {
  const text = Readable.from(
    (async function* () {
      if (format.head !== "") yield format.head;
      for await (const page of pages) yield page.map((row) => format.line(row)).join("");
    })(),
  );
  await toPlace(out, (target) => pipeline(text, target, { end: out !== undefined }));
}

async function writeParquet(pages: AsyncIterable<readonly Values[]>, out: string | undefined): Promise<void> {
  await withScratch(async (scratch, folder) => {
    for await (const page of pages) await scratch.insert(page.map(rowOfValues));
    const file = join(folder, "export.parquet");
    const text = `COPY (SELECT * FROM calls ORDER BY started_at, id) TO '${file}' (FORMAT parquet, COMPRESSION zstd)`;
    await scratch.query({ text, params: [] });
    await toPlace(out, (target) => pipeline(createReadStream(file), target, { end: out !== undefined }));
  });
}

async function toPlace(out: string | undefined, write: (target: Writable) => Promise<void>): Promise<void> {
  if (out === undefined) {
    try {
      await write(process.stdout);
    } catch (error) {
      // Whoever reads has seen enough, as `head` has.
      if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
    }
    return;
  }
  const unfinished = `${out}.unfinished`;
  try {
    await write(createWriteStream(unfinished));
    renameSync(unfinished, out);
  } finally {
    rmSync(unfinished, { force: true });
  }
}

/** @throws StoreError, or Error that says what to do; exit status 1 when lines were rejected */
export async function runImport(file: string, options: ImportCommandOptions): Promise<void> {
  if (!existsSync(file) || !statSync(file).isFile()) throw new Error(`there is no file ${file}.`);
  const { dir, name, ext } = { dir: dirname(file), name: basename(file, extname(file)), ext: extname(file) };
  const rejects = options.rejects ?? join(dir, `${name}.rejected${ext === ".parquet" ? ".jsonl" : ext}`);
  const progress = progressLine("records read");
  const ledger = await accessLedger({ ...options, mustExist: false });
  try {
    let rejected = 0;
    const result = await importFile({
      file,
      store: ledger,
      openScratch,
      onProgress: (read) => progress.set(read),
      onReject({ line, reason, text }, header) {
        if (rejected++ === 0) writeFileSync(rejects, header);
        appendFileSync(rejects, `${text}\n`);
        if (rejected <= SHOWN_REJECTS) process.stderr.write(`${file}:${line}: ${reason}\n`);
      },
    });
    progress.end();
    const { added } = result;
    const there = result.calls - added;
    process.stdout.write(
      `${result.format}: ${added} calls added, ${there} were there already${result.others > 0 ? `, ${result.others} records are no calls` : ""}.\n`,
    );
    if (result.rejected > 0) {
      process.stderr.write(
        `${result.rejected} records cannot be read; they are kept in ${rejects}. Correct them there and import that file.\n`,
      );
      process.exitCode = 1;
    }
  } finally {
    await ledger.close();
  }
}

/** Moves a file that DuckDB cannot read, and its write-ahead log, aside. */
export async function runRepair(options: { readonly config?: string }): Promise<void> {
  const { path, memoryBytes, clickhouse } = await configured(options.config);
  if (clickhouse !== undefined)
    throw new Error("the ledger is in ClickHouse, which looks after its own files.");
  if (!existsSync(path)) throw new Error(`there is no ledger at ${path}: nothing to repair.`);
  try {
    const store = await openStore({ path, memoryBytes });
    try {
      await store.migrate();
      await count(store);
    } finally {
      await store.close();
    }
    process.stdout.write(`${path} is sound; nothing was changed.\n`);
    return;
  } catch (error) {
    if (!(error instanceof StoreError) || error.kind !== "corrupted") throw error;
  }
  const aside = `${path}.damaged-${new Date().toISOString().replace(/[:.]/g, "-")}`;
  renameSync(path, aside);
  if (existsSync(`${path}.wal`)) renameSync(`${path}.wal`, `${aside}.wal`);
  process.stdout.write(
    `The damaged file is now ${aside}. The next start begins a new one; the journal and the archive are as they were. Calls of exported files come back with \`bellwether import\`.\n`,
  );
}

async function configured(file: string | undefined): Promise<StoreSettings> {
  const cwd = process.cwd();
  return storeSettings(await loadConfig({ file, cwd, env: environment() }), cwd);
}

async function count(store: LedgerStore): Promise<number> {
  const [row] = await store.query({
    text: `SELECT count(*) AS n FROM ${store.sql.table(false)}`,
    params: [],
  });
  return Number(row?.n);
}

function moment(text: string | undefined, option: string, timeZone: string) {
  if (text === undefined) return undefined;
  const parsed = parseTime(text, Date.now(), timeZone);
  if (parsed === undefined)
    throw new Error(`${option} ${JSON.stringify(text)} is no time. Write ${TIME_FORMS}.`);
  return parsed;
}

async function openScratch(): Promise<LedgerStore> {
  return openStore({
    path: ":memory:",
    memoryBytes: SCRATCH_BYTES,
    archive: resolve(tmpdir(), "no-archive"),
  });
}

async function withScratch(use: (store: LedgerStore, folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "bellwether-export-"));
  try {
    const store = await openStore({ path: join(folder, "scratch.duckdb"), memoryBytes: SCRATCH_BYTES });
    try {
      await store.migrate();
      await use(store, folder);
    } finally {
      await store.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One line on a terminal's standard error that counts; nothing elsewhere. */
function progressLine(what: string) {
  const shown = process.stderr.isTTY;
  let [total, last] = [0, 0];
  const show = () => {
    if (!shown || performance.now() - last < PROGRESS_MS) return;
    last = performance.now();
    process.stderr.write(`\r${total} ${what}`);
  };
  return {
    add(rows: number) {
      total += rows;
      show();
    },
    set(rows: number) {
      total = rows;
      show();
    },
    end(rest = "") {
      if (shown) process.stderr.write(`\r${total} ${what}${rest}\n`);
    },
  };
}
