/**
 * Rows to DuckDB's column vectors. Columns are filled as bytes, which takes a third of what setting values one by one
 * does: a row has 46. The layouts are those of DuckDB's C interface: integers and floats as they are, decimals of
 * width 38 as 128-bit integers, texts as 16 bytes that hold up to 12 characters or point to more.
 */
import type * as DuckDB from "@duckdb/node-api";
import type Bindings from "@duckdb/node-bindings";
import type { DataChunk, Vector } from "@duckdb/node-bindings";
import { COLUMNS, type Column, type ColumnType, type LedgerRow } from "../ledger-row.ts";

type Api = typeof DuckDB;
type Low = typeof Bindings;

/** Rows in one vector of DuckDB's. */
const VECTOR_ROWS = 2048;
const WORD = 2 ** 32;

/** A column with more different texts than this in a vector is written text by text. */
const FEW_TEXTS = 64;

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

/** Appends rows to tables that have the columns of COLUMNS in their order. One at a time: it has one set of vectors. */
export class RowAppender {
  readonly #low: Low;
  readonly #raw: DataChunk;
  readonly #chunk: DuckDB.DuckDBDataChunk;
  readonly #columns: readonly Filled[];

  constructor(api: Api, low: Low) {
    this.#low = low;
    const types = COLUMNS.map(({ type }) => logicalType(api, type).toLogicalType().logical_type);
    this.#raw = low.create_data_chunk(types);
    this.#chunk = new api.DuckDBDataChunk(this.#raw);
    this.#columns = COLUMNS.map((column) => new Filled(low, column));
  }

  append(appender: DuckDB.DuckDBAppender, rows: readonly LedgerRow[]): void {
    for (let from = 0; from < rows.length; from += VECTOR_ROWS) {
      const part = rows.slice(from, from + VECTOR_ROWS);
      // Used again and again: vectors of their own for each part would wait for a garbage collection that is in no hurry.
      this.#low.data_chunk_reset(this.#raw);
      this.#low.data_chunk_set_size(this.#raw, part.length);
      for (const [index, column] of this.#columns.entries()) {
        column.fill(this.#low.data_chunk_get_vector(this.#raw, index), part);
      }
      appender.appendDataChunk(this.#chunk);
    }
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

/** One column's bytes. */
class Filled {
  readonly #low: Low;
  readonly #column: Column;
  readonly #width: number;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  /** A bit for each row that has a value. */
  readonly #valid = new Uint8Array(VECTOR_ROWS / 8).fill(0xff);
  #nulls = 0;

  constructor(low: Low, column: Column) {
    this.#low = low;
    this.#column = column;
    this.#width = WIDTHS[column.type];
    const buffer = new ArrayBuffer(this.#width * VECTOR_ROWS);
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#doubles = new Float64Array(buffer);
  }

  fill(vector: Vector, rows: readonly LedgerRow[]): void {
    if (this.#nulls > 0) this.#valid.fill(0xff);
    this.#nulls = 0;
    switch (this.#column.type) {
      case "text":
      case "category":
        this.#texts(vector, rows);
        break;
      case "boolean":
        this.#each(rows, (at, value) => {
          this.#bytes[at] = value === true ? 1 : 0;
        });
        this.#copy(vector, rows.length);
        break;
      case "integer":
        this.#each(rows, (at, value) => this.#setInteger(at, Number(value)));
        this.#copy(vector, rows.length);
        break;
      case "time":
        this.#each(rows, (at, value) => this.#setInteger(at, Number(value) * 1000));
        this.#copy(vector, rows.length);
        break;
      case "float":
        this.#each(rows, (at, value) => {
          this.#doubles[at] = Number(value);
        });
        this.#copy(vector, rows.length);
        break;
      case "money":
        this.#each(rows, (at, value) => this.#setMoney(at, BigInt(value)));
        this.#copy(vector, rows.length);
        break;
    }
    if (this.#nulls === 0) return;
    this.#low.vector_ensure_validity_writable(vector);
    const bytes = Math.ceil(rows.length / 64) * 8;
    this.#low.copy_data_to_vector_validity(vector, 0, this.#valid.buffer, 0, bytes);
  }

  #each(rows: readonly LedgerRow[], set: (at: number, value: string | number | bigint | boolean) => void) {
    const { value } = this.#column;
    for (let at = 0; at < rows.length; at++) {
      const row = rows[at];
      const found = row === undefined ? undefined : value(row);
      if (found === undefined) this.#setNull(at);
      else set(at, found);
    }
  }

  #setNull(at: number): void {
    this.#nulls++;
    const byte = at >> 3;
    this.#valid[byte] = (this.#valid[byte] ?? 0) & ~(1 << (at & 7));
  }

  /** A whole number of at most 53 bits, little-endian in 64. */
  #setInteger(at: number, value: number): void {
    const high = Math.floor(value / WORD);
    this.#words[2 * at] = value - high * WORD;
    this.#words[2 * at + 1] = high;
  }

  #setMoney(at: number, pico: bigint): void {
    const near = Number(pico);
    const at32 = 4 * at;
    if (Number.isSafeInteger(near)) {
      const high = Math.floor(near / WORD);
      this.#words[at32] = near - high * WORD;
      this.#words[at32 + 1] = high;
      this.#words[at32 + 2] = this.#words[at32 + 3] = near < 0 ? -1 : 0;
      return;
    }
    for (let word = 0; word < 4; word++) {
      this.#words[at32 + word] = Number(BigInt.asIntN(32, pico >> BigInt(32 * word)));
    }
  }

  /** A text that is there already is written again by its 16 bytes: what they point to belongs to the same vector. */
  #texts(vector: Vector, rows: readonly LedgerRow[]): void {
    const { value } = this.#column;
    const count = rows.length;
    const known = new Map<string, number>();
    const words = this.#words;
    let single = 0;
    for (; single < count && known.size < FEW_TEXTS; single++) {
      const row = rows[single];
      const found = row === undefined ? undefined : value(row);
      if (found === undefined) {
        this.#setNull(single);
        continue;
      }
      const text = String(found);
      let from = known.get(text);
      if (from === undefined) {
        this.#low.vector_assign_string_element(vector, single, text);
        const data = this.#low.vector_get_data(vector, count * 16);
        this.#bytes.set(data.subarray(16 * single, 16 * single + 16), 16 * single);
        from = single;
        known.set(text, from);
        continue;
      }
      for (let word = 0; word < 4; word++) words[4 * single + word] = words[4 * from + word] ?? 0;
    }
    this.#copy(vector, single);
    for (let at = single; at < count; at++) {
      const row = rows[at];
      const found = row === undefined ? undefined : value(row);
      if (found === undefined) this.#setNull(at);
      else this.#low.vector_assign_string_element(vector, at, String(found));
    }
  }

  #copy(vector: Vector, count: number): void {
    this.#low.copy_data_to_vector(vector, 0, this.#bytes.buffer, 0, count * this.#width);
  }
}
