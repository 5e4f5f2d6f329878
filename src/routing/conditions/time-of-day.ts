/** The condition on the time of day: what the clock shows in some time zone. */
import { weekdays } from "../../config/defaults.ts";
import type { Condition } from "../condition.ts";

export interface TimeOfDay {
  readonly from: string;
  readonly to: string;
  readonly days?: readonly (typeof weekdays)[number][] | undefined;
  readonly timeZone: string;
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;
/** Clocks are put forward or back at full quarters of an hour. */
const QUARTER_MS = 15 * MINUTE_MS;
/** 1 January 1970 was a Thursday, the fourth of `weekdays`. */
const FIRST_DAY = 3;

/** Minutes since midnight of `09:30`. */
export function minutesOf(text: string): number {
  const [hours = "0", minutes = "0"] = text.split(":");
  return Number(hours) * 60 + Number(minutes);
}

export function timeCondition({ from, to, days, timeZone }: TimeOfDay): Condition {
  const clock = new ZoneClock(timeZone);
  const [start, end] = [minutesOf(from), minutesOf(to)];
  const overnight = end < start;
  const dayWanted = weekdays.map((day) => days === undefined || days.includes(day));
  const holds = (atMs: number): boolean => {
    const { day, minute } = clock.read(atMs);
    if (!overnight) return dayWanted[day] === true && minute >= start && minute < end;
    if (minute >= start) return dayWanted[day] === true;
    return minute < end && dayWanted[(day + 6) % 7] === true;
  };
  return {
    key: "time",
    wants: `${from} to ${to} ${days === undefined ? "" : `${days.join(", ")} `}in ${timeZone}`,
    holds: ({ call }) => holds(call.at),
    found: ({ call }) => {
      const { day, minute } = clock.read(call.at);
      const two = (value: number): string => String(value).padStart(2, "0");
      return `${weekdays[day]} ${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
    },
  };
}

/** The clock of a time zone. What it is ahead is asked once a quarter of an hour: that is slow. */
class ZoneClock {
  readonly #format: Intl.DateTimeFormat;
  #quarter = Number.NaN;
  #aheadMinutes = 0;

  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
  }

  /** Day of the week, Monday 0, and minute of the day. */
  read(atMs: number): { readonly day: number; readonly minute: number } {
    const quarter = Math.floor(atMs / QUARTER_MS);
    if (quarter !== this.#quarter) {
      const parts = this.#format.formatToParts(atMs);
      this.#aheadMinutes = aheadMinutes(parts.find(({ type }) => type === "timeZoneName")?.value ?? "");
      this.#quarter = quarter;
    }
    const local = Math.floor(atMs / MINUTE_MS) + this.#aheadMinutes;
    const days = Math.floor(local / DAY_MINUTES);
    return { day: (((days + FIRST_DAY) % 7) + 7) % 7, minute: local - days * DAY_MINUTES };
  }
}

/** `GMT+08:00` → 480; `GMT` → 0. */
function aheadMinutes(offset: string): number {
  const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)/.exec(offset) ?? [];
  return sign === undefined ? 0 : (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}
