import { describe, expect, it } from "vitest";
import { count } from "./quantities.ts";

describe("count", () => {
  it.each([
    [0, 0],
    [12.9, 12],
    [1_000_000_000, 1_000_000_000],
  ])("reads %s", (value, read) => {
    expect(count(value)).toBe(read);
  });

  it.each([
    -1,
    -0.5,
    Number.NaN,
    1e308,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    1_000_000_001,
    "12",
    null,
    [1],
    {},
  ])("does not believe %s", (value) => {
    expect(count(value)).toBeUndefined();
  });
});
