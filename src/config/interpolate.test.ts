// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment are meant literally.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { interpolate } from "./interpolate.ts";

const env = { KEY: "value", EMPTY: "", TRICKY: "${KEY}" };
const text = (source: string) => interpolate(source, env).text;
const messages = (source: string) => interpolate(source, env).errors.map(({ message }) => message);

test.each([
  ["plain", "plain"],
  ["$KEY", "$KEY"],
  ["${KEY}", "value"],
  ["a${KEY}b${KEY}c", "avaluebvaluec"],
  ["${UNSET:-fallback}", "fallback"],
  ["${EMPTY:-fallback}", "fallback"],
  ["${UNSET:-}", ""],
  ["${UNSET:-http://x:1/?a=b}", "http://x:1/?a=b"],
  ["$${KEY}", "${KEY}"],
  ["${TRICKY}", "${KEY}"],
])("%s becomes %s", (source, expected) => expect(text(source)).toBe(expected));

describe("refused", () => {
  test("a variable without value or default is named, and whether it is unset or empty", () => {
    expect(messages("${UNSET}${EMPTY}")).toEqual([
      "environment variable UNSET is not set",
      "environment variable EMPTY is empty",
    ]);
  });

  test.each(["${}", "${1A}", "${A-b}", "${A", "${A:-${B}}", "${a b}"])("%s is malformed", (source) =>
    expect(messages(source)).toEqual(["a reference to an environment variable is malformed"]),
  );
});

test("a value is taken over as it is, whatever it holds", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (value) => {
      expect(interpolate("<${X}>", { X: value }).text).toBe(`<${value}>`);
    }),
  );
});
