/** A day of people at work, and what goes wrong in it. Pure: the hour in, how much and how well out. */

/** How the upstream of the incident is. */
export type Phase = "well" | "slow" | "failing" | "recovering";

/** When the day begins that a demo shows: the morning, so that traffic grows. */
const FIRST_HOUR = 8;
/** The incident: the hour from which on each phase holds. */
const INCIDENT: readonly (readonly [from: number, phase: Phase])[] = [
  [0, "well"],
  [10.5, "slow"],
  [11.25, "failing"],
  [12, "recovering"],
  [12.5, "well"],
];

/** Saturday and Sunday are quiet; the mean of a week is 1. */
const WEEKDAYS = [0.35, 1.24, 1.24, 1.24, 1.24, 1.24, 0.45];

/** The hour of the day, 0 to 24, `elapsedMs` after the demo began, when a day takes `dayMs`. */
export function hourAt(elapsedMs: number, dayMs: number): number {
  return (FIRST_HOUR + (24 * elapsedMs) / dayMs) % 24;
}

/** Traffic as a multiple of the day's mean: least at three in the night, most at three in the afternoon. */
export function shareOfHour(hour: number): number {
  return 1 + 0.75 * Math.cos(((hour - 15) / 24) * 2 * Math.PI);
}

/** @param weekday 0 is Sunday */
export function shareOfWeekday(weekday: number): number {
  return WEEKDAYS[weekday] ?? 1;
}

export function phaseAt(hour: number): Phase {
  return INCIDENT.findLast(([from]) => hour >= from)?.[1] ?? "well";
}
