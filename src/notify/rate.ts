/** A sliding window: at most so many events in any span of so many milliseconds. */

export class SlidingWindow {
  readonly #most: number;
  readonly #perMs: number;
  /** Times of the latest events, the oldest first; never more than `most`. */
  readonly #times: number[] = [];

  constructor({ messages, perMs }: { readonly messages: number; readonly perMs: number }) {
    this.#most = messages;
    this.#perMs = perMs;
  }

  /** Milliseconds until another event is allowed; 0 when one is allowed now. */
  waitMs(now: number): number {
    const oldest = this.#times[0];
    return oldest === undefined || this.#times.length < this.#most
      ? 0
      : Math.max(0, oldest + this.#perMs - now);
  }

  note(now: number): void {
    this.#times.push(now);
    if (this.#times.length > this.#most) this.#times.shift();
  }
}
