/**
 * Calendar arithmetic in a time zone: minutes, hours, days, weeks from Monday and months as people there count them,
 * daylight saving included. Times are milliseconds since the epoch.
 */
import type { TimeUnit } from "./report.ts";

export interface CalendarDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
}

export interface LocalTime extends CalendarDate {
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * The name as it is written in the time zone database, or undefined when there is no such zone. Offsets
 * (`+08:00`), which not every database understands, are none.
 */
export function checkedTimeZone(name: string): string | undefined {
  if (!/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/.test(name) || name.length > 64) return undefined;
  try {
    const { timeZone } = new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions();
    return timeZone;
  } catch {
    return undefined;
  }
}

/** What the clocks there show. */
export function localTime(at: number, timeZone: string): LocalTime {
  const parts: Record<string, number> = {};
  for (const { type, value } of formatOf(timeZone).formatToParts(at)) parts[type] = Number(value);
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return { year, month, day, hour, minute, second };
}

/** The moment at which the clocks there show this time; the first after it where they skip it, the first of two. */
export function momentOf(local: LocalTime, timeZone: string): number {
  const asUtc = Date.UTC(local.year, local.month - 1, local.day, local.hour, local.minute, local.second);
  // The offset a day before and a day after are all that can hold at that time.
  const earlier = offsetAt(asUtc - DAY_MS, timeZone);
  const later = offsetAt(asUtc + DAY_MS, timeZone);
  for (const offset of [Math.max(earlier, later), Math.min(earlier, later)]) {
    const moment = asUtc - offset;
    if (offsetAt(moment, timeZone) === offset) return moment;
  }
  return asUtc - earlier;
}

export function startOfDay({ year, month, day }: CalendarDate, timeZone: string): number {
  return momentOf({ year, month, day, hour: 0, minute: 0, second: 0 }, timeZone);
}

/** The start of the unit that `at` lies in. */
export function startOf(unit: TimeUnit, at: number, timeZone: string): number {
  const local = localTime(at, timeZone);
  switch (unit) {
    case "minute":
      return Math.floor(at / MINUTE_MS) * MINUTE_MS;
    case "hour":
      return at - (((at % 1000) + 1000) % 1000) - local.second * 1000 - local.minute * 60_000;
    case "day":
      return startOfDay(local, timeZone);
    case "week": {
      const { year, month, day } = local;
      const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay();
      return startOfDay({ year, month, day: day - ((weekday + 6) % 7) }, timeZone);
    }
    case "month":
      return startOfDay({ ...local, day: 1 }, timeZone);
  }
}

/** The start of the unit that lies `count` units after the one that begins at `start`. */
export function addUnits(unit: TimeUnit, start: number, count: number, timeZone: string): number {
  if (unit === "minute") return start + count * MINUTE_MS;
  if (unit === "hour") return start + count * HOUR_MS;
  const { year, month, day } = localTime(start, timeZone);
  if (unit === "month") return startOfDay({ year, month: month + count, day: 1 }, timeZone);
  return startOfDay({ year, month, day: day + count * (unit === "week" ? 7 : 1) }, timeZone);
}

/** The starts of all units that touch [from, to). */
export function startsBetween(unit: TimeUnit, from: number, to: number, timeZone: string): number[] {
  const starts: number[] = [];
  for (let at = startOf(unit, from, timeZone); at < to; at = addUnits(unit, at, 1, timeZone)) starts.push(at);
  return starts;
}

/** How far the clocks there are ahead of UTC, in milliseconds. */
export function offsetAt(moment: number, timeZone: string): number {
  const { year, month, day, hour, minute, second } = localTime(moment, timeZone);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(moment / 1000) * 1000;
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-u-ca-iso8601", {
      timeZone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(timeZone, format);
  }
  return format;
}
