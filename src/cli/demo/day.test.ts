import { expect, it } from "vitest";
import { hourAt, phaseAt, shareOfHour, shareOfWeekday } from "./day.ts";

const MINUTE = 60_000;

it("a day of four minutes begins in the morning and comes round", () => {
  expect([0, 1, 2, 4].map((minutes) => hourAt(minutes * MINUTE, 4 * MINUTE))).toEqual([8, 14, 20, 8]);
});

it("an upstream slows down, fails, heals, once a day", () => {
  const phases = Array.from({ length: 48 }, (_, half) => phaseAt(half / 2));
  expect(phases.filter((phase, index) => phase !== phases[index - 1])).toEqual([
    "well",
    "slow",
    "failing",
    "recovering",
    "well",
  ]);
  expect(phaseAt(hourAt(0, MINUTE))).toBe("well");
});

it("days and weeks have their shape and a mean of one", () => {
  const hours = Array.from({ length: 24 }, (_, hour) => shareOfHour(hour));
  expect(hours.reduce((sum, share) => sum + share, 0) / 24).toBeCloseTo(1, 9);
  expect(Math.max(...hours)).toBe(shareOfHour(15));
  expect(Math.min(...hours)).toBe(shareOfHour(3));
  const week = Array.from({ length: 7 }, (_, day) => shareOfWeekday(day));
  expect(week.reduce((sum, share) => sum + share, 0) / 7).toBeCloseTo(1, 2);
});
