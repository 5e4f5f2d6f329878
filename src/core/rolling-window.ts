/** The calls of a last minute or so: how long they took, and how many failed. Memory and time do not grow with their number. */

const SLICES = 12;
/** Durations are kept to within five percent, from a millisecond to a quarter of an hour. */
const GROWTH = 1.1;
const BUCKETS = Math.ceil(Math.log(900_000) / Math.log(GROWTH)) + 1;

interface Slice {
  /** Number of slices since the clock's beginning. */
  at: number;
  calls: number;
  failed: number;
  timed: number;
  readonly buckets: Uint32Array;
}

export class RollingWindow {
  readonly #sliceMs: number;
  readonly #slices: Slice[] = Array.from({ length: SLICES }, () => ({
    ...{ at: -1, calls: 0, failed: 0, timed: 0 },
    buckets: new Uint32Array(BUCKETS),
  }));

  constructor(lengthMs = 60_000) {
    this.#sliceMs = lengthMs / SLICES;
  }

  /** A call has ended. `ms` is undefined where there is nothing to measure; times of failed calls do not count. */
  add(nowMs: number, ms: number | undefined, failed: boolean): void {
    const at = Math.floor(nowMs / this.#sliceMs);
    const slice = this.#slices[at % SLICES];
    if (slice === undefined) return;
    if (slice.at !== at) {
      slice.at = at;
      slice.calls = 0;
      slice.failed = 0;
      slice.timed = 0;
      slice.buckets.fill(0);
    }
    slice.calls++;
    if (failed) slice.failed++;
    if (failed || ms === undefined) return;
    slice.timed++;
    const bucket = bucketOf(ms);
    slice.buckets[bucket] = (slice.buckets[bucket] ?? 0) + 1;
  }

  /** The share of calls that failed, and how many calls there were. */
  errors(nowMs: number): { readonly share: number; readonly calls: number } {
    let calls = 0;
    let failed = 0;
    for (const slice of this.#recent(nowMs)) {
      calls += slice.calls;
      failed += slice.failed;
    }
    return { share: calls === 0 ? 0 : failed / calls, calls };
  }

  /** A quantile of the times, in milliseconds, to within five percent; and of how many calls. */
  quantile(nowMs: number, q: number): { readonly ms: number; readonly calls: number } {
    const slices = this.#recent(nowMs);
    const calls = slices.reduce((sum, { timed }) => sum + timed, 0);
    let left = Math.max(1, Math.ceil(calls * q));
    if (calls === 0) return { ms: 0, calls };
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      for (const { buckets } of slices) left -= buckets[bucket] ?? 0;
      if (left <= 0) return { ms: GROWTH ** (bucket + 0.5), calls };
    }
    return { ms: GROWTH ** BUCKETS, calls };
  }

  #recent(nowMs: number): readonly Slice[] {
    const at = Math.floor(nowMs / this.#sliceMs);
    return this.#slices.filter((slice) => slice.at > at - SLICES && slice.at <= at);
  }
}

function bucketOf(ms: number): number {
  if (!(ms > 1)) return 0;
  return Math.min(BUCKETS - 1, Math.floor(Math.log(ms) / Math.log(GROWTH)));
}
