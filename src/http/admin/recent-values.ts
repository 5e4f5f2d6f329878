/**
 * Percentiles of what was seen in the last while, at a cost that does not grow with how much was seen: values are
 * counted in classes of equal ratio, and what grows old is taken off again.
 */

/** Neighbouring classes differ by 1.16 %, so that a class's middle is at most 0.58 % off. */
const CLASSES_PER_DECADE = 200;
/** From a hundredth of a millisecond to a day, in milliseconds. */
const SMALLEST_DECADE = -2;
const DECADES = 10;
const CLASSES = DECADES * CLASSES_PER_DECADE;

/** How often each class was seen in one stretch of time. */
export type Seen = Map<number, number>;

export class RecentValues {
  readonly #counts = new Uint32Array(CLASSES);
  #total = 0;

  /** Counts a value, in `seen` too, so that it can be taken off with all that is seen there. */
  add(value: number, seen: Seen): void {
    const place = Math.floor((Math.log10(value) - SMALLEST_DECADE) * CLASSES_PER_DECADE);
    // Of 0 and what is no number the logarithm is none.
    const index = place > 0 ? Math.min(place, CLASSES - 1) : 0;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#total++;
    seen.set(index, (seen.get(index) ?? 0) + 1);
  }

  /** Takes off what was seen in a stretch of time that is over. */
  take(seen: Seen): void {
    for (const [index, count] of seen) {
      this.#counts[index] = (this.#counts[index] ?? 0) - count;
      this.#total -= count;
    }
  }

  /** Null of nothing. `qs` ascend. */
  quantiles(qs: readonly number[]): (number | null)[] {
    if (this.#total === 0) return qs.map(() => null);
    const found: number[] = [];
    let seen = 0;
    for (let index = 0; index < CLASSES && found.length < qs.length; index++) {
      seen += this.#counts[index] ?? 0;
      while (found.length < qs.length && (qs[found.length] ?? 1) * (this.#total - 1) < seen) {
        found.push(10 ** ((index + 0.5) / CLASSES_PER_DECADE + SMALLEST_DECADE));
      }
    }
    return found;
  }
}
