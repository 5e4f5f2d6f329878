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
  const time = Math.floor(nowMs).toString(16).padStart(12, "0");
  const hex = (offset: number): string => HEX[pool[used + offset] ?? 0] ?? "00";
  const version = `7${hex(0).charAt(0)}${hex(1)}`;
  const variant = HEX[((pool[used + 2] ?? 0) & 0x3f) | 0x80] ?? "80";
  const id = `${time.slice(0, 8)}-${time.slice(8)}-${version}-${variant}${hex(3)}-${hex(4)}${hex(5)}${hex(6)}${hex(7)}${hex(8)}${hex(9)}`;
  used += RANDOM_BYTES;
  return id;
}
