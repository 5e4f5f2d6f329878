/**
 * Finds the frames in bytes of a segment. Damage is skipped: the reader looks for the next mark whose frame has
 * the right checksum. What may be the beginning of a frame that is not written to its end yet is left for later.
 */
import { utf8Text } from "../../wire/bytes.ts";
import { crc32c, viewOf } from "./crc32c.ts";
import { HEADER_BYTES, MARK_0, MARK_1, MAX_PAYLOAD_BYTES } from "./frame-writer.ts";

export interface Scan {
  /** How many of the bytes are done with; the rest may be a frame's beginning. */
  readonly consumed: number;
  /** Bytes that were skipped because they are no frame. */
  readonly skippedBytes: number;
  /** How many runs of such bytes there were. */
  readonly damages: number;
}

/**
 * Calls `onPayload` with each frame's payload, in order; it is valid during the call. With `final` nothing more
 * will come: an unfinished frame does not hold up those that are found behind its beginning.
 */
export function scanFrames(bytes: Buffer, final: boolean, onPayload: (payload: Payload) => void): Scan {
  const payload = new Payload(bytes);
  const { view } = payload;
  let at = 0;
  let skippedBytes = 0;
  let damages = 0;
  /** Where a beginning stood that may become a frame. */
  let unfinished: number | undefined;
  while (at < bytes.length) {
    const length = frameAt(view, at);
    if (typeof length === "number") {
      payload.at = at + HEADER_BYTES;
      payload.end = payload.at + length;
      at = payload.end;
      onPayload(payload);
      continue;
    }
    if (length === "unfinished" && !final) {
      unfinished = at;
      break;
    }
    const next = nextFrame(bytes, view, at + 1, final);
    if (next === -1 && length === "unfinished") break;
    damages++;
    skippedBytes += (next === -1 ? bytes.length : next) - at;
    at = next === -1 ? bytes.length : next;
  }
  return { consumed: unfinished ?? at, skippedBytes, damages };
}

/** Length of the payload of a whole, right frame that begins at `at`. */
function frameAt(bytes: DataView, at: number): number | "unfinished" | "none" {
  if (bytes.getUint8(at) !== MARK_0) return "none";
  if (at + 1 >= bytes.byteLength) return "unfinished";
  if (bytes.getUint8(at + 1) !== MARK_1) return "none";
  if (at + HEADER_BYTES > bytes.byteLength) return "unfinished";
  const length = bytes.getUint32(at + 6, true);
  if (length === 0 || length > MAX_PAYLOAD_BYTES) return "none";
  const end = at + HEADER_BYTES + length;
  if (end > bytes.byteLength) return "unfinished";
  return crc32c(bytes, at + 6, end) === bytes.getUint32(at + 2, true) ? length : "none";
}

/** Where the next frame begins, at or behind `from`: a right one or, unless `final`, one that may become right. */
function nextFrame(bytes: Buffer, view: DataView, from: number, final: boolean): number {
  for (let at = bytes.indexOf(MARK_0, from); at !== -1; at = bytes.indexOf(MARK_0, at + 1)) {
    const found = frameAt(view, at);
    if (typeof found === "number" || (found === "unfinished" && !final)) return at;
  }
  return -1;
}

/** So many digits are always exact in a number. */
const EXACT_DIGITS = 15;
const ZERO = "0".charCodeAt(0);

/** Words that are kept; a power of two. */
const WORDS = 1024;
/** Longer texts are not looked for among the words. */
const LONGEST_WORD = 48;

/** Texts that come again and again, by a hash of their bytes; shared by all payloads, so that each is one string. */
const words: string[] = new Array<string>(WORDS).fill("");

/** A record is not what its kind says: too short, or with a text where a number should be. */
export class RecordError extends Error {}

/** Reads the fields of a payload in the order they were written. @throws RecordError */
export class Payload {
  readonly bytes: Buffer;
  /** Of the same bytes, for numbers that take several: half of what Buffer's own methods take. */
  readonly view: DataView;
  at = 0;
  end = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }

  /** Whether there are fields left: those that a newer version added are missing in older records. */
  get more(): boolean {
    return this.at < this.end;
  }

  byte(): number {
    return this.bytes[this.#take(1)] ?? 0;
  }

  uint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  }

  double(): number {
    return this.view.getFloat64(this.#take(8), true);
  }

  text(): string {
    const start = this.span();
    return start === this.at ? "" : utf8Text(this.bytes, start, this.at);
  }

  /** Goes past a text, and tells where it began. */
  span(): number {
    const length = this.uint();
    return this.#take(length);
  }

  /** A whole number that was written as text, because it may be larger than numbers are exact. */
  whole(): number | bigint {
    const start = this.span();
    const exact = this.at - start <= EXACT_DIGITS;
    let value = 0;
    for (let at = start; at < this.at; at++) {
      const digit = (this.bytes[at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) throw new RecordError("an amount in a record is no number");
      value = 10 * value + digit;
    }
    return exact ? value : BigInt(utf8Text(this.bytes, start, this.at));
  }

  /** A text of which there are few, as a model's name: found among those read before, a third of making it anew. */
  word(): string {
    const length = this.uint();
    const start = this.#take(length);
    if (length === 0) return "";
    const bytes = this.bytes;
    if (length > LONGEST_WORD) return utf8Text(bytes, start, start + length);
    let hash = length;
    for (let at = start; at < start + length; at++) hash = (Math.imul(hash, 31) + (bytes[at] ?? 0)) | 0;
    const slot = hash & (WORDS - 1);
    const known = words[slot] ?? "";
    if (known.length === length && isText(known, bytes, start)) return known;
    const made = utf8Text(bytes, start, start + length);
    words[slot] = made;
    return made;
  }

  #take(length: number): number {
    const start = this.at;
    // A length of very many bytes is no number.
    if (!(start + length <= this.end)) throw new RecordError("a record is shorter than its fields");
    this.at = start + length;
    return start;
  }
}

/** Whether bytes are this text. One beyond ASCII never is: its characters are fewer than its bytes, or differ. */
function isText(text: string, bytes: Buffer, start: number): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 127 || code !== bytes[start + index]) return false;
  }
  return true;
}
