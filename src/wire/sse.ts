/**
 * Server-sent events: finds the events in a byte stream however TCP cut it, and can leave some out.
 *
 * The splitter only looks. While nothing is to be left out the caller relays the chunks themselves and
 * uses the splitter on the side. Where events may be dropped, the caller relays what `push` returns:
 * the same bytes but for the dropped events and for an unfinished event at the end, which is held
 * until it is complete or larger than any event worth dropping.
 */
import { allocate, EMPTY, indexOfByte, joined, utf8Text } from "./bytes.ts";

/** Receives each complete event, without its blank line; true drops it (where the splitter may). */
export interface EventVisitor {
  event(bytes: Uint8Array, start: number, end: number): boolean;
}

/** An event longer than this is passed by unread. Streamed images come close to 8 MiB. */
const MAX_EVENT_BYTES = 16 * 1024 * 1024;
/** An unfinished event is held back from the client up to this size; a usage chunk has a few hundred bytes. */
const MAX_HELD_BYTES = 64 * 1024;

const LF = 10;
const CR = 13;

export class EventSplitter {
  readonly #visitor: EventVisitor;
  readonly #mayDrop: boolean;
  /** Bytes of the unfinished event are `#held[0, #length)`. */
  #held: Uint8Array = EMPTY;
  #length = 0;
  /** How many of the held bytes the client already has. */
  #relayed = 0;
  /** The unfinished event is too long to be read: wait for its end, keeping only the last bytes. */
  #skipping = false;

  constructor(visitor: EventVisitor, mayDrop: boolean) {
    this.#visitor = visitor;
    this.#mayDrop = mayDrop;
  }

  /** Takes the next bytes; returns what may now be relayed (meaningful only where events may be dropped). */
  push(chunk: Uint8Array): Uint8Array {
    if (this.#length === 0) return this.#scan(chunk, 0, chunk.length, false);
    const searchFrom = Math.max(0, this.#length - 3);
    this.#append(chunk);
    const bytes = this.#held;
    const length = this.#length;
    this.#length = 0;
    return this.#scan(bytes, searchFrom, length, true);
  }

  /** An event has begun that is not complete. */
  get amidEvent(): boolean {
    return this.#length > 0 || this.#skipping;
  }

  /** The stream is over. Reads a last event that lacks its blank line, and returns what was still held. */
  finish(): Uint8Array {
    const bytes = this.#held.subarray(0, this.#length);
    const from = this.#relayed;
    const drop = bytes.length > 0 && !this.#skipping && this.#visitor.event(bytes, 0, bytes.length);
    this.#length = 0;
    this.#relayed = 0;
    this.#held = EMPTY;
    return drop && from === 0 && this.#mayDrop ? EMPTY : bytes.subarray(from);
  }

  /** Visits the complete events of `bytes[0, length)`, keeps the rest, and returns what may be relayed. */
  #scan(bytes: Uint8Array, searchFrom: number, length: number, isHeld: boolean): Uint8Array {
    let start = 0;
    let keepFrom = this.#relayed;
    let kept: Uint8Array[] | undefined;
    let newline = indexOfByte(bytes, LF, searchFrom);
    while (newline !== -1 && newline < length) {
      const end = blankLineEnd(bytes, newline, length);
      if (end === 0) {
        newline = indexOfByte(bytes, LF, newline + 1);
        continue;
      }
      const drop = !this.#skipping && this.#visitor.event(bytes, start, newline);
      if (drop && this.#mayDrop && keepFrom <= start) {
        kept ??= [];
        if (start > keepFrom) kept.push(bytes.subarray(keepFrom, start));
        keepFrom = end;
      }
      this.#skipping = false;
      start = end;
      newline = indexOfByte(bytes, LF, end);
    }
    this.#relayed = Math.max(0, keepFrom - start);
    if (!this.#mayDrop) {
      this.#keep(bytes, start, length, isHeld);
      return bytes;
    }
    const holding = length - start;
    const relayTo = this.#skipping || holding > MAX_HELD_BYTES ? length : Math.max(start, keepFrom);
    if (relayTo > start) this.#relayed = relayTo - start;
    let out: Uint8Array = bytes.subarray(keepFrom, relayTo);
    if (kept !== undefined) out = joined(out.length > 0 ? [...kept, out] : kept);
    // Held memory is written to again, so what leaves it is copied.
    if (isHeld && out.length > 0) out = copy(out);
    this.#keep(bytes, start, length, isHeld);
    return kept !== undefined && out.length === 0 ? EMPTY : out;
  }

  #keep(bytes: Uint8Array, start: number, length: number, isHeld: boolean): void {
    const rest = length - start;
    if (rest > MAX_EVENT_BYTES || this.#skipping) {
      // Only the last bytes matter, to recognise the blank line; the others have been relayed.
      this.#skipping = true;
      const last = Math.max(start, length - 3);
      this.#held = copy(bytes.subarray(last, length));
      this.#length = this.#held.length;
      this.#relayed = this.#length;
      return;
    }
    if (isHeld) {
      if (start > 0) this.#held.copyWithin(0, start, length);
      this.#length = rest;
      if (rest === 0) this.#held = EMPTY;
    } else if (rest > 0) {
      this.#append(bytes.subarray(start, length));
    }
  }

  #append(more: Uint8Array): void {
    const needed = this.#length + more.length;
    if (needed > this.#held.length) {
      const larger = allocate(Math.max(needed, Math.min(2 * this.#length, MAX_EVENT_BYTES), 256));
      larger.set(this.#held.subarray(0, this.#length));
      this.#held = larger;
    }
    this.#held.set(more, this.#length);
    this.#length = needed;
  }
}

function copy(bytes: Uint8Array): Uint8Array {
  const fresh = allocate(bytes.length);
  fresh.set(bytes);
  return fresh;
}

/** Where the blank line ends whose preceding line ends with the newline at `newline`; 0 when there is none. */
function blankLineEnd(bytes: Uint8Array, newline: number, length: number): number {
  if (newline + 1 >= length) return 0;
  const next = bytes[newline + 1];
  if (next === LF) return newline + 2;
  return next === CR && newline + 2 < length && bytes[newline + 2] === LF ? newline + 3 : 0;
}

/** What one event says. */
export interface ServerSentEvent {
  /** The `event:` field, or "". */
  readonly name: string;
  /** The `data:` fields joined by newlines; undefined when there is none (comments, `retry:`). */
  readonly data: string | undefined;
}

const NO_DATA: ServerSentEvent = { name: "", data: undefined };
const COLON = 58;
const SPACE = 32;

/** Reads the fields of the event at `bytes[start, end)`, by the rules of the HTML standard. */
export function readEvent(bytes: Uint8Array, start: number, end: number): ServerSentEvent {
  let name = "";
  let data: string | undefined;
  let line = start;
  while (line < end) {
    let next = indexOfByte(bytes, LF, line);
    if (next === -1 || next > end) next = end;
    const lineEnd = next > line && bytes[next - 1] === CR ? next - 1 : next;
    if (startsWith(bytes, line, lineEnd, DATA)) {
      const text = utf8Text(bytes, valueStart(bytes, line + 4, lineEnd), lineEnd);
      data = data === undefined ? text : `${data}\n${text}`;
    } else if (startsWith(bytes, line, lineEnd, EVENT)) {
      name = utf8Text(bytes, valueStart(bytes, line + 5, lineEnd), lineEnd);
    }
    line = next + 1;
  }
  return data === undefined ? NO_DATA : { name, data };
}

const DATA = [100, 97, 116, 97];
const EVENT = [101, 118, 101, 110, 116];

/** True when the line is the field `name` (followed by a colon, or by nothing). */
function startsWith(bytes: Uint8Array, line: number, lineEnd: number, name: readonly number[]): boolean {
  const colon = line + name.length;
  if (colon > lineEnd || (colon < lineEnd && bytes[colon] !== COLON)) return false;
  for (let at = 0; at < name.length; at++) if (bytes[line + at] !== name[at]) return false;
  return true;
}

function valueStart(bytes: Uint8Array, colon: number, lineEnd: number): number {
  if (colon >= lineEnd) return lineEnd;
  return bytes[colon + 1] === SPACE && colon + 1 < lineEnd ? colon + 2 : colon + 1;
}
