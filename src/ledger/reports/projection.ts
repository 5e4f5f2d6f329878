/**
 * What a month will have cost when it ends. Pure: hours of spending in, an estimate with its range out.
 *
 * With two weeks of history: seasonal. Each hour of the week (168 of them) is expected to cost what that hour
 * cost on average in the last eight weeks; the hours left in the month are added up. Traffic of people has
 * that shape: quiet nights, quiet weekends. With less history: linear, the average hour so far times the hours left.
 *
 * The range holds 80 of 100 months if days differ from their expectation independently of each other: with s the
 * standard deviation of the days observed from what the model says of them, d the days left and m the days
 * observed, the sum of what is left has the variance s²·d (the days still differ) + s²·d²/m (the average itself is
 * only estimated), and 1.2816 standard deviations to either side hold 80 %. A price change or a new
 * application is no chance variation; no range tells of those.
 */
import type { Pico } from "../../core/money.ts";
import { DAY_MS, HOUR_MS, localTime } from "./time-zone.ts";

export interface HourlyCost {
  /** Start of the hour, milliseconds since the epoch. */
  readonly start: number;
  readonly cost: Pico;
}

export interface ProjectionInput {
  /** Hours with spending, in any order, whole hours from each other; hours that are not here cost nothing. */
  readonly hours: readonly HourlyCost[];
  /** When the ledger begins: what lies before is unknown, not free. */
  readonly firstCall: number;
  readonly monthStart: number;
  readonly monthEnd: number;
  readonly now: number;
  readonly timeZone: string;
}

export interface Projection {
  readonly method: "seasonal" | "linear";
  readonly soFar: Pico;
  readonly expected: Pico;
  /** Undefined with fewer than two whole days to judge by. */
  readonly range: { readonly low: Pico; readonly high: Pico } | undefined;
}

/** How far back averages look: long enough to be steady, short enough to follow growth. */
export const HISTORY_MS = 56 * DAY_MS;
const SEASONAL_MS = 14 * DAY_MS;

/** The 90th percentile of the normal distribution: 80 % lie within this many standard deviations. */
const Z_80 = 1.2816;

export function project(input: ProjectionInput): Projection {
  const { hours, firstCall, monthStart, monthEnd, now, timeZone } = input;
  const soFar = hours
    .filter(({ start }) => start >= monthStart && start < monthEnd)
    .reduce((sum, { cost }) => sum + cost, 0n);
  const phase = (hours[0]?.start ?? 0) % HOUR_MS;
  const hourOf = (at: number): number => Math.floor((at - phase) / HOUR_MS) * HOUR_MS + phase;
  // Whole hours only: the one that is running is not over.
  const end = hourOf(now);
  const begin = Math.max(hourOf(firstCall + HOUR_MS - 1), end - HISTORY_MS);
  const spent = new Map(hours.map(({ start, cost }) => [start, Number(cost)]));
  const observed: { start: number; cost: number; slot: number }[] = [];
  for (let start = begin; start < end; start += HOUR_MS) {
    observed.push({ start, cost: spent.get(start) ?? 0, slot: hourOfWeek(start, timeZone) });
  }
  if (observed.length === 0) {
    // No whole hour of history: what there is counts as an hour's, so that a first burst promises no fortune.
    const elapsed = Math.max(now - firstCall, HOUR_MS);
    const left = (Number(soFar) * Math.max(0, monthEnd - now)) / elapsed;
    return { method: "linear", soFar, expected: soFar + whole(left), range: undefined };
  }
  const seasonal = end - begin >= SEASONAL_MS;
  const expectation = seasonal ? bySlot(observed) : byAverage(observed);
  let left = 0;
  for (let start = now; start < monthEnd; ) {
    const hour = hourOf(start);
    const next = Math.min(hour + HOUR_MS, monthEnd);
    left += expectation(hourOfWeek(hour, timeZone)) * ((next - start) / HOUR_MS);
    start = next;
  }
  const expected = soFar + whole(left);
  const method = seasonal ? "seasonal" : "linear";
  const deviation = dailyDeviation(observed, expectation);
  if (deviation === undefined) return { method, soFar, expected, range: undefined };
  const daysLeft = Math.max(0, monthEnd - now) / DAY_MS;
  const daysSeen = observed.length / 24;
  const spread = whole(Z_80 * deviation * Math.sqrt(daysLeft + daysLeft ** 2 / daysSeen));
  const low = expected - spread;
  // What is spent is spent.
  return { method, soFar, expected, range: { low: low > soFar ? low : soFar, high: expected + spread } };
}

interface Observed {
  readonly cost: number;
  readonly slot: number;
}

function byAverage(observed: readonly Observed[]): (slot: number) => number {
  const average = observed.reduce((sum, { cost }) => sum + cost, 0) / observed.length;
  return () => average;
}

function bySlot(observed: readonly Observed[]): (slot: number) => number {
  const sums = new Float64Array(168);
  const counts = new Uint16Array(168);
  for (const { slot, cost } of observed) {
    sums[slot] = (sums[slot] ?? 0) + cost;
    counts[slot] = (counts[slot] ?? 0) + 1;
  }
  return (slot) => (sums[slot] ?? 0) / Math.max(1, counts[slot] ?? 0);
}

/** Standard deviation of whole days (24 observed hours, back from now) from their expectation. */
function dailyDeviation(
  observed: readonly Observed[],
  expectation: (slot: number) => number,
): number | undefined {
  const days = Math.floor(observed.length / 24);
  if (days < 2) return undefined;
  let squares = 0;
  for (let day = 0; day < days; day++) {
    const end = observed.length - day * 24;
    let difference = 0;
    for (const { cost, slot } of observed.slice(end - 24, end)) difference += cost - expectation(slot);
    squares += difference ** 2;
  }
  return Math.sqrt(squares / (days - 1));
}

/** Calendars are slow, and the same two thousand hours are asked for again and again. */
const known = new Map<string, number>();
const MOST_KNOWN = 20_000;

/** Of an hour that begins at `start`; 0 is Monday's first. */
function hourOfWeek(start: number, timeZone: string): number {
  const key = `${start} ${timeZone}`;
  let found = known.get(key);
  if (found === undefined) {
    const { year, month, day, hour } = localTime(start, timeZone);
    const weekday = (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;
    found = weekday * 24 + hour;
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(key, found);
  }
  return found;
}

function whole(pico: number): Pico {
  return BigInt(Math.round(pico));
}
