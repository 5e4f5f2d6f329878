/**
 * Calls as the journal has them: the bytes of their records one behind the other, to be read when the database takes
 * them. An object for each record would be collected by V8 when it is old, at more than it costs to read.
 */
import { type Calls, type RowSink, writeRow } from "../../store/calls.ts";
import type { LedgerRow } from "../../store/ledger-row.ts";
import { rowOf } from "../row-of.ts";
import { type Payload, RecordError } from "./frame-reader.ts";
import { BLOCK_BYTES, type RecordBlocks } from "./record-blocks.ts";
import { copySettled, copyStarted } from "./record-columns.ts";
import { INTERRUPTED, readSettled, readStarted } from "./records.ts";

const FIRST_PLACES = 1024;
/** Before a call's records: the length of its start, and whether it is settled; the length of how it was. */
const HEADER_BYTES = 8;

export class JournalledCalls implements Calls {
  readonly #memory: RecordBlocks;
  #blocks: Payload[] = [];
  /** Bytes of the last block that are taken. */
  #used = 0;
  #bytes = 0;
  #length = 0;
  /** Where each call begins, counted through blocks of BLOCK_BYTES. A larger one has only one call, at its beginning. */
  #places = new Int32Array(FIRST_PLACES);
  /** Those whose records cannot be read. */
  readonly #unreadable = new Set<number>();

  constructor(memory: RecordBlocks) {
    this.#memory = memory;
  }

  get length(): number {
    return this.#length;
  }

  /** Bytes of their records. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many of them were found to be unreadable. */
  get unreadable(): number {
    return this.#unreadable.size;
  }

  /**
   * Adds a call: its start is at `bytes[start, end)` behind kind and number, and its settlement where the payload stands.
   * Without that its process died.
   */
  add(bytes: Buffer, start: number, end: number, settled: Payload | undefined): void {
    const began = end - start;
    const rest = settled === undefined ? 0 : settled.end - settled.at;
    const length = HEADER_BYTES + began + rest;
    const { bytes: to, view } = this.#room(length);
    const place = this.#used;
    view.setUint32(place, 2 * began + (settled === undefined ? 0 : 1), true);
    view.setUint32(place + 4, rest, true);
    copyBytes(bytes, start, end, to, place + HEADER_BYTES);
    if (settled !== undefined) {
      copyBytes(settled.bytes, settled.at, settled.end, to, place + HEADER_BYTES + began);
    }
    if (this.#length === this.#places.length) {
      const more = new Int32Array(2 * this.#length);
      more.set(this.#places);
      this.#places = more;
    }
    this.#places[this.#length++] = (this.#blocks.length - 1) * BLOCK_BYTES + place;
    this.#used += length;
    this.#bytes += length;
  }

  /** Forgets all. */
  clear(): void {
    for (const block of this.#blocks) this.#memory.give(block);
    this.#blocks = [];
    this.#used = 0;
    this.#bytes = 0;
    this.#length = 0;
    this.#unreadable.clear();
  }

  id(at: number): string {
    const start = this.#start(at);
    start.byte();
    return start.text();
  }

  startedAt(at: number): number {
    const start = this.#start(at);
    start.byte();
    start.span();
    return start.uint();
  }

  write(at: number, into: RowSink): boolean {
    try {
      if (this.#isSettled(at)) {
        copyStarted(this.#start(at), into);
        copySettled(this.#settled(at), into);
      } else writeRow(this.#row(at), into);
      return true;
    } catch (error) {
      this.#leaveOut(at, error);
      return false;
    }
  }

  rows(): readonly LedgerRow[] {
    const rows: LedgerRow[] = [];
    for (let at = 0; at < this.#length; at++) {
      try {
        rows.push(this.#row(at));
      } catch (error) {
        this.#leaveOut(at, error);
      }
    }
    return rows;
  }

  #row(at: number): LedgerRow {
    const call = readStarted(this.#start(at));
    return this.#isSettled(at)
      ? rowOf(call, readSettled(this.#settled(at)), false)
      : rowOf(call, INTERRUPTED, true);
  }

  #isSettled(at: number): boolean {
    const place = this.#places[at] ?? 0;
    return this.#block(place).view.getUint32(place % BLOCK_BYTES, true) % 2 === 1;
  }

  /** Of one call's record at a time: it is its block's payload. */
  #start(at: number): Payload {
    const place = this.#places[at] ?? 0;
    const block = this.#block(place);
    const start = place % BLOCK_BYTES;
    block.at = start + HEADER_BYTES;
    block.end = block.at + (block.view.getUint32(start, true) >>> 1);
    return block;
  }

  #settled(at: number): Payload {
    const payload = this.#start(at);
    const length = payload.view.getUint32(payload.at - HEADER_BYTES + 4, true);
    payload.at = payload.end;
    payload.end += length;
    return payload;
  }

  #block(place: number): Payload {
    const block = this.#blocks[Math.floor(place / BLOCK_BYTES)];
    if (block === undefined) throw new Error(`there is no call at ${place}`);
    return block;
  }

  /** The last block, when so many bytes more have room there, or another. */
  #room(bytes: number): Payload {
    const last = this.#blocks.at(-1);
    if (last !== undefined && this.#used + bytes <= Math.min(last.bytes.length, BLOCK_BYTES)) return last;
    const block = this.#memory.take(bytes);
    this.#blocks.push(block);
    this.#used = 0;
    return block;
  }

  /** @throws what is no fault of the record, as memory that is used up */
  #leaveOut(at: number, error: unknown): void {
    if (!(error instanceof RecordError)) throw error;
    this.#unreadable.add(at);
  }
}

/** A third of what Buffer's own takes for a record, and a quarter of a loop. */
export function copyBytes(from: Uint8Array, start: number, end: number, to: Uint8Array, place: number): void {
  to.set(new Uint8Array(from.buffer, from.byteOffset + start, end - start), place);
}
