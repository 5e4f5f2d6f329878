import fc from "fast-check";
import { expect, test } from "vitest";
import { crc32c, viewOf } from "./crc32c.ts";

const of = (bytes: Uint8Array): number => crc32c(viewOf(bytes), 0, bytes.length);

test("gives the check values of RFC 3720 and of the catalogue of CRC algorithms", () => {
  expect(of(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(of(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(of(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  expect(of(Uint8Array.from({ length: 32 }, (_, i) => 31 - i))).toBe(0x113fdb5c);
  expect(of(Buffer.from("123456789"))).toBe(0xe3069283);
  expect(of(new Uint8Array(0))).toBe(0);
});

/** One bit at a time, as the polynomial is defined. */
function bitwise(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test("equals the definition for any bytes, and for any part of them", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(20), (bytes, skipped) => {
      const start = Math.min(skipped, bytes.length);
      expect(crc32c(viewOf(bytes), start, bytes.length)).toBe(bitwise(bytes.subarray(start)));
    }),
  );
});
