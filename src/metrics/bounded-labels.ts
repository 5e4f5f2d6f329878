/**
 * Keeps label values that a client can influence within a bounded set. An unknown name, or a known one too
 * many, is `other` and is counted; neither memory nor the number of series grows with invented names.
 */
import type { Counter } from "./series.ts";

/** The value of a label that would have been one of too many. */
export const OTHER = "other";

export class BoundedLabels {
  readonly #max: number;
  readonly #overflow: Counter;
  readonly #allowed = new Set<string>();
  readonly #used = new Set<string>();

  /**
   * @param max how many different values may be used, besides `other` and the empty value
   * @param overflow counts each call whose value became `other` (`bellwether_label_overflow_total`)
   */
  constructor(max: number, overflow: Counter) {
    this.#max = max;
    this.#overflow = overflow;
  }

  /** Allows more names, from a source that clients cannot influence: configuration, prices, an upstream's list. */
  allow(names: Iterable<string>): void {
    for (const name of names) this.#allowed.add(name);
  }

  allows(name: string): boolean {
    return this.#allowed.has(name);
  }

  /** True when not one more value can come into use. */
  get full(): boolean {
    return this.#used.size >= this.#max;
  }

  /** The label value for a name: itself, or `other`. A call without a name has the empty value. */
  value(name: string): string {
    if (name === "" || this.#used.has(name)) return name;
    if (this.#allowed.has(name) && !this.full) {
      this.#used.add(name);
      return name;
    }
    this.#overflow.inc();
    return OTHER;
  }
}
