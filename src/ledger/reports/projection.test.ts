/** Projections whose outcome can be worked out by hand. */
import { describe, expect, it } from "vitest";
import { type HourlyCost, project } from "./projection.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const USD = 1_000_000_000_000;
/** 1 March 2026 is a Sunday. */
const MARCH = Date.UTC(2026, 2, 1);
const month = { monthStart: MARCH, monthEnd: Date.UTC(2026, 3, 1), timeZone: "UTC" };

/** Hours from `from` to `to`, each costing what `cost` says in dollars. */
function hours(from: number, to: number, cost: (start: number) => number): HourlyCost[] {
  const result: HourlyCost[] = [];
  for (let start = from; start < to; start += HOUR) {
    const usd = cost(start);
    if (usd !== 0) result.push({ start, cost: BigInt(Math.round(usd * USD)) });
  }
  return result;
}
const usd = (pico: bigint | undefined) => Number(pico) / USD;

describe("a projection", () => {
  it("is linear before there are two weeks: a dollar an hour for ten days is 744 dollars in March", () => {
    const now = MARCH + 10 * DAY;
    const result = project({ ...month, now, firstCall: MARCH, hours: hours(MARCH, now, () => 1) });
    expect(result.method).toBe("linear");
    expect(usd(result.soFar)).toBe(240);
    expect(usd(result.expected)).toBe(744);
    // Every day was as expected: there is nothing to be unsure of.
    expect([usd(result.range?.low), usd(result.range?.high)]).toEqual([744, 744]);
  });

  it("knows weekends: five dear days and two that cost nothing", () => {
    const workday = (start: number) => ([0, 6].includes(new Date(start).getUTCDay()) ? 0 : 1);
    const firstCall = MARCH - 28 * DAY;
    const now = MARCH + 13 * DAY;
    const result = project({ ...month, now, firstCall, hours: hours(firstCall, now, workday) });
    expect(result.method).toBe("seasonal");
    // March 2026 has 22 workdays, 10 of them before Saturday the 14th.
    expect(usd(result.soFar)).toBe(240);
    expect(usd(result.expected)).toBeCloseTo(22 * 24, 6);
    expect(usd(result.range?.high)).toBeCloseTo(22 * 24, 6);
  });

  it("has the range that its days' differences make: s² · d + s² · d² / m", () => {
    const now = MARCH + 10 * DAY;
    // Days cost 24 and 72 in turn: 48 on average, each 24 off, so s² = 10 · 24² / 9.
    const cost = (start: number) => (Math.floor((start - MARCH) / DAY) % 2 === 0 ? 1 : 3);
    const result = project({ ...month, now, firstCall: MARCH, hours: hours(MARCH, now, cost) });
    const s = Math.sqrt((10 * 24 ** 2) / 9);
    const spread = 1.2816 * s * Math.sqrt(21 + 21 ** 2 / 10);
    expect(usd(result.expected)).toBeCloseTo(31 * 48, 6);
    expect(usd(result.range?.low)).toBeCloseTo(31 * 48 - spread, 3);
    expect(usd(result.range?.high)).toBeCloseTo(31 * 48 + spread, 3);
  });

  it("never falls below what is spent, and has no range before two days", () => {
    const now = MARCH + 30.9 * DAY;
    const spike = (start: number) => (start === MARCH ? 1000 : 0.01);
    const late = project({ ...month, now, firstCall: MARCH, hours: hours(MARCH, now, spike) });
    expect(late.range?.low).toBe(late.soFar);
    const early = MARCH + 30 * HOUR;
    expect(
      project({ ...month, now: early, firstCall: MARCH, hours: hours(MARCH, early, () => 1) }).range,
    ).toBeUndefined();
  });

  it("takes what the first hour has spent so far for a whole one, and is nothing without calls", () => {
    const now = MARCH + 30 * 60_000;
    const first = project({ ...month, now, firstCall: MARCH, hours: [{ start: MARCH, cost: BigInt(USD) }] });
    expect(usd(first.expected)).toBeCloseTo(744 + 0.5, 6);
    expect(usd(project({ ...month, now, firstCall: now, hours: [] }).expected)).toBe(0);
  });

  it("learns from last month on the first day of this one", () => {
    const firstCall = MARCH - 10 * DAY;
    const now = MARCH + HOUR;
    const result = project({ ...month, now, firstCall, hours: hours(firstCall, now, () => 2) });
    expect(usd(result.expected)).toBeCloseTo(2 * 744, 6);
  });
});
