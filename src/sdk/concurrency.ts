/** The app's own cap on calls in flight: further ones wait their turn, or are turned away. */
import type { ConcurrencyOptions } from "./options.ts";

export class Concurrency {
  readonly limit: number;
  readonly #rejects: boolean;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(options: number | ConcurrencyOptions) {
    const { limit, whenFull } = typeof options === "number" ? { limit: options } : options;
    this.limit = limit;
    this.#rejects = whenFull === "reject";
  }

  /**
   * Takes a place, now (true) or in its turn; false when the call is turned away. Give the place back by
   * `leave`. Rejects with the signal's reason when it is aborted while it waits.
   */
  enter(signal: AbortSignal | undefined): boolean | Promise<true> {
    if (this.#taken < this.limit) {
      this.#taken++;
      return true;
    }
    return this.#rejects ? false : this.#wait(signal);
  }

  leave(): void {
    const next = this.#waiting.shift();
    // The place goes on to whoever waits longest.
    if (next === undefined) this.#taken--;
    else next();
  }

  #wait(signal: AbortSignal | undefined): Promise<true> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        signal?.removeEventListener("abort", giveUp);
        resolve(true);
      };
      const giveUp = (): void => {
        const at = this.#waiting.indexOf(enter);
        if (at !== -1) this.#waiting.splice(at, 1);
        reject(signal?.reason);
      };
      if (signal?.aborted === true) return giveUp();
      signal?.addEventListener("abort", giveUp, { once: true });
      this.#waiting.push(enter);
    });
  }
}
