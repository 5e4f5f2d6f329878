/**
 * The time limits of all exchanges in flight, kept by one timer. It rings at the earliest limit and is then
 * set for the earliest of those left, so that a call that stays within its limits costs no timer at all.
 */

export interface Timed {
  /** Monotonic milliseconds: when it must be looked at. */
  deadline(): number;
  /** Acts on limits that are reached. */
  checkLimits(now: number): void;
}

/** Limits that are due within so many milliseconds of each other are looked at together. */
const GRAIN_MS = 5;

export class Deadlines {
  readonly #inFlight = new Set<Timed>();
  #timer: NodeJS.Timeout | undefined;
  #ringsAt = Number.POSITIVE_INFINITY;
  readonly #ring = (): void => this.#look();

  add(timed: Timed, now: number): void {
    this.#inFlight.add(timed);
    this.consider(timed.deadline(), now);
    // While something is in flight the process stays: sockets alone do not hold it.
    if (this.#inFlight.size === 1) this.#timer?.ref();
  }

  delete(timed: Timed): void {
    if (this.#inFlight.delete(timed) && this.#inFlight.size === 0) this.#timer?.unref();
  }

  /** A limit has become nearer, perhaps nearer than all others. */
  consider(deadline: number, now: number): void {
    if (deadline >= this.#ringsAt) return;
    clearTimeout(this.#timer);
    this.#ringsAt = deadline;
    this.#timer = setTimeout(this.#ring, Math.max(1, Math.ceil(deadline - now)));
  }

  #look(): void {
    this.#timer = undefined;
    this.#ringsAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    let earliest = Number.POSITIVE_INFINITY;
    for (const timed of this.#inFlight) {
      if (timed.deadline() <= now) timed.checkLimits(now);
      if (this.#inFlight.has(timed)) earliest = Math.min(earliest, timed.deadline());
    }
    if (earliest < this.#ringsAt) this.consider(Math.max(earliest, now + GRAIN_MS), now);
  }
}
