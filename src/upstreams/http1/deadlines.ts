/**
 * The time limits of all exchanges in flight, kept by one timer. It rings at the earliest limit and is then
 * set for the earliest of those left, so that a call that stays within its limits costs no timer at all.
 *
 * A process that was kept from running, by a busy machine or by itself, has both before it when it goes on: the limit
 * that has passed, and what came in time but has not been read yet. So a limit strikes only when the sockets have been
 * read once more after it was reached.
 */

export interface Timed {
  /** Where it stands among those in flight; kept by `Deadlines` alone. */
  place: number;
  /** Monotonic milliseconds: when it must be looked at. */
  deadline(): number;
  /** Acts on limits that are reached. */
  checkLimits(now: number): void;
}

/** Limits that are due within so many milliseconds of each other are looked at together. */
const GRAIN_MS = 5;

/** `place` of what is not in flight. */
export const NOWHERE = -1;

export class Deadlines {
  /**
   * A list rather than a set: a set makes itself a new table every hundred calls or so, and each old table keeps
   * what was in flight then, with all that hangs on it, from being collected young.
   */
  readonly #inFlight: Timed[] = [];
  #timer: NodeJS.Timeout | undefined;
  #ringsAt = Number.POSITIVE_INFINITY;
  readonly #ring = (): void => {
    this.#timer = undefined;
    // A limit that becomes nearer meanwhile is seen by that look.
    this.#ringsAt = Number.NEGATIVE_INFINITY;
    // Runs when all that has arrived has been read.
    setImmediate(this.#look, performance.now());
  };

  add(timed: Timed, now: number): void {
    timed.place = this.#inFlight.push(timed) - 1;
    this.consider(timed.deadline(), now);
    // While something is in flight the process stays: sockets alone do not hold it.
    if (this.#inFlight.length === 1) this.#timer?.ref();
  }

  delete(timed: Timed): void {
    const { place } = timed;
    if (place === NOWHERE) return;
    timed.place = NOWHERE;
    // The last one takes its place.
    const last = this.#inFlight.pop();
    if (last !== undefined && last !== timed) {
      last.place = place;
      this.#inFlight[place] = last;
    }
    if (this.#inFlight.length === 0) this.#timer?.unref();
  }

  /** A limit has become nearer, perhaps nearer than all others. */
  consider(deadline: number, now: number): void {
    if (deadline >= this.#ringsAt) return;
    clearTimeout(this.#timer);
    this.#ringsAt = deadline;
    this.#timer = setTimeout(this.#ring, Math.max(1, Math.ceil(deadline - now)));
  }

  /** @param rangAt monotonic milliseconds: limits reached by then were reached before the sockets were read. */
  readonly #look = (rangAt: number): void => {
    this.#ringsAt = Number.POSITIVE_INFINITY;
    let earliest = Number.POSITIVE_INFINITY;
    // From the end: whatever takes the place of one that ends has been looked at, or has only just begun.
    for (let at = this.#inFlight.length - 1; at >= 0; at--) {
      const timed = this.#inFlight[at];
      if (timed === undefined) continue;
      if (timed.deadline() <= rangAt) timed.checkLimits(rangAt);
      if (timed.place !== NOWHERE) earliest = Math.min(earliest, timed.deadline());
    }
    if (earliest >= this.#ringsAt) return;
    const now = performance.now();
    this.consider(Math.max(earliest, now + GRAIN_MS), now);
  };
}
