/**
 * Watches one figure and tells whether it is above its bound, without wavering: it has to be above for a while before
 * the watch is on, and well for a while, below a lower bound, before it is off again.
 */

export interface WatchBounds {
  readonly above: number;
  /** No more than this is well again; at most `above`. */
  readonly below: number;
  readonly forMs: number;
  readonly recoverMs: number;
  /** With fewer calls nothing is told from the figure. */
  readonly minCalls: number;
  /** While it is on, this share of calls goes on as without it. */
  readonly trial: number;
}

/** A figure, and of how many calls it is. */
export interface Figure {
  readonly value: number;
  readonly calls: number;
}

/** Of the few calls that are let through while a watch is on, so many tell something. */
const FEW = 3;

export class Watch {
  readonly bounds: WatchBounds;
  #on = false;
  /** Since when the figure asks for the other state. */
  #since: number | undefined;
  #changedAt: number | undefined;
  #last: number | undefined;
  #passed = 0;

  constructor(bounds: WatchBounds) {
    this.bounds = bounds;
  }

  get on(): boolean {
    return this.#on;
  }

  /** When it last went on or off, in the clock's milliseconds; undefined when it never did. */
  get changedAt(): number | undefined {
    return this.#changedAt;
  }

  /** The figure as it was last seen; undefined when there were too few calls. */
  get last(): number | undefined {
    return this.#last;
  }

  /** Looks at the figure as it is now. To be called about once a second. */
  tick(nowMs: number, { value, calls }: Figure): void {
    const { above, below, forMs, recoverMs, minCalls } = this.bounds;
    const enough = calls >= (this.#on ? Math.min(FEW, minCalls) : minCalls);
    this.#last = enough ? value : undefined;
    const changes = this.#on ? !enough || value <= below : enough && value > above;
    if (!changes) {
      this.#since = undefined;
      return;
    }
    this.#since ??= nowMs;
    if (nowMs - this.#since < (this.#on ? recoverMs : forMs)) return;
    this.#on = !this.#on;
    this.#changedAt = nowMs;
    this.#since = undefined;
    this.#passed = 0;
  }

  /** Whether this call is one of the few that go on as without the watch. */
  takesTrial(): boolean {
    const { trial } = this.bounds;
    if (trial === 0) return false;
    const every = Math.round(1 / trial);
    this.#passed = (this.#passed + 1) % every;
    return this.#passed === 0;
  }
}
