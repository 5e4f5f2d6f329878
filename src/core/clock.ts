/**
 * Time, in two kinds that must not be mixed: wall-clock milliseconds say *when* and may jump;
 * monotonic milliseconds say *how long* and never do.
 */

export interface Clock {
  /** Milliseconds since the epoch. */
  wall(): number;
  /** Milliseconds, with a sub-millisecond fraction, from an arbitrary start; never goes back. */
  monotonic(): number;
}

/** Looked up once: in Node.js the global is a getter, which each use would call. */
const { performance } = globalThis;

export const systemClock: Clock = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
};
