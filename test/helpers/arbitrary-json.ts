/** JSON of any shape: hostile keys and strings, nested `usage` and `model`. */
import fc from "fast-check";

const name = fc.oneof(
  fc.constantFrom("usage", "model", "usage\\", '"usage"', "usag", "a", "", "ü"),
  fc.string({ unit: "binary", maxLength: 6 }),
);
/** What looks like structure, within a string. */
export const hostilePiece = fc.constantFrom(
  '"usage":{"x":1}',
  ',"usage":',
  '"',
  "\\",
  "}",
  "{",
  "]",
  "usage",
  "𝄞",
  "\n",
  "model",
);
const leaf = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
  fc.array(hostilePiece, { maxLength: 5 }).map((pieces) => pieces.join("")),
  fc.string({ unit: "binary", maxLength: 8 }),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(name, tie("value"), { maxKeys: 3 }),
  ),
}));
/** To be written as JSON. */
export const hostileObject: fc.Arbitrary<Record<string, unknown>> = fc.dictionary(name, value, {
  maxKeys: 6,
});
