/**
 * Keeps retries from making an upstream's trouble worse: over time at most one in ten of its calls is a
 * retry, however many calls fail.
 */

/** What each call adds to the retries that may be made, and how many may be saved up. */
const PER_CALL = 0.1;
const MOST_SAVED = 10;

export class RetryBudgets {
  readonly #saved = new Map<string, number>();

  /** A call goes to this upstream for the first time. */
  called(upstream: string): void {
    const saved = this.#saved.get(upstream) ?? MOST_SAVED;
    if (saved < MOST_SAVED) this.#saved.set(upstream, Math.min(MOST_SAVED, saved + PER_CALL));
  }

  /** Whether one more retry may be made; it is taken as made. */
  mayRetry(upstream: string): boolean {
    const saved = this.#saved.get(upstream) ?? MOST_SAVED;
    if (saved < 1) return false;
    this.#saved.set(upstream, saved - 1);
    return true;
  }
}
