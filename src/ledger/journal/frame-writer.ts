/**
 * Writes frames into one growing buffer, which then goes to the file with one write. A frame is
 *
 *   2 bytes  mark      0xB3 0x57, by which a reader finds the next frame after damage
 *   4 bytes  checksum  CRC-32C of what follows, little-endian
 *   4 bytes  length    of the payload, little-endian
 *   n bytes  payload   its first byte is the kind of record
 *
 * Numbers in a payload are varints (seven bits a byte, the lowest first) or doubles; texts are UTF-8 behind
 * their length.
 */
import { crc32c, viewOf } from "./crc32c.ts";

export const MARK_0 = 0xb3;
export const MARK_1 = 0x57;
export const HEADER_BYTES = 10;
/** A larger length is damage. Heads of requests, where the longest texts come from, are at most 1 MiB. */
export const MAX_PAYLOAD_BYTES = 8 * 2 ** 20;

const FIRST_CAPACITY = 64 * 1024;
/** A buffer that one burst made larger than this is let go. */
const KEPT_CAPACITY = 2 ** 20;
/** Room for all numbers of a record; texts make their own. */
const NUMBERS_BYTES = 1024;
const MAX_VARINT_BYTES = 8;

export class FrameWriter {
  #buffer = Buffer.allocUnsafe(FIRST_CAPACITY);
  #view = viewOf(this.#buffer);
  #at = 0;
  #frame = 0;

  /** Bytes of finished frames. */
  get length(): number {
    return this.#at;
  }

  /** The finished frames; valid until the next `begin` or `clear`. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  clear(): void {
    this.#at = 0;
    if (this.#buffer.length > KEPT_CAPACITY) this.#use(Buffer.allocUnsafe(FIRST_CAPACITY));
  }

  /** Takes the first `bytes` out, because they have been written. */
  drop(bytes: number): void {
    this.#buffer.copyWithin(0, bytes, this.#at);
    this.#at -= bytes;
  }

  begin(kind: number): void {
    this.#reserve(NUMBERS_BYTES);
    this.#frame = this.#at;
    this.#at += HEADER_BYTES;
    this.#buffer[this.#at++] = kind;
  }

  end(): void {
    const buffer = this.#buffer;
    const frame = this.#frame;
    buffer[frame] = MARK_0;
    buffer[frame + 1] = MARK_1;
    this.#view.setUint32(frame + 6, this.#at - frame - HEADER_BYTES, true);
    this.#view.setUint32(frame + 2, crc32c(this.#view, frame + 6, this.#at), true);
  }

  byte(value: number): void {
    this.#buffer[this.#at++] = value;
  }

  /** An integer from 0 to 2^53 - 1. */
  uint(value: number): void {
    const buffer = this.#buffer;
    let at = this.#at;
    let rest = value;
    // Bit operations know 32 bits only.
    while (rest >= 0x80000000) {
      buffer[at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 128) {
      buffer[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    buffer[at++] = rest;
    this.#at = at;
  }

  double(value: number): void {
    this.#at = this.#buffer.writeDoubleLE(value, this.#at);
  }

  text(value: string): void {
    const { length } = value;
    this.#reserve(length * 3 + MAX_VARINT_BYTES + NUMBERS_BYTES);
    const start = this.#at;
    this.uint(length);
    const buffer = this.#buffer;
    let at = this.#at;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) {
        this.#at = start;
        return this.#wideText(value);
      }
      buffer[at++] = code;
    }
    this.#at = at;
  }

  #wideText(value: string): void {
    this.uint(Buffer.byteLength(value));
    this.#at += this.#buffer.write(value, this.#at, "utf8");
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#use(larger);
  }

  #use(buffer: Buffer<ArrayBuffer>): void {
    this.#buffer = buffer;
    this.#view = viewOf(buffer);
  }
}
