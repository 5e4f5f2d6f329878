import fc from "fast-check";
import { expect, it } from "vitest";
import { gather, joined } from "./bytes.ts";

it("pieces of any size are gathered in their order", () => {
  const sizes = fc.array(fc.oneof(fc.constantFrom(0, 1, 2), fc.integer({ min: 0, max: 2_000 })), {
    maxLength: 50,
  });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 60 }), (sizes, times) => {
      const pieces: Uint8Array[] = [];
      const wanted: Uint8Array[] = [];
      let byte = 0;
      for (let time = 0; time < times; time++) {
        for (const size of sizes) {
          const piece = Uint8Array.from({ length: size }, () => byte++);
          wanted.push(piece);
          gather(pieces, piece);
        }
      }
      expect(Buffer.compare(joined(pieces), joined(wanted))).toBe(0);
    }),
    { numRuns: 30 },
  );
});

it("of very many tiny pieces few are left, of large ones none is copied", () => {
  const tiny: Uint8Array[] = [];
  for (let at = 0; at < 300_000; at++) gather(tiny, new Uint8Array([at]));
  expect(tiny.length).toBeLessThan(2_000);
  expect(joined(tiny)[299_999]).toBe(299_999 % 256);
  const large = Array.from({ length: 600 }, () => new Uint8Array(1_000));
  const kept: Uint8Array[] = [];
  for (const piece of large) gather(kept, piece);
  expect(kept).toHaveLength(600);
  expect(kept.every((piece, at) => piece === large[at])).toBe(true);
});
