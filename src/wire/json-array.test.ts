import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArraySplitter } from "./json-array.ts";

/** Reads `pieces` as the meter does: the elements that are JSON, and whether all was. */
function read(pieces: readonly Uint8Array[]) {
  const elements: unknown[] = [];
  let valid = true;
  const splitter = new ArraySplitter({
    element(bytes, start, end) {
      try {
        elements.push(JSON.parse(Buffer.from(bytes.subarray(start, end)).toString()));
      } catch {
        valid = false;
      }
    },
  });
  for (const piece of pieces) {
    // The transport reuses its memory: nothing of it may be held.
    const chunk = Buffer.from(piece);
    splitter.push(chunk);
    chunk.fill(0);
  }
  const { foreign } = splitter;
  const whole = splitter.finish() && valid;
  return { elements, whole, foreign };
}

const read1 = (text: string) => read([Buffer.from(text)]);

/** Cuts bytes at the given places, empty pieces included. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

describe("ArraySplitter", () => {
  it("finds what JSON.parse finds, however the bytes were cut and spaced", () => {
    const array = fc.array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 6 });
    const spaced = fc
      .tuple(array, fc.constantFrom(undefined, 2, "\t", "\r\n"))
      .map(([value, space]) => JSON.stringify(value, undefined, space));
    fc.assert(
      fc.property(spaced, fc.array(fc.nat(), { maxLength: 12 }), (text, places) => {
        const found = read(cut(Buffer.from(text), places));
        expect(found).toEqual({ elements: JSON.parse(text), whole: true, foreign: false });
      }),
    );
  });

  it("is whole exactly when JSON.parse takes it for an array", () => {
    const text = fc.string({ unit: fc.constantFrom(...'[[]]{},:"\\ 1a'), maxLength: 12 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 3 }), (rest, places) => {
        for (const tried of [rest, `[${rest}`, `[${rest}]`]) {
          expect(read(cut(Buffer.from(tried), places)).whole).toBe(Array.isArray(parsed(tried)));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("reads what came before a cut", () => {
    expect(read1('[{"a":1},{"b":"]"}\n,{"c":')).toMatchObject({
      elements: [{ a: 1 }, { b: "]" }],
      whole: false,
    });
  });

  it("says of what is no array that it is none, and skips a byte order mark", () => {
    expect(read1(' {"error":{}}')).toEqual({ elements: [], whole: false, foreign: true });
    expect(read([Buffer.from([0xef]), Buffer.from([0xbb, 0xbf]), Buffer.from("[1]")])).toEqual({
      elements: [1],
      whole: true,
      foreign: false,
    });
  });

  it("passes an element by that is too long to be held, and reads the next", () => {
    const piece = Buffer.from("x".repeat(1024 * 1024));
    const pieces = [Buffer.from('[1,"'), ...Array.from({ length: 17 }, () => piece), Buffer.from('",3]')];
    expect(read(pieces)).toMatchObject({ elements: [1, 3], whole: true });
  });
});
