/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), which node:zlib does not have. Eight table look-ups take eight
 * bytes at a time ("slicing by 8"): three times as fast as one byte at a time.
 */

/** The polynomial 0x1EDC6F41 with its bits reversed. */
const POLYNOMIAL = 0x82f63b78;
const SLICES = 8;

let tables: Int32Array | undefined;

/** `SLICES` tables of 256, one after another; made at the first use, not when the module is loaded. */
function makeTables(): Int32Array {
  const made = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
    made[byte] = value;
  }
  for (let i = 256; i < made.length; i++) {
    const previous = made[i - 256] ?? 0;
    made[i] = (previous >>> 8) ^ (made[previous & 0xff] ?? 0);
  }
  return made;
}

/** The checksum of the bytes from `start` to before `end`, as an unsigned 32-bit number. A view reads four at a time. */
export function crc32c(bytes: DataView, start: number, end: number): number {
  tables ??= makeTables();
  const t = tables;
  let crc = -1;
  let at = start;
  for (const last = end - 8; at <= last; at += 8) {
    crc ^= bytes.getInt32(at, true);
    const next = bytes.getInt32(at + 4, true);
    crc =
      (t[1792 + (crc & 0xff)] as number) ^
      (t[1536 + ((crc >>> 8) & 0xff)] as number) ^
      (t[1280 + ((crc >>> 16) & 0xff)] as number) ^
      (t[1024 + (crc >>> 24)] as number) ^
      (t[768 + (next & 0xff)] as number) ^
      (t[512 + ((next >>> 8) & 0xff)] as number) ^
      (t[256 + ((next >>> 16) & 0xff)] as number) ^
      (t[next >>> 24] as number);
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ (t[(crc ^ bytes.getUint8(at)) & 0xff] as number);
  return ~crc >>> 0;
}

/** What `crc32c` reads bytes by. */
export function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
