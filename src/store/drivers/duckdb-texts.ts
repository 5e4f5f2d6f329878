/**
 * Texts as DuckDB's C interface has them: 16 bytes each, which hold up to 12 bytes of text, or its length, its first
 * four bytes and where it is. A call of the interface for each of the longer ones would cost 0.5 µs. Instead the bytes
 * among which they stand, as a batch's records, are handed over together, and each text is a part of those.
 */
import type * as DuckDB from "@duckdb/node-api";
import type Bindings from "@duckdb/node-bindings";
import type { DataChunk } from "@duckdb/node-bindings";
import { utf8Text } from "../../wire/bytes.ts";

const INLINE_BYTES = 12;
const WORD = 2 ** 32;
const TEXT_BYTES = 16;
/** A vector ends where its texts take more than this: they are in memory twice. */
const FULL_BYTES = 8 * 2 ** 20;
/** Texts in fewer bytes than this are copied one by one. */
const LARGE_BYTES = 64 * 1024;
/** What lies between two texts is copied with them when it is at most so much. */
const NEAR_BYTES = 4 * 1024;
/** Of 2,048 that a vector has room for. */
const MOST_RUNS = 1024;
const FIRST_CAPACITY = 64 * 1024;

/** Bytes that are handed over together. */
interface Run {
  readonly bytes: Uint8Array;
  readonly from: number;
  to: number;
}

/** The memory of one vector's longer texts, of all its columns. */
export class TextMemory {
  readonly #low: typeof Bindings;
  /** It only holds them, as bytes: there are numbers between the texts. */
  readonly #chunk: DataChunk;
  /** Copies of texts; run 0, before the others. */
  #copies = Buffer.allocUnsafe(FIRST_CAPACITY);
  #copied = 0;
  readonly #runs: Run[] = [];
  /** Bytes of the runs. */
  #held = 0;
  /** Where each run is. */
  readonly #places = new Float64Array(MOST_RUNS + 1);

  constructor(api: typeof DuckDB, low: typeof Bindings) {
    this.#low = low;
    this.#chunk = low.create_data_chunk([api.BLOB.toLogicalType().logical_type]);
  }

  begin(): void {
    if (this.#copies.length > FULL_BYTES) this.#copies = Buffer.allocUnsafe(FIRST_CAPACITY);
    this.#copied = 0;
    this.#runs.length = 0;
    this.#held = 0;
  }

  get full(): boolean {
    return this.#held + this.#copied > FULL_BYTES;
  }

  /**
   * Takes a text, whose bytes are to stay as they are until it is handed over, and writes where it is: its place
   * within a run to `words[at]`, the run's number after it.
   */
  add(bytes: Uint8Array, start: number, end: number, words: Int32Array, at: number): void {
    let run = this.#runs.at(-1);
    if (run === undefined || run.bytes !== bytes || start < run.from || start > run.to + NEAR_BYTES) {
      if (bytes.length < LARGE_BYTES || this.#runs.length === MOST_RUNS) {
        words[at] = this.#copy(bytes, start, end);
        words[at + 1] = 0;
        return;
      }
      run = { bytes, from: start, to: start };
      this.#runs.push(run);
    }
    if (end > run.to) {
      this.#held += end - run.to;
      run.to = end;
    }
    words[at] = start - run.from;
    words[at + 1] = this.#runs.length;
  }

  #copy(bytes: Uint8Array, start: number, end: number): number {
    const place = this.#copied;
    this.#copied += end - start;
    if (this.#copied > this.#copies.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#copied, 2 * this.#copies.length));
      this.#copies.copy(larger, 0, 0, place);
      this.#copies = larger;
    }
    this.#copies.set(bytes.subarray(start, end), place);
    return place;
  }

  /** Hands all over; it is there until that is done again. */
  handOver(): void {
    const runs = [this.#copies.subarray(0, this.#copied), ...this.#runs.map(partOf)];
    this.#runs.length = 0;
    this.#low.data_chunk_reset(this.#chunk);
    const vector = this.#low.data_chunk_get_vector(this.#chunk, 0);
    for (const [number, run] of runs.entries()) {
      if (run.length > INLINE_BYTES) this.#low.vector_assign_string_element_len(vector, number, run);
    }
    const { buffer, byteOffset, byteLength } = this.#low.vector_get_data(vector, runs.length * TEXT_BYTES);
    const view = new DataView(buffer, byteOffset, byteLength);
    for (const [number, { length }] of runs.entries()) {
      if (length <= INLINE_BYTES) continue;
      const at = number * TEXT_BYTES;
      if (view.getUint32(at, true) !== length) throw new Error("DuckDB did not take the texts of a vector");
      this.#places[number] = view.getUint32(at + 8, true) + view.getUint32(at + 12, true) * WORD;
    }
  }

  /** The address of a run that was handed over. */
  placeOf(run: number): number {
    return this.#places[run] ?? 0;
  }
}

function partOf({ bytes, from, to }: Run): Uint8Array {
  return bytes.subarray(from, to);
}

/** A column's texts. */
export class TextColumn {
  readonly #memory: TextMemory;
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  /** Some of them are not in their 16 bytes. */
  #long = false;

  constructor(memory: TextMemory, buffer: ArrayBuffer) {
    this.#memory = memory;
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
  }

  begin(): void {
    // A text without a value is not to point anywhere.
    this.#words.fill(0);
    this.#long = false;
  }

  set(row: number, bytes: Uint8Array, start: number, end: number): void {
    if (isAscii(bytes, start, end)) return this.#place(row, bytes, start, end);
    // It may be no UTF-8, which DuckDB refuses, or fails when it shows it.
    const right = Buffer.from(utf8Text(bytes, start, end));
    this.#place(row, right, 0, right.length);
  }

  #place(row: number, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const at = 4 * row;
    const words = this.#words;
    words[at] = length;
    if (length <= INLINE_BYTES) {
      words[at + 1] = words[at + 2] = words[at + 3] = 0;
      const to = TEXT_BYTES * row + 4;
      for (let index = 0; index < length; index++) this.#bytes[to + index] = bytes[start + index] ?? 0;
      return;
    }
    this.#long = true;
    words[at + 1] =
      (bytes[start] ?? 0) |
      ((bytes[start + 1] ?? 0) << 8) |
      ((bytes[start + 2] ?? 0) << 16) |
      ((bytes[start + 3] ?? 0) << 24);
    this.#memory.add(bytes, start, end, words, at + 2);
  }

  /** Points to where the longer texts of the first `count` rows are, when they have been handed over. */
  finish(count: number): void {
    if (!this.#long) return;
    const words = this.#words;
    for (let at = 0; at < 4 * count; at += 4) {
      if ((words[at] ?? 0) <= INLINE_BYTES) continue;
      const place = this.#memory.placeOf(words[at + 3] ?? 0) + (words[at + 2] ?? 0);
      const high = Math.floor(place / WORD);
      words[at + 2] = place - high * WORD;
      words[at + 3] = high;
    }
  }
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  let all = 0;
  for (let at = start; at < end; at++) all |= bytes[at] ?? 0;
  return all < 0x80;
}
