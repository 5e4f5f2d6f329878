/**
 * Finds the elements of a JSON array in a byte stream however TCP cut it: what Gemini streams where it is not asked
 * for events. One unfinished element is all that is kept. Each element is the visitor's to parse; with all of them
 * valid, the array is whole exactly when `finish` says so.
 */
import { allocate, BYTE_ORDER_MARK, EMPTY } from "./bytes.ts";

/** Receives each complete element; `bytes` may change once it returns. */
export interface ElementVisitor {
  element(bytes: Uint8Array, start: number, end: number): void;
}

/** An element longer than this is passed by unread, as an event is. Images come close to 8 MiB. */
const MAX_ELEMENT_BYTES = 16 * 1024 * 1024;

const QUOTE = 34;
const COMMA = 44;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/** `first` is after the opening bracket, `next` after a comma, `after` behind an element; `foreign` is no array at all. */
type Place = "before" | "first" | "next" | "within" | "after" | "closed" | "broken" | "foreign";

export class ArraySplitter {
  readonly #visitor: ElementVisitor;
  #place: Place = "before";
  /** Of the brackets and braces of the present element, those that are open. */
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Bytes of the present element that came in earlier chunks are `#held[0, #length)`. */
  #held: Uint8Array = EMPTY;
  #length = 0;
  /** The present element is too long to be read: only its end is looked for. */
  #skipping = false;

  constructor(visitor: ElementVisitor) {
    this.#visitor = visitor;
  }

  /** Nothing but space has come so far. */
  get empty(): boolean {
    return this.#place === "before";
  }

  /** What comes does not begin like an array. Only space, and a byte order mark, can have come in earlier chunks. */
  get foreign(): boolean {
    return this.#place === "foreign";
  }

  /** Takes the next bytes, and keeps none of them. */
  push(chunk: Uint8Array): void {
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (this.#place !== "within") {
        if (isSpace(byte)) continue;
        this.#place = this.#placeAfter(byte);
        if (this.#place === "broken" || this.#place === "foreign") return;
        if (this.#place !== "within") continue;
        start = at;
        this.#depth = 0;
      }
      const end = this.#endAt(byte, at);
      if (end === -1) continue;
      this.#ended(chunk, start, end);
      // What follows a number or a word is not a part of it.
      if (end === at) this.#place = this.#placeAfter(byte);
    }
    if (this.#place === "within") this.#hold(chunk, start, chunk.length);
  }

  /** No more will come. True when the array was whole, its closing bracket the last of it. */
  finish(): boolean {
    this.#held = EMPTY;
    this.#length = 0;
    return this.#place === "closed";
  }

  /** Where a byte between two elements leads. */
  #placeAfter(byte: number): Place {
    switch (this.#place) {
      case "before":
        if (BYTE_ORDER_MARK.includes(byte)) return "before";
        return byte === OPEN_BRACKET ? "first" : "foreign";
      case "first":
        return byte === CLOSE_BRACKET ? "closed" : byte === COMMA ? "broken" : "within";
      case "next":
        return byte === CLOSE_BRACKET || byte === COMMA ? "broken" : "within";
      case "after":
        if (isSpace(byte)) return "after";
        return byte === COMMA ? "next" : byte === CLOSE_BRACKET ? "closed" : "broken";
      case "foreign":
        return "foreign";
      default:
        return "broken";
    }
  }

  /** Where the present element ends, if the byte at `at` shows it, else -1. */
  #endAt(byte: number, at: number): number {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === BACKSLASH) this.#escaped = true;
      else if (byte === QUOTE) {
        this.#inString = false;
        if (this.#depth === 0) return at + 1;
      }
      return -1;
    }
    if (byte === QUOTE) this.#inString = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#depth++;
    else if (this.#depth === 0) return byte === COMMA || byte === CLOSE_BRACKET || isSpace(byte) ? at : -1;
    else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --this.#depth === 0) return at + 1;
    return -1;
  }

  #ended(chunk: Uint8Array, start: number, end: number): void {
    this.#place = "after";
    if (this.#length > 0 && !this.#skipping) {
      this.#hold(chunk, start, end);
      if (!this.#skipping) this.#visitor.element(this.#held, 0, this.#length);
    } else if (!this.#skipping) {
      this.#visitor.element(chunk, start, end);
    }
    this.#skipping = false;
    this.#held = EMPTY;
    this.#length = 0;
  }

  #hold(chunk: Uint8Array, start: number, end: number): void {
    const needed = this.#length + end - start;
    if (this.#skipping || needed > MAX_ELEMENT_BYTES) {
      this.#skipping = true;
      this.#held = EMPTY;
      this.#length = 0;
      return;
    }
    if (needed > this.#held.length) {
      const larger = allocate(Math.max(needed, Math.min(2 * this.#length, MAX_ELEMENT_BYTES), 256));
      larger.set(this.#held.subarray(0, this.#length));
      this.#held = larger;
    }
    this.#held.set(chunk.subarray(start, end), this.#length);
    this.#length = needed;
  }
}

function isSpace(byte: number): boolean {
  return byte === 32 || byte === 10 || byte === 13 || byte === 9;
}
