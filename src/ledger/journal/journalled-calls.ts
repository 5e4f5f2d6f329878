/**
 * Calls as the journal has them: the bytes of their records one behind the other, to be read when the database takes
 * them. An object for each record would be collected by V8 when it is old, at more than it costs to read.
 */
import { type Calls, type RowSink, writeRow } from "../../store/calls.ts";
import type { LedgerRow } from "../../store/ledger-row.ts";
import { rowOf } from "../row-of.ts";
import { Payload, RecordError } from "./frame-reader.ts";
import { copySettled, copyStarted } from "./record-columns.ts";
import { INTERRUPTED, readSettled, readStarted } from "./records.ts";

/** For 32,768 calls of 310 bytes. What is not written to takes no memory. */
const FIRST_CAPACITY = 16 * 2 ** 20;
const FIRST_PLACES = 1024;
/** Before a call's records: the length of its start, and whether it is settled. */
const HEADER_BYTES = 4;

export class JournalledCalls implements Calls {
  #payload = new Payload(Buffer.alloc(0));
  #used = 0;
  #length = 0;
  /** Where each call begins. */
  #places = new Int32Array(FIRST_PLACES);
  /** Those whose records cannot be read. */
  readonly #unreadable = new Set<number>();

  get length(): number {
    return this.#length;
  }

  /** Bytes of their records. */
  get bytes(): number {
    return this.#used;
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
    const place = this.#used;
    const began = end - start;
    const rest = settled === undefined ? 0 : settled.end - settled.at;
    const { bytes: buffer, view } = this.#room(HEADER_BYTES + began + rest);
    view.setUint32(place, 2 * began + (settled === undefined ? 0 : 1), true);
    copyBytes(bytes, start, end, buffer, place + HEADER_BYTES);
    if (settled !== undefined) {
      copyBytes(settled.bytes, settled.at, settled.end, buffer, place + HEADER_BYTES + began);
    }
    if (this.#length === this.#places.length) {
      const more = new Int32Array(2 * this.#length);
      more.set(this.#places);
      this.#places = more;
    }
    this.#places[this.#length++] = place;
    this.#used += HEADER_BYTES + began + rest;
  }

  /** Forgets all. */
  clear(): void {
    this.#used = 0;
    this.#length = 0;
    this.#unreadable.clear();
    // Of texts that were longer than any should be.
    if (this.#payload.bytes.length > FIRST_CAPACITY) this.#payload = new Payload(Buffer.alloc(0));
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

  #header(at: number): number {
    return this.#payload.view.getUint32(this.#places[at] ?? 0, true);
  }

  #isSettled(at: number): boolean {
    return this.#header(at) % 2 === 1;
  }

  /** Of one call's record at a time: it is the same payload again and again. */
  #start(at: number): Payload {
    const payload = this.#payload;
    payload.at = (this.#places[at] ?? 0) + HEADER_BYTES;
    payload.end = payload.at + (this.#header(at) >>> 1);
    return payload;
  }

  #settled(at: number): Payload {
    const payload = this.#start(at);
    payload.at = payload.end;
    payload.end = at + 1 < this.#length ? (this.#places[at + 1] ?? 0) : this.#used;
    return payload;
  }

  /** Where so many bytes more have room. */
  #room(bytes: number): Payload {
    const { bytes: buffer } = this.#payload;
    const needed = this.#used + bytes;
    if (needed > buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_CAPACITY, 2 * buffer.length, needed));
      buffer.copy(larger, 0, 0, this.#used);
      this.#payload = new Payload(larger);
    }
    return this.#payload;
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
