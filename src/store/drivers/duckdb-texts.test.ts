/** Texts come out as they went in, wherever their bytes stand. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ledgerRow } from "../../../test/helpers/ledger-row.ts";
import { idOf } from "../../../test/helpers/ledger-store-suite.ts";
import { RowCalls, type RowSink, writeRow } from "../calls.ts";
import { COLUMNS, type LedgerRow } from "../ledger-row.ts";
import { openDuckdb } from "./duckdb.ts";

const TEXTS = COLUMNS.filter(({ type }) => type === "text" || type === "category");
const NAMES = TEXTS.map(({ name }) => name).join(", ");

/** What a text's bytes have to do with those of the text before; a positive number is how far behind it they begin. */
const ALONE = -1;
const IN_ANOTHER_BUFFER = -2;
const BEFORE = -3;

const BUFFER_BYTES = 256 * 1024;
/** Of a buffer's beginning, for texts that stand before others. */
const FRONT_BYTES = 1024;

/** Calls whose texts are where `moves` says. Nothing is written over a text: it stays until it is handed over. */
class Scattered extends RowCalls {
  readonly #rows: readonly LedgerRow[];
  readonly #moves: Iterator<number>;
  #buffer = emptyBuffer();
  #front = 0;
  #at = FRONT_BYTES;

  constructor(rows: readonly LedgerRow[], moves: readonly number[]) {
    super(rows);
    this.#rows = rows;
    this.#moves = cycle(moves);
  }

  override write(at: number, into: RowSink): boolean {
    const row = this.#rows[at];
    if (row === undefined) return false;
    writeRow(row, {
      text: (column, text) => {
        const [bytes, start] = this.#placed(text);
        into.text(column, bytes, start, start + text.length);
      },
      integer: (column, value) => into.integer(column, value),
      float: (column, value) => into.float(column, value),
      boolean: (column, value) => into.boolean(column, value),
      money: (column, value) => into.money(column, value),
    });
    return true;
  }

  #placed(text: Uint8Array): [Uint8Array, number] {
    const move: number = this.#moves.next().value;
    if (move === ALONE || text.length > BUFFER_BYTES / 2) return [text, 0];
    if (move === BEFORE && this.#front + text.length <= FRONT_BYTES) {
      this.#buffer.set(text, this.#front);
      this.#front += text.length;
      return [this.#buffer, this.#front - text.length];
    }
    const start = this.#at + Math.max(0, move);
    const another = move === IN_ANOTHER_BUFFER || start + text.length > this.#buffer.length;
    if (another) {
      this.#buffer = emptyBuffer();
      this.#front = 0;
    }
    const place = another ? FRONT_BYTES : start;
    this.#buffer.set(text, place);
    this.#at = place + text.length;
    return [this.#buffer, place];
  }
}

function emptyBuffer(): Buffer {
  return Buffer.alloc(BUFFER_BYTES, 0xb3);
}

function* cycle(moves: readonly number[]): Generator<number, never> {
  for (;;) yield* moves;
}

/** Stands for a text of 150 KB, which nobody wants to see in a counterexample. */
const LONG = "a long text";

const written = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 40 }) },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 30 }) },
  { weight: 1, arbitrary: fc.integer({ min: 12, max: 14 }).map((length) => "x".repeat(length)) },
  { weight: 1, arbitrary: fc.constant(LONG) },
);
const move = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.constantFrom(ALONE, IN_ANOTHER_BUFFER, BEFORE, 4_096, 4_097, 20_000),
);
const row = fc.record({
  ...{ path: written, modelRequested: written, modelSent: written, modelAnswered: written, route: written },
  ...{ traceId: written, upstreamRequestId: written, serviceTier: written, app: written, team: written },
  errorCode: fc.option(written, { nil: undefined }),
});

test("in one buffer or in many, near each other or far apart, alone, long, or beyond ASCII", async () => {
  const rows = fc.array(row, { minLength: 1, maxLength: 60 });
  const moves = fc.array(move, { minLength: 1, maxLength: 50 });
  await fc.assert(fc.asyncProperty(rows, moves, keeps), { numRuns: 25 });
});

test("in more places than are handed over apart", async () => {
  const long = "a text that is longer than twelve bytes";
  const over = { path: long, modelRequested: long, modelSent: long, modelAnswered: long, route: long };
  await keeps(
    Array.from({ length: 400 }, () => over),
    [4_097],
  );
});

async function keeps(over: readonly Partial<LedgerRow>[], moves: readonly number[]): Promise<void> {
  const rows = over.map((each, n) => ledgerRow({ ...lengthened(each), id: idOf(n) }));
  const folder = mkdtempSync(join(tmpdir(), "bellwether-texts-"));
  const path = join(folder, "ledger.duckdb");
  const store = await openDuckdb({ path, memoryBytes: 128 * 2 ** 20, archive: join(folder, "archive") });
  try {
    await store.migrate();
    await store.insertCalls(new Scattered(rows, moves));
    const found = await store.query({ text: `SELECT ${NAMES} FROM calls ORDER BY id`, params: [] });
    const expected = rows.map((each) => {
      return Object.fromEntries(TEXTS.map(({ name, value }) => [name, wellFormed(value(each))]));
    });
    expect(found).toEqual(expected);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function lengthened(row: Partial<LedgerRow>): Partial<LedgerRow> {
  const texts = Object.entries(row).map(([name, value]) => [
    name,
    value === LONG ? "/long".repeat(30_000) : value,
  ]);
  return Object.fromEntries(texts);
}

/** As UTF-8 has it; nothing where there is no text. */
function wellFormed(value: unknown): string | null {
  return value === undefined ? null : Buffer.from(String(value)).toString();
}
