/** How fast a balance falls, from its last readings. */

/** As much of the past as counts, in milliseconds. */
const WINDOW_MS = 6 * 3_600_000;
const MAX_READINGS = 360;
/** Readings that are closer together say little. */
const MIN_SPAN_MS = 60_000;

interface Reading {
  readonly at: number;
  readonly balance: number;
}

export class BurnRate {
  #readings: Reading[] = [];

  /** `at` is in milliseconds since the epoch. */
  add(at: number, balance: number): void {
    const last = this.#readings.at(-1);
    // A wall clock that was set back: what it said before cannot be compared.
    if (last !== undefined && at <= last.at) this.#readings = [];
    this.#readings.push({ at, balance });
    const first = this.#readings.findIndex((reading) => reading.at >= at - WINDOW_MS);
    this.#readings = this.#readings.slice(Math.max(first, this.#readings.length - MAX_READINGS));
  }

  /** Units per second, never negative: top-ups are left out. Undefined while too little is known. */
  perSecond(): number | undefined {
    const [first] = this.#readings;
    const last = this.#readings.at(-1);
    if (first === undefined || last === undefined || last.at - first.at < MIN_SPAN_MS) return undefined;
    let fallen = 0;
    let before = first.balance;
    for (const { balance } of this.#readings) {
      if (balance < before) fallen += before - balance;
      before = balance;
    }
    return (fallen * 1000) / (last.at - first.at);
  }

  /** Milliseconds since the epoch at which nothing is left; undefined when it does not fall. */
  exhaustedAt(): number | undefined {
    const rate = this.perSecond();
    const last = this.#readings.at(-1);
    if (rate === undefined || rate === 0 || last === undefined) return undefined;
    return last.at + (Math.max(0, last.balance) / rate) * 1000;
  }
}
