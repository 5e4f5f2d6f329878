/**
 * Calls to DuckDB's column vectors. Columns are filled as bytes, which takes a third of what setting values one by one
 * does: a row has 46. The layouts are those of DuckDB's C interface: integers and floats as they are, decimals of
 * width 38 as 128-bit integers, texts as duckdb-texts.ts says.
 */
import type * as DuckDB from "@duckdb/node-api";
import type Bindings from "@duckdb/node-bindings";
import type { DataChunk, Vector } from "@duckdb/node-bindings";
import type { Calls, RowSink } from "../calls.ts";
import { COLUMNS, type Column, type ColumnType } from "../ledger-row.ts";
import { TextColumn, TextMemory } from "./duckdb-texts.ts";

type Api = typeof DuckDB;
type Low = typeof Bindings;

/** Rows in one vector of DuckDB's. */
const VECTOR_ROWS = 2048;
const WORD = 2 ** 32;
/** DuckDB's times count microseconds. */
const MICROS_PER_MS = 1000;

/** Bytes of a value. */
const WIDTHS: Readonly<Record<ColumnType, number>> = {
  text: 16,
  category: 16,
  boolean: 1,
  integer: 8,
  float: 8,
  money: 16,
  time: 8,
};

/** Appends calls to tables that have the columns of COLUMNS in their order. */
export class RowAppender {
  readonly #low: Low;
  readonly #raw: DataChunk;
  readonly #chunk: DuckDB.DuckDBDataChunk;
  readonly #sink: ColumnSink;

  constructor(api: Api, low: Low) {
    this.#low = low;
    this.#sink = new ColumnSink(new TextMemory(api, low));
    const types = COLUMNS.map(({ type }) => logicalType(api, type).toLogicalType().logical_type);
    this.#raw = low.create_data_chunk(types);
    this.#chunk = new api.DuckDBDataChunk(this.#raw);
  }

  /**
   * Those at `places`, in this order; how many of them could be read. Between vectors others have their turn, who may
   * append as well.
   */
  async append(
    appender: Pick<DuckDB.DuckDBAppender, "appendDataChunk" | "flushSync">,
    calls: Calls,
    places: readonly number[],
  ): Promise<number> {
    const sink = this.#sink;
    let appended = 0;
    for (let from = 0; from < places.length; ) {
      sink.begin();
      for (; from < places.length && sink.rows < VECTOR_ROWS && !sink.full; from++) {
        if (calls.write(places[from] ?? 0, sink)) sink.next();
        else sink.undo();
      }
      if (sink.rows === 0) break;
      appended += sink.rows;
      // Used again and again: vectors of their own for each part would wait for a garbage collection that is in no hurry.
      this.#low.data_chunk_reset(this.#raw);
      this.#low.data_chunk_set_size(this.#raw, sink.rows);
      sink.fill(this.#low, this.#raw);
      appender.appendDataChunk(this.#chunk);
      // It would keep them beside the transaction, and bring all of them there when it is closed.
      appender.flushSync();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return appended;
  }
}

function logicalType(api: Api, type: ColumnType): DuckDB.DuckDBType {
  switch (type) {
    case "text":
    case "category":
      return api.VARCHAR;
    case "boolean":
      return api.BOOLEAN;
    case "integer":
      return api.BIGINT;
    case "float":
      return api.DOUBLE;
    case "money":
      return api.DECIMAL(38, 12);
    case "time":
      return api.TIMESTAMP;
  }
}

/** A vector's rows while they are written. */
class ColumnSink implements RowSink {
  readonly #texts: TextMemory;
  readonly #columns: readonly ColumnBytes[];
  /** Rows that are done. */
  rows = 0;

  constructor(texts: TextMemory) {
    this.#texts = texts;
    this.#columns = COLUMNS.map((column) => new ColumnBytes(column, texts));
  }

  /** Its texts take much memory. */
  get full(): boolean {
    return this.#texts.full;
  }

  begin(): void {
    this.rows = 0;
    this.#texts.begin();
    for (const column of this.#columns) column.begin();
  }

  next(): void {
    this.rows++;
  }

  /** Forgets what was written of a row. */
  undo(): void {
    for (const column of this.#columns) column.unset(this.rows);
  }

  text(column: number, bytes: Uint8Array, start: number, end: number): void {
    const { texts } = this.#begun(column);
    if (texts === undefined) throw new Error(`column ${column} has no texts`);
    texts.set(this.rows, bytes, start, end);
  }

  integer(column: number, value: number): void {
    const to = this.#begun(column);
    const whole = value * to.scale;
    const high = whole >= 0 && whole < WORD ? 0 : Math.floor(whole / WORD);
    to.words[2 * this.rows] = whole - high * WORD;
    to.words[2 * this.rows + 1] = high;
  }

  float(column: number, value: number): void {
    const to = this.#begun(column);
    to.doubles[this.rows] = value;
  }

  boolean(column: number, value: boolean): void {
    const to = this.#begun(column);
    to.bytes[this.rows] = value ? 1 : 0;
  }

  money(column: number, pico: number | bigint): void {
    const to = this.#begun(column);
    const near = Number(pico);
    const at = 4 * this.rows;
    if (Number.isSafeInteger(near)) {
      const high = Math.floor(near / WORD);
      to.words[at] = near - high * WORD;
      to.words[at + 1] = high;
      to.words[at + 2] = to.words[at + 3] = near < 0 ? -1 : 0;
      return;
    }
    for (let word = 0; word < 4; word++) {
      to.words[at + word] = Number(BigInt.asIntN(32, BigInt(pico) >> BigInt(32 * word)));
    }
  }

  /** A column that has a value in this row. */
  #begun(column: number): ColumnBytes {
    const to = this.#columns[column];
    if (to === undefined) throw new Error(`there is no column ${column}`);
    to.set(this.rows);
    return to;
  }

  fill(low: Low, chunk: DataChunk): void {
    this.#texts.handOver();
    for (let index = 0; index < this.#columns.length; index++) {
      this.#columns[index]?.fill(low, low.data_chunk_get_vector(chunk, index), this.rows);
    }
  }
}

/** One column's bytes. */
class ColumnBytes {
  readonly #width: number;
  /** A bit for each row that has a value; undefined where all have one. */
  readonly #valid: Uint8Array<ArrayBuffer> | undefined;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: Int32Array<ArrayBuffer>;
  readonly doubles: Float64Array<ArrayBuffer>;
  readonly texts: TextColumn | undefined;
  /** Of a whole number's unit. */
  readonly scale: number;

  constructor({ type, nullable }: Column, memory: TextMemory) {
    this.#width = WIDTHS[type];
    this.#valid = nullable === true ? new Uint8Array(VECTOR_ROWS / 8) : undefined;
    this.scale = type === "time" ? MICROS_PER_MS : 1;
    const buffer = new ArrayBuffer(this.#width * VECTOR_ROWS);
    this.bytes = new Uint8Array(buffer);
    // A column of single bytes has no use for these.
    this.words = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
    this.texts = type === "text" || type === "category" ? new TextColumn(memory, buffer) : undefined;
  }

  begin(): void {
    this.#valid?.fill(0);
    if (this.texts === undefined) this.bytes.fill(0);
    else this.texts.begin();
  }

  set(row: number): void {
    const valid = this.#valid;
    if (valid !== undefined) valid[row >> 3] = (valid[row >> 3] ?? 0) | (1 << (row & 7));
  }

  unset(row: number): void {
    const valid = this.#valid;
    if (valid !== undefined) valid[row >> 3] = (valid[row >> 3] ?? 0) & ~(1 << (row & 7));
  }

  fill(low: Low, vector: Vector, rows: number): void {
    this.texts?.finish(rows);
    low.copy_data_to_vector(vector, 0, this.bytes.buffer, 0, rows * this.#width);
    if (this.#valid === undefined) return;
    low.vector_ensure_validity_writable(vector);
    low.copy_data_to_vector_validity(vector, 0, this.#valid.buffer, 0, Math.ceil(rows / 64) * 8);
  }
}
