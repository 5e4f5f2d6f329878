/** Request ids: UUID version 7 (RFC 9562), ordered by time, so that a ledger keyed by them stays clustered. */

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const POOL_BYTES = 8192;
const RANDOM_BYTES = 10;

const pool = new Uint8Array(POOL_BYTES);
let used = POOL_BYTES;

/** A new UUIDv7 for the wall-clock time `nowMs` (milliseconds since the epoch). */
export function uuidv7(nowMs: number): string {
  if (used + RANDOM_BYTES > POOL_BYTES) {
    globalThis.crypto.getRandomValues(pool);
    used = 0;
  }
  const at = used;
  used += RANDOM_BYTES;
  const version = `7${hex(at).charAt(0)}${hex(at + 1)}`;
  const variant = HEX[((pool[at + 2] ?? 0) & 0x3f) | 0x80] ?? "80";
  const node = hex(at + 4) + hex(at + 5) + hex(at + 6) + hex(at + 7) + hex(at + 8) + hex(at + 9);
  return `${timeOf(Math.floor(nowMs))}-${version}-${variant}${hex(at + 3)}-${node}`;
}

let lastMs = Number.NaN;
let lastTime = "";

/** The 48 bits of the time. Many ids share a millisecond, and `toString(16)` of so large a number is dear. */
function timeOf(ms: number): string {
  if (ms !== lastMs) {
    const high = Math.floor(ms / 0x1000000);
    const low = ms - high * 0x1000000;
    lastMs = ms;
    lastTime = `${hexOf(high >> 16)}${hexOf(high >> 8)}${hexOf(high)}${hexOf(low >> 16)}-${hexOf(low >> 8)}${hexOf(low)}`;
  }
  return lastTime;
}

/** Of a random byte. */
function hex(at: number): string {
  return hexOf(pool[at] ?? 0);
}

/** Of the lowest byte. */
function hexOf(value: number): string {
  return HEX[value & 0xff] ?? "00";
}
