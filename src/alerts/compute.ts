/** Computes expressions from tracks, as Prometheus would from its series. */
import type { Registry } from "../metrics/registry.ts";
import type { Comparison, Condition, Expression, Leaf } from "./expression.ts";
import type { Total, Track } from "./history.ts";

/** A value for each group of labels (by the group's key), or one without labels. */
export type Vector = ReadonlyMap<string, number>;

export interface Surroundings {
  /** The track of a leaf. */
  track(leaf: Leaf): Track | undefined;
  readonly registry: Registry;
  /** Seconds, by the clock that tracks go by. */
  readonly at: number;
  /** Seconds since the epoch. */
  readonly wallS: number;
}

/** The groups for which all conditions hold, with the value of the first one's left side. */
export function holding(conditions: readonly Condition[], around: Surroundings): Map<string, number> {
  const [first, ...others] = conditions;
  const found = new Map<string, number>();
  if (first === undefined) return found;
  const verdicts = others.map((condition) => compared(condition, around));
  for (const [key, value] of compared(first, around)) {
    if (verdicts.every((verdict) => verdict.has(key))) found.set(key, value);
  }
  return found;
}

function compared({ left, is, right }: Condition, around: Surroundings): Map<string, number> {
  const found = new Map<string, number>();
  const values = compute(left, around);
  const bounds = compute(right, around);
  for (const [key, value] of vectorOf(values)) {
    const bound = typeof bounds === "number" ? bounds : bounds.get(key);
    if (bound !== undefined && COMPARE[is](value, bound)) found.set(key, value);
  }
  return found;
}

const COMPARE: Readonly<Record<Comparison, (a: number, b: number) => boolean>> = {
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  "==": (a, b) => a === b,
};

/** A scalar is the same for every group. */
export function compute(expression: Expression, around: Surroundings): Vector | number {
  switch (expression.op) {
    case "number":
      return expression.value;
    case "now":
      return around.wallS;
    case "+":
    case "-":
    case "*":
    case "/": {
      const { op, left, right } = expression;
      return combined(compute(left, around), compute(right, around), ARITHMETIC[op]);
    }
    default:
      return leafValues(expression, around);
  }
}

const ARITHMETIC = {
  "+": (a: number, b: number) => a + b,
  "-": (a: number, b: number) => a - b,
  "*": (a: number, b: number) => a * b,
  "/": (a: number, b: number) => a / b,
} as const;

function combined(
  left: Vector | number,
  right: Vector | number,
  operate: (a: number, b: number) => number,
): Vector | number {
  if (typeof left === "number" && typeof right === "number") return operate(left, right);
  const result = new Map<string, number>();
  const [keys, other] = typeof left === "number" ? [vectorOf(right), left] : [left, right];
  for (const key of keys.keys()) {
    if (typeof other !== "number" && !other.has(key)) continue;
    const a = typeof left === "number" ? left : (left.get(key) as number);
    const b = typeof right === "number" ? right : (right.get(key) as number);
    result.set(key, operate(a, b));
  }
  return result;
}

function vectorOf(value: Vector | number): Vector {
  return typeof value === "number" ? new Map([["", value]]) : value;
}

function leafValues(leaf: Leaf, around: Surroundings): Vector {
  const track = around.track(leaf);
  if (track === undefined) return new Map();
  switch (leaf.op) {
    case "max":
    case "min":
    case "sum":
      return numbersOf(track.newest?.totals);
    case "rate":
      return growth(track, leaf, around, (total) => Number(total) / leaf.windowS);
    case "increase":
      return growth(track, leaf, around, Number);
    case "quantile": {
      const bounds = around.registry.source(leaf.metric)?.bounds ?? [];
      return growth(track, leaf, around, (total) => quantileOf(leaf.q, total as readonly number[], bounds));
    }
    case "within": {
      const bounds = around.registry.source(leaf.metric)?.bounds ?? [];
      const last = bounds.indexOf(leaf.bound);
      return growth(track, leaf, around, (total) => sum((total as readonly number[]).slice(0, last + 1)));
    }
  }
}

/** What each group has grown by within the window, through `value`; what is no number is left out. */
function growth(
  track: Track,
  leaf: { readonly windowS: number; readonly agoS?: number },
  around: Surroundings,
  value: (total: Total) => number,
): Vector {
  const end = around.at - (leaf.agoS ?? 0);
  // Of a time before the first sample nothing is known; of a window's part before it, nothing had happened.
  if (leaf.agoS !== undefined && leaf.agoS > 0 && !track.reaches(end)) return new Map();
  const result = new Map<string, number>();
  for (const key of track.newest?.totals.keys() ?? []) {
    const grown = value(difference(track.at(end, key), track.at(end - leaf.windowS, key)));
    if (!Number.isNaN(grown)) result.set(key, grown);
  }
  return result;
}

function difference(newer: Total, older: Total): Total {
  if (typeof newer === "number") return Math.max(0, newer - Number(older));
  const before: readonly number[] = typeof older === "number" ? [] : older;
  return newer.map((count, index) => Math.max(0, count - (before[index] ?? 0)));
}

function numbersOf(totals: ReadonlyMap<string, Total> | undefined): Vector {
  const result = new Map<string, number>();
  for (const [key, total] of totals ?? []) if (typeof total === "number") result.set(key, total);
  return result;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

/**
 * The quantile of bucket counts as Prometheus computes it (histogram_quantile): linear within a bucket, the first one
 * from 0, and of the last one, which has no bound, its lower end. NaN when nothing was observed.
 */
export function quantileOf(q: number, counts: readonly number[], bounds: readonly number[]): number {
  const total = sum(counts);
  if (total === 0) return Number.NaN;
  const rank = q * total;
  let below = 0;
  for (const [index, bound] of bounds.entries()) {
    const count = counts[index] ?? 0;
    if (below + count >= rank && count > 0) {
      const start = index === 0 ? Math.min(0, bound) : (bounds[index - 1] ?? 0);
      return start + (bound - start) * ((rank - below) / count);
    }
    below += count;
  }
  return bounds.at(-1) ?? Number.NaN;
}
