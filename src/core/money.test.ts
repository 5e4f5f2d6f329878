import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatUsd, PICO_PER_USD, scaled } from "./money.ts";

describe("formatUsd", () => {
  it("writes exact decimals", () => {
    expect([0n, 1n, -1n, PICO_PER_USD, 1_234_500_000_000n].map(formatUsd)).toEqual([
      "0",
      "0.000000000001",
      "-0.000000000001",
      "1",
      "1.2345",
    ]);
  });

  it("is undone by reading the text", () => {
    fc.assert(fc.property(fc.bigInt(), (pico) => scaled(formatUsd(pico), 12) === pico));
  });
});

describe("scaled", () => {
  it("reads decimals as they are written, exponents too", () => {
    expect([scaled("0.0375", 6), scaled(2e-7, 12), scaled("1.5E2", 0), scaled(0.1, 1)]).toEqual([
      37_500n,
      200_000n,
      150n,
      1n,
    ]);
  });

  it("rounds half away from zero", () => {
    expect([scaled("0.15", 1), scaled("-0.15", 1), scaled("0.149", 1)]).toEqual([2n, -2n, 1n]);
  });

  it.each(["", "1,5", "NaN", "0x10", "1e9999"])("refuses %j", (text) => {
    expect(() => scaled(text, 6)).toThrow(RangeError);
  });
});
