import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Counter, Gauge, Histogram, MoneyCounter } from "./series.ts";

describe("a histogram", () => {
  test("counts a value that equals a bound in that bound's bucket", () => {
    const histogram = new Histogram([1, 2]);
    for (const value of [0.5, 1, 1.0001, 2, 3]) histogram.observe(value);
    expect(histogram.read()).toEqual({ counts: [2, 2, 1], sum: 7.5001 });
  });

  test("ignores what is not a number", () => {
    const histogram = new Histogram([1]);
    histogram.observe(Number.NaN);
    expect(histogram.read()).toEqual({ counts: [0, 0], sum: 0 });
  });

  test("puts each value where a search from the left would", () => {
    const bounds = fc.uniqueArray(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(bounds, fc.array(fc.integer({ min: -60, max: 60 })), (unsorted, values) => {
        const ascending = unsorted.toSorted((a, b) => a - b);
        const histogram = new Histogram(ascending);
        for (const value of values) histogram.observe(value);
        const expected = [...ascending, Infinity].map(
          (bound, i, all) => values.filter((v) => v <= bound && v > (all[i - 1] ?? -Infinity)).length,
        );
        expect(histogram.read().counts).toEqual(expected);
      }),
    );
  });
});

test("a counter adds up", () => {
  const counter = new Counter();
  counter.inc();
  counter.inc(41);
  expect(counter.read()).toBe(42);
});

test("a money counter stays exact where a float would not", () => {
  const money = new MoneyCounter();
  money.inc(9_007_199_254_740_993n);
  money.inc(1n);
  expect(money.read()).toBe(9_007_199_254_740_994n);
});

test("a gauge goes both ways, and can be read from a source", () => {
  const gauge = new Gauge();
  gauge.inc();
  gauge.dec();
  gauge.dec();
  expect(gauge.read()).toBe(-1);
  let source = 5;
  gauge.readFrom(() => source);
  source = 6;
  expect(gauge.read()).toBe(6);
});
