/**
 * One writer's calls that have begun and are not settled: the bytes of their starts in one buffer, by the writer's
 * numbers. Those of settled calls stay there until it is full; then the others are moved together.
 */
import type { Payload } from "./frame-reader.ts";
import { copyBytes, type JournalledCalls } from "./journalled-calls.ts";

const FIRST_CAPACITY = 64 * 1024;
/** Before a start: its length. */
const HEADER_BYTES = 4;

export class OpenCalls {
  /** In the order of the places. */
  readonly #places = new Map<number, number>();
  #buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  #used = 0;
  /** Bytes of the calls that are open. */
  #live = 0;

  /** Those that are open. */
  get numbers(): readonly number[] {
    return [...this.#places.keys()];
  }

  /** Takes the start that the payload stands before, behind its kind and number. @throws RecordError */
  add(number: number, start: Payload): void {
    const from = start.at;
    // What every call must have: its flags, id and time.
    start.byte();
    start.span();
    start.uint();
    const length = start.end - from;
    // A segment begins with the calls that were open when the one before it ended.
    this.#forget(number);
    this.#makeRoom(HEADER_BYTES + length);
    const place = this.#used;
    this.#buffer.writeUInt32LE(length, place);
    copyBytes(start.bytes, from, start.end, this.#buffer, place + HEADER_BYTES);
    this.#places.set(number, place);
    this.#used += HEADER_BYTES + length;
    this.#live += HEADER_BYTES + length;
  }

  /** Moves a call to those that are complete, with its settlement if it has one; false when it is not open. */
  settle(number: number, settled: Payload | undefined, calls: JournalledCalls): boolean {
    const place = this.#places.get(number);
    if (place === undefined) return false;
    const start = place + HEADER_BYTES;
    calls.add(this.#buffer, start, start + this.#buffer.readUInt32LE(place), settled);
    this.#forget(number);
    return true;
  }

  #forget(number: number): void {
    const place = this.#places.get(number);
    if (place === undefined) return;
    this.#places.delete(number);
    this.#live -= HEADER_BYTES + this.#buffer.readUInt32LE(place);
  }

  #makeRoom(bytes: number): void {
    const from = this.#buffer;
    if (this.#used + bytes <= from.length) return;
    // At most half full, so that what is moved is little against what came since.
    let capacity = FIRST_CAPACITY;
    while (capacity < 2 * (this.#live + bytes)) capacity *= 2;
    const to = capacity === from.length ? from : Buffer.allocUnsafeSlow(capacity);
    let used = 0;
    for (const [number, place] of this.#places) {
      const length = HEADER_BYTES + from.readUInt32LE(place);
      from.copy(to, used, place, place + length);
      this.#places.set(number, used);
      used += length;
    }
    this.#buffer = to;
    this.#used = used;
  }
}
