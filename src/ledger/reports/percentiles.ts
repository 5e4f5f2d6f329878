/**
 * Percentiles over many calls. The database sorts up to EXACT_UP_TO calls for exact ones; beyond, it counts
 * them in classes of equal ratio, which needs no memory to speak of, and the middle of the class is the answer.
 */
import { CLASSES_PER_DECADE } from "../../store/facts.ts";

/** Sorting more takes seconds and hundreds of megabytes on a small machine. */
export const EXACT_UP_TO = 250_000;

export const NOTE = `Percentiles over more than ${EXACT_UP_TO.toLocaleString("en")} calls are within 0.6 % of the exact ones.`;

/** Number of calls by class. */
export type Classes = Map<number, number>;

export function addToClass(classes: Classes, index: number, count: number): void {
  classes.set(index, (classes.get(index) ?? 0) + count);
}

/** The `q`-quantile, or null of nothing. */
export function quantileOfClasses(classes: Classes, q: number): number | null {
  const sorted = [...classes].sort(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  const rank = q * (total - 1);
  let seen = 0;
  for (const [index, count] of sorted) {
    seen += count;
    if (rank < seen) return 10 ** ((index + 0.5) / CLASSES_PER_DECADE);
  }
  return null;
}

/** The exact `q`-quantile by linear interpolation, as databases have it, or null of nothing. */
export function quantileOf(sorted: readonly number[], q: number): number | null {
  const at = q * (sorted.length - 1);
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  return low === undefined || high === undefined ? null : low + (high - low) * (at - Math.floor(at));
}
