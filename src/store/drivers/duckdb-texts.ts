/**
 * A column of texts as DuckDB's C interface has them: 16 bytes each, which hold up to 12 bytes of text, or its length,
 * its first four bytes and where it is. Longer ones are gathered and handed over together, as one text of which each
 * then is a part: a call of the interface for each text would cost 0.5 µs, and three of them are different in every row.
 */
import type Bindings from "@duckdb/node-bindings";
import type { Vector } from "@duckdb/node-bindings";
import { utf8Text } from "../../wire/bytes.ts";

const INLINE_BYTES = 12;
const WORD = 2 ** 32;
/** Texts that are looked for among those before them; a power of two. */
const KNOWN = 64;
/** After so many new texts a vector's texts are all different, and are not looked for any more. */
const FEW_TEXTS = 128;
const FIRST_CAPACITY = 64 * 1024;
/** A vector ends where its texts take more than this: they are in memory twice. */
const FULL_BYTES = 8 * 2 ** 20;

export class TextColumn {
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  /** The longer texts, one behind the other. */
  #heap = Buffer.allocUnsafe(FIRST_CAPACITY);
  #used = 0;
  /** Where in the heap a text with some hash is, and how long it is. */
  readonly #knownAt = new Int32Array(KNOWN);
  readonly #knownLength = new Int32Array(KNOWN);
  #new = 0;
  /** All bytes of the text that is being placed, one over the other. */
  #beyondAscii = 0;

  constructor(buffer: ArrayBuffer) {
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
  }

  /** Begins a vector. */
  begin(): void {
    if (this.#used > FULL_BYTES) this.#heap = Buffer.allocUnsafe(FIRST_CAPACITY);
    this.#used = 0;
    this.#new = 0;
    this.#knownLength.fill(0);
    // A text without a value is not to point anywhere.
    this.#words.fill(0);
  }

  get full(): boolean {
    return this.#used > FULL_BYTES;
  }

  set(row: number, bytes: Uint8Array, start: number, end: number): void {
    const used = this.#used;
    const before = this.#new;
    this.#beyondAscii = 0;
    this.#place(row, bytes, start, end - start);
    if (this.#beyondAscii <= 0x7f) return;
    // It may be no UTF-8, which DuckDB refuses, or fails when it shows it.
    this.#used = used;
    this.#new = before;
    const right = Buffer.from(utf8Text(bytes, start, end));
    this.#place(row, right, 0, right.length);
  }

  #place(row: number, bytes: Uint8Array, start: number, length: number): void {
    const at = 4 * row;
    this.#words[at] = length;
    if (length <= INLINE_BYTES) {
      this.#words[at + 1] = this.#words[at + 2] = this.#words[at + 3] = 0;
      const to = 16 * row + 4;
      let all = 0;
      for (let index = 0; index < length; index++) {
        const byte = bytes[start + index] ?? 0;
        all |= byte;
        this.#bytes[to + index] = byte;
      }
      this.#beyondAscii |= all;
      return;
    }
    const place = this.#new < FEW_TEXTS ? this.#known(bytes, start, length) : this.#add(bytes, start, length);
    const heap = this.#heap;
    this.#words[at + 1] =
      (heap[place] ?? 0) |
      ((heap[place + 1] ?? 0) << 8) |
      ((heap[place + 2] ?? 0) << 16) |
      ((heap[place + 3] ?? 0) << 24);
    this.#words[at + 2] = place;
  }

  /** The place of a text that may have come before. */
  #known(bytes: Uint8Array, start: number, length: number): number {
    let hash = length;
    let all = 0;
    for (let at = start; at < start + length; at++) {
      const byte = bytes[at] ?? 0;
      all |= byte;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    this.#beyondAscii |= all;
    const slot = hash & (KNOWN - 1);
    const place = this.#knownAt[slot] ?? 0;
    if (this.#knownLength[slot] === length && this.#isAt(place, bytes, start, length)) return place;
    this.#new++;
    const added = this.#add(bytes, start, length);
    this.#knownAt[slot] = added;
    this.#knownLength[slot] = length;
    return added;
  }

  #isAt(place: number, bytes: Uint8Array, start: number, length: number): boolean {
    const heap = this.#heap;
    // What was there may have been taken back.
    if (place + length > this.#used) return false;
    for (let index = 0; index < length; index++) {
      if (heap[place + index] !== bytes[start + index]) return false;
    }
    return true;
  }

  #add(bytes: Uint8Array, start: number, length: number): number {
    const place = this.#used;
    this.#used += length;
    if (this.#used > this.#heap.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#used, 2 * this.#heap.length));
      this.#heap.copy(larger, 0, 0, place);
      this.#heap = larger;
    }
    const heap = this.#heap;
    let all = 0;
    for (let index = 0; index < length; index++) {
      const byte = bytes[start + index] ?? 0;
      all |= byte;
      heap[place + index] = byte;
    }
    this.#beyondAscii |= all;
    return place;
  }

  /** Hands the longer texts of the first `count` rows over to a vector, and says where they are there. */
  finish(low: typeof Bindings, vector: Vector, count: number): void {
    if (this.#used === 0) return;
    low.vector_assign_string_element_len(vector, 0, this.#heap.subarray(0, this.#used));
    const whole = low.vector_get_data(vector, 16);
    const view = new DataView(whole.buffer, whole.byteOffset, 16);
    if (view.getUint32(0, true) !== this.#used) throw new Error("DuckDB did not take the texts of a column");
    const base = view.getUint32(8, true) + view.getUint32(12, true) * WORD;
    const words = this.#words;
    for (let at = 0; at < 4 * count; at += 4) {
      if ((words[at] ?? 0) <= INLINE_BYTES) continue;
      const place = base + (words[at + 2] ?? 0);
      const high = Math.floor(place / WORD);
      words[at + 2] = place - high * WORD;
      words[at + 3] = high;
    }
  }
}
