/**
 * Times as people write them: `7d`, `today`, `last-month`, `2026-03`, `2026-03-13`, `2026-03-13T17:00Z`.
 * Each is a stretch of time: a range begins where its first begins, and ends where its last ends, so that
 * `--from 2026-03-01 --to 2026-03-31` is all of March.
 */
import type { TimeUnit } from "./report.ts";
import { addUnits, DAY_MS, HOUR_MS, localTime, momentOf, startOf, startOfDay } from "./time-zone.ts";

/** [from, to) in milliseconds since the epoch. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

export const TIME_FORMS =
  "7d, 24h, 30m or 2w (ago), now, today, yesterday, week, last-week, month, last-month, year, 2026-03, 2026-03-13 or 2026-03-13T17:00Z";

/** No ledger reaches farther, and dates beyond are mistakes. */
const FIRST_YEAR = 2000;
const LAST_YEAR = 2100;

const AGO: Readonly<Record<string, number>> = { m: 60_000, h: HOUR_MS, d: DAY_MS, w: 7 * DAY_MS };

/** Named stretches: the unit, and how many units before the present one. */
const NAMED: Readonly<Record<string, readonly [TimeUnit, number]>> = {
  today: ["day", 0],
  yesterday: ["day", 1],
  week: ["week", 0],
  "this-week": ["week", 0],
  "last-week": ["week", 1],
  month: ["month", 0],
  "this-month": ["month", 0],
  "last-month": ["month", 1],
};

/** The stretch that a text means, or undefined when it means none. A moment is a stretch that ends where it begins. */
export function parseTime(text: string, now: number, timeZone: string): TimeRange | undefined {
  const word = text.trim().toLowerCase().replace(/_/g, "-");
  if (word === "now") return { from: now, to: now };
  const [, amount, unit = ""] = /^(\d{1,6})([mhdw])$/.exec(word) ?? [];
  const size = AGO[unit];
  if (size !== undefined) {
    const at = now - Number(amount) * size;
    return { from: at, to: at };
  }
  if (word === "year" || word === "this-year") {
    const { year } = localTime(now, timeZone);
    const first = { month: 1, day: 1 };
    return {
      from: startOfDay({ year, ...first }, timeZone),
      to: startOfDay({ year: year + 1, ...first }, timeZone),
    };
  }
  const named = Object.hasOwn(NAMED, word) ? NAMED[word] : undefined;
  if (named !== undefined) {
    const from = addUnits(named[0], startOf(named[0], now, timeZone), -named[1], timeZone);
    return { from, to: addUnits(named[0], from, 1, timeZone) };
  }
  return parseDate(text.trim(), timeZone);
}

const DATE =
  /^(\d{4})-(\d{2})(?:-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?)?$/i;

function parseDate(text: string, timeZone: string): TimeRange | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 1)];
  const [hour, minute, second] = [Number(match[4] ?? 0), Number(match[5] ?? 0), Number(match[6] ?? 0)];
  if (year < FIRST_YEAR || year > LAST_YEAR || month < 1 || month > 12 || !isDay(year, month, day))
    return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  if (match[3] === undefined) {
    const from = startOfDay({ year, month, day: 1 }, timeZone);
    return { from, to: addUnits("month", from, 1, timeZone) };
  }
  if (match[4] === undefined) {
    const from = startOfDay({ year, month, day }, timeZone);
    return { from, to: addUnits("day", from, 1, timeZone) };
  }
  const zone = match[7];
  const at =
    zone === undefined
      ? momentOf({ year, month, day, hour, minute, second }, timeZone)
      : Date.UTC(year, month - 1, day, hour, minute, second) - offsetOf(zone);
  return { from: at, to: at };
}

function isDay(year: number, month: number, day: number): boolean {
  return day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function offsetOf(zone: string): number {
  if (/^z$/i.test(zone)) return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return (zone.startsWith("-") ? -minutes : minutes) * 60_000;
}
