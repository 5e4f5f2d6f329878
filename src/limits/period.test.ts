import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Calendar } from "./period.ts";

const at = (text: string): number => Date.parse(text);
const iso = (ms: number): string => new Date(ms).toISOString();

describe("Calendar", () => {
  test("a month begins at midnight where it is counted", () => {
    const { name, startsAt, endsAt } = new Calendar("month", "Asia/Shanghai").period(
      at("2026-11-30T16:30:00Z"),
    );
    expect(name).toBe("2026-12");
    expect(iso(startsAt)).toBe("2026-11-30T16:00:00.000Z");
    expect(iso(endsAt)).toBe("2026-12-31T16:00:00.000Z");
  });

  test("a week begins on Monday", () => {
    const { name, startsAt } = new Calendar("week", "UTC").period(at("2026-11-22T23:59:59Z"));
    expect(name).toBe("2026-11-16");
    expect(iso(startsAt)).toBe("2026-11-16T00:00:00.000Z");
  });

  test("days are 23 and 25 hours long where clocks are changed", () => {
    const day = (text: string): number => {
      const { startsAt, endsAt } = new Calendar("day", "Europe/Berlin").period(at(text));
      return (endsAt - startsAt) / 3_600_000;
    };
    expect(day("2026-03-29T12:00:00Z")).toBe(23);
    expect(day("2026-10-25T12:00:00Z")).toBe(25);
  });

  test("a day begins at one o'clock where midnight is skipped", () => {
    const { startsAt } = new Calendar("day", "Africa/Cairo").period(at("2026-04-24T12:00:00Z"));
    expect(iso(startsAt)).toBe("2026-04-23T22:00:00.000Z");
  });

  test("periods follow each other without gap or overlap, whatever the zone", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(
          "UTC",
          "Asia/Shanghai",
          "America/New_York",
          "Australia/Lord_Howe",
          "Africa/Cairo",
          "Asia/Beirut",
        ),
        fc.constantFrom("day" as const, "week" as const, "month" as const),
        fc.integer({ min: at("2020-01-01"), max: at("2030-01-01") }),
        (zone, kind, moment) => {
          const calendar = new Calendar(kind, zone);
          const period = calendar.period(moment);
          expect(period.startsAt <= moment && moment < period.endsAt).toBe(true);
          expect(calendar.period(period.endsAt).startsAt).toBe(period.endsAt);
          expect(new Calendar(kind, zone).period(period.startsAt)).toEqual(period);
          expect(calendar.period(period.startsAt - 1).endsAt).toBe(period.startsAt);
        },
      ),
      { numRuns: 300 },
    );
  });
});
