/**
 * The things that are counted on. A caller resolves one of these once and then only touches a plain
 * object's fields: no label is looked at, joined or hashed when something is observed.
 */
import type { Pico } from "../core/money.ts";
import type { HistogramPoint, SampleValue } from "./family.ts";

/** Anything that can be read at a scrape. */
export interface Readable {
  read(): SampleValue;
}

export class Counter implements Readable {
  #value = 0;

  /** `by` must not be negative. */
  inc(by = 1): void {
    this.#value += by;
  }

  read(): number {
    return this.#value;
  }
}

/** A counter of money, exact however long it runs. */
export class MoneyCounter implements Readable {
  #pico: Pico = 0n;

  inc(by: Pico): void {
    this.#pico += by;
  }

  read(): Pico {
    return this.#pico;
  }
}

export class Gauge implements Readable {
  #value = 0;
  #source: (() => number) | undefined;

  set(value: number): void {
    this.#value = value;
  }

  inc(): void {
    this.#value++;
  }

  dec(): void {
    this.#value--;
  }

  /** From now on the value is asked of `source` at each scrape. */
  readFrom(source: () => number): void {
    this.#source = source;
  }

  read(): number {
    return this.#source === undefined ? this.#value : this.#source();
  }
}

export class Histogram implements Readable {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  /** `bounds` ascend; each is inclusive. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  /** What is not a number is not counted. */
  observe(value: number): void {
    if (Number.isNaN(value)) return;
    const bounds = this.#bounds;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= (bounds[middle] ?? 0)) high = middle;
      else low = middle + 1;
    }
    this.#counts[low] = (this.#counts[low] ?? 0) + 1;
    this.#sum += value;
  }

  /** Valid until the next observation. */
  read(): HistogramPoint {
    return { counts: this.#counts, sum: this.#sum };
  }
}
