import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SAMPLE_CHARACTERS, TextSample } from "./text-sample.ts";

function sampleOf(pieces: readonly string[]): TextSample {
  const sample = new TextSample();
  for (const piece of pieces) sample.add(piece);
  return sample;
}

describe("TextSample", () => {
  it("is empty at first", () => {
    expect(new TextSample().text).toBe("");
    expect(new TextSample().totalCharacters).toBe(0);
  });

  it("keeps a text whatever its pieces and scripts", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string({ unit: "binary" }), fc.string({ minLength: 300, maxLength: 900 }))),
        (pieces) => {
          const whole = pieces.join("");
          const sample = sampleOf(pieces);
          expect(sample.text).toBe(whole.slice(0, SAMPLE_CHARACTERS));
          expect(sample.totalCharacters).toBe(whole.length);
        },
      ),
    );
  });

  it("keeps the beginning of a long text and counts the rest", () => {
    const sample = sampleOf(Array.from({ length: 5000 }, () => "word é"));
    expect(sample.text).toBe("word é".repeat(5000).slice(0, SAMPLE_CHARACTERS));
    expect(sample.totalCharacters).toBe(30_000);
  });

  it("turns from Latin to other scripts amid a piece, also where it is full", () => {
    const latin = "x".repeat(SAMPLE_CHARACTERS - 2);
    expect(sampleOf([latin, "a中b"]).text).toBe(`${latin}a中`);
    expect(sampleOf(["abc", "d中e", "f"]).text).toBe("abcd中ef");
  });
});
