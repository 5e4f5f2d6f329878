/** Reads a file of calls and inserts them; what cannot be read is told with its line and handed back, not lost. */
import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import { COLUMNS, type LedgerRow } from "../../store/ledger-row.ts";
import type { LedgerStore } from "../../store/ledger-store.ts";
import { csvRecords, lines } from "./csv.ts";
import { type Fields, type ImportFormat, recognise } from "./import-formats.ts";

export interface Reject {
  /** From 1; in a Parquet file the row's number. */
  readonly line: number;
  readonly reason: string;
  /** As it stands in the file. */
  readonly text: string;
}

export interface ImportOptions {
  readonly file: string;
  readonly store: Pick<LedgerStore, "insert">;
  /** Told of each; `header` is what has to stand before these lines for them to be a file of the same kind. */
  onReject(reject: Reject, header: string): void;
  onProgress?(read: number): void;
  /** Opens what reads Parquet files. */
  openScratch(): Promise<LedgerStore>;
}

export interface ImportResult {
  readonly format: string;
  /** Calls that were read, whether they were in the ledger already or not. */
  readonly calls: number;
  /** Of them those that were not. */
  readonly added: number;
  /** Records that are no calls, as top-ups. */
  readonly others: number;
  readonly rejected: number;
}

interface FileRecord {
  readonly line: number;
  readonly text: string;
  /** @throws Error when the record cannot be read */
  fields(): Fields;
}

const BATCH_ROWS = 4_096;

/** @throws when the file cannot be read or has no known format, or the database fails */
export async function importFile(options: ImportOptions): Promise<ImportResult> {
  const { file, store, onReject, onProgress } = options;
  let format: ImportFormat | undefined;
  let header = "";
  let [calls, added, others, rejected, read] = [0, 0, 0, 0, 0];
  let batch: LedgerRow[] = [];
  const flush = async () => {
    added += await store.insert(batch);
    calls += batch.length;
    batch = [];
    onProgress?.(read);
  };
  for await (const record of recordsOf(file, options.openScratch, (line) => {
    header = line;
  })) {
    read++;
    const reject = (error: unknown) => {
      rejected++;
      const reason = error instanceof Error ? error.message : String(error);
      onReject({ line: record.line, reason, text: record.text }, header);
    };
    let fields: Fields;
    try {
      fields = record.fields();
    } catch (error) {
      reject(error);
      continue;
    }
    format ??= recognise(Object.keys(fields));
    try {
      const row = format.row(fields);
      if (row === undefined) others++;
      else batch.push(row);
    } catch (error) {
      reject(error);
    }
    if (batch.length >= BATCH_ROWS) await flush();
  }
  await flush();
  if (format === undefined) throw new Error(`${file} holds no record that can be read.`);
  return { format: format.name, calls, added, others, rejected };
}

async function* recordsOf(
  file: string,
  openScratch: () => Promise<LedgerStore>,
  onHeader: (line: string) => void,
): AsyncGenerator<FileRecord> {
  const head = Buffer.alloc(4096);
  const descriptor = openSync(file, "r");
  const bytes = readSync(descriptor, head, 0, head.length, 0);
  closeSync(descriptor);
  const start = head
    .subarray(0, bytes)
    .toString("utf8")
    .replace(/^\uFEFF/, "")
    .trimStart();
  if (start.startsWith("PAR1")) yield* parquetRecords(file, await openScratch());
  else if (start.startsWith("{")) yield* jsonRecords(file);
  else yield* csvFields(file, onHeader);
}

const pieces = (file: string): AsyncIterable<string> => createReadStream(file, { encoding: "utf8" });

async function* csvFields(file: string, onHeader: (line: string) => void): AsyncGenerator<FileRecord> {
  let names: readonly string[] | undefined;
  for await (const { line, fields, text } of csvRecords(pieces(file))) {
    if (names === undefined) {
      names = fields;
      onHeader(`${text}\r\n`);
      continue;
    }
    const known = names;
    yield {
      line,
      text,
      fields() {
        const record = Object.fromEntries(known.map((name, index) => [name, fields[index] ?? ""]));
        if (fields.length === known.length) return record;
        throw new RangeError(`has ${fields.length} fields where the header has ${known.length}`);
      },
    };
  }
}

async function* jsonRecords(file: string): AsyncGenerator<FileRecord> {
  let line = 0;
  for await (const text of lines(pieces(file))) {
    line++;
    if (text.trim() === "") continue;
    yield {
      line,
      text,
      fields() {
        const parsed: unknown = JSON.parse(text);
        if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
          throw new RangeError("is no JSON object");
        return parsed as Fields;
      },
    };
  }
}

async function* parquetRecords(file: string, scratch: LedgerStore): AsyncGenerator<FileRecord> {
  try {
    const source = `read_parquet(${quotedPath(file)}, file_row_number = true)`;
    for (let from = 0; ; from += BATCH_ROWS) {
      const page = await scratch.query({
        text: `SELECT * FROM ${source} WHERE file_row_number >= $1::BIGINT AND file_row_number < $2::BIGINT ORDER BY file_row_number`,
        params: [from, from + BATCH_ROWS],
      });
      for (const { file_row_number: number, ...values } of page) {
        const fields: Fields = Object.fromEntries(
          Object.entries(values).map(([name, value]) => [
            name,
            timeColumns.has(name) && typeof value === "number" ? new Date(value).toISOString() : value,
          ]),
        );
        yield { line: Number(number) + 1, text: JSON.stringify(fields), fields: () => fields };
      }
      if (page.length === 0) return;
    }
  } finally {
    await scratch.close();
  }
}

const timeColumns = new Set(COLUMNS.filter(({ type }) => type === "time").map(({ name }) => name));

function quotedPath(path: string): string {
  return `'${path.replaceAll("'", "''")}'`;
}
