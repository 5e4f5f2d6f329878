import { expect, it } from "vitest";
import { Spend } from "./spend.ts";

const CENT = 10_000_000_000n;
const DAY = 86_400_000;

it("lets probes run until the day's money is spent, and again the next day", () => {
  const spend = new Spend(0.05);
  let runs = 0;
  for (let at = 0; at < 20; at++) {
    if (!spend.reserve("chat", 1_000)) continue;
    spend.settle("chat", CENT, 1_000);
    runs++;
  }
  expect(runs).toBe(5);
  expect(spend.spentToday(1_000)).toBe(0.05);
  expect(spend.reserve("chat", DAY)).toBe(true);
  expect(spend.spentToday(DAY)).toBe(0);
});

it("counts those that run at the same time as if they had cost what they did last", () => {
  const spend = new Spend(0.029);
  for (const name of ["a", "b", "c"]) {
    expect(spend.reserve(name, 0)).toBe(true);
    spend.settle(name, CENT / 2n, 0);
  }
  // One and a half cents are spent; two more halves fit, a third does not.
  expect(["a", "b", "c"].map((name) => spend.reserve(name, 0))).toEqual([true, true, false]);
  spend.settle("a", 0n, 0);
  expect(spend.reserve("c", 0)).toBe(true);
});

it("0 is nothing at all", () => {
  expect(new Spend(0).reserve("chat", 0)).toBe(false);
});
