/** Reading an answer on after its client left, so that its usage is exact: capped in bytes and in time. */
import type { DrainLimits } from "../upstreams/upstream.ts";

export class Drain {
  #bytesLeft: number;
  readonly #timer: NodeJS.Timeout;

  constructor(limits: DrainLimits, onTooLong: () => void) {
    this.#bytesLeft = limits.bytes;
    this.#timer = setTimeout(onTooLong, limits.time);
  }

  /** Counts bytes that arrived; true once there are more than allowed. */
  exceededBy(bytes: number): boolean {
    this.#bytesLeft -= bytes;
    return this.#bytesLeft < 0;
  }

  over(): void {
    clearTimeout(this.#timer);
  }
}
