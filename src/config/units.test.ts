import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDuration, formatSize, parseDuration, parseSize } from "./units.ts";

describe("durations", () => {
  test.each([
    ["250ms", 250],
    ["5s", 5_000],
    ["1.5s", 1_500],
    ["2m", 120_000],
    ["24h", 86_400_000],
    ["7d", 604_800_000],
    ["0s", 0],
  ])("%s is %d ms", (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(["", "5", "s", "5 s", "-5s", "5S", "5s ", "1m30s", "1e3s", ".5s", "5weeks"])(
    "%j is no duration",
    (text) => expect(parseDuration(text)).toBeUndefined(),
  );

  test("what is written is read back as it was", () => {
    fc.assert(fc.property(fc.nat(), (ms) => parseDuration(formatDuration(ms)) === ms));
  });

  test("the largest unit without a remainder is written", () => {
    expect([120_000, 90_000, 1_500, 3_600_000, 0].map(formatDuration)).toEqual([
      "2m",
      "90s",
      "1500ms",
      "1h",
      "0ms",
    ]);
  });
});

describe("sizes", () => {
  test.each([
    ["32MiB", 33_554_432],
    ["1MB", 1_000_000],
    ["512 KiB", 524_288],
    ["0.5GiB", 536_870_912],
    ["10kB", 10_000],
    ["1B", 1],
  ])("%s is %d bytes", (text, bytes) => expect(parseSize(text)).toBe(bytes));

  test.each(["", "32", "MiB", "32mib", "32M", "-1B", "1  MB"])("%j is no size", (text) =>
    expect(parseSize(text)).toBeUndefined(),
  );

  test("what is written is read back as it was", () => {
    fc.assert(fc.property(fc.nat(), (bytes) => parseSize(formatSize(bytes)) === bytes));
  });
});
