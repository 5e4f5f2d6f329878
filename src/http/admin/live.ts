/** The last minute of traffic, second by second, for figures that move while one looks. */
import type { Clock } from "../../core/clock.ts";
import type { Recorder, Usage } from "../../usage/usage.ts";
import type { LiveRow } from "../api.ts";

const SECONDS = 60;
/** Of one second so many durations are kept, drawn by chance: enough for percentiles of a minute. */
const SAMPLES = 128;

interface Count {
  calls: number;
  failed: number;
}

class Sample {
  readonly #values: number[] = [];
  #seen = 0;

  /** Each value that was ever added is kept with the same probability. */
  add(value: number): void {
    this.#seen++;
    if (this.#values.length < SAMPLES) this.#values.push(value);
    else {
      const place = Math.floor(Math.random() * this.#seen);
      if (place < SAMPLES) this.#values[place] = value;
    }
  }

  get values(): readonly number[] {
    return this.#values;
  }
}

interface Second extends Count {
  /** Whole seconds of the monotonic clock. */
  readonly at: number;
  tokens: number;
  readonly durations: Sample;
  readonly firstTokens: Sample;
  /** By configured names, so that clients cannot make them many. */
  readonly upstreams: Map<string, Count>;
  readonly apps: Map<string, Count>;
}

export interface LiveFigures {
  readonly callsPerSecond: number;
  /** 0 to 1; null without calls. */
  readonly errorRate: number | null;
  /** Milliseconds; null without calls. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly firstTokenP50: number | null;
  readonly firstTokenP95: number | null;
  readonly tokensPerSecond: number;
  /** Calls of each of the last 60 seconds, the newest last. */
  readonly calls: readonly number[];
}

export class LiveTraffic implements Recorder {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #seconds: Second[] = Array.from({ length: SECONDS }, () => emptySecond(-1));

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  started(): void {
    // Only what has ended counts.
  }

  settled(usage: Usage): void {
    if (usage.probe) return;
    const second = this.#second();
    const failed = usage.status >= 400 || usage.errorType !== undefined;
    count(second, failed);
    count(countOf(second.upstreams, usage.upstream), failed);
    count(countOf(second.apps, usage.app), failed);
    second.tokens += (usage.quantities.inputTokens ?? 0) + (usage.quantities.outputTokens ?? 0);
    second.durations.add(usage.durationMs);
    if (usage.firstTokenMs !== undefined) second.firstTokens.add(usage.firstTokenMs);
  }

  figures(): LiveFigures {
    const now = this.#now();
    const recent = this.#recent(now);
    const { calls, errorRate } = rowOf(recent);
    const durations = sorted(recent.map((second) => second.durations));
    const firstTokens = sorted(recent.map((second) => second.firstTokens));
    return {
      callsPerSecond: calls / SECONDS,
      errorRate,
      p50: quantile(durations, 0.5),
      p95: quantile(durations, 0.95),
      p99: quantile(durations, 0.99),
      firstTokenP50: quantile(firstTokens, 0.5),
      firstTokenP95: quantile(firstTokens, 0.95),
      tokensPerSecond: recent.reduce((sum, second) => sum + second.tokens, 0) / SECONDS,
      calls: Array.from({ length: SECONDS }, (_, index) => {
        const at = now - SECONDS + 1 + index;
        return recent.find((second) => second.at === at)?.calls ?? 0;
      }),
    };
  }

  ofUpstream(name: string): LiveRow {
    return rowOf(this.#recent(this.#now()).flatMap(({ upstreams }) => upstreams.get(name) ?? []));
  }

  ofApp(name: string): LiveRow {
    return rowOf(this.#recent(this.#now()).flatMap(({ apps }) => apps.get(name) ?? []));
  }

  #now(): number {
    return Math.floor(this.#clock.monotonic() / 1000);
  }

  #recent(now: number): Second[] {
    return this.#seconds.filter(({ at }) => at > now - SECONDS && at <= now);
  }

  #second(): Second {
    const at = this.#now();
    const place = at % SECONDS;
    let second = this.#seconds[place] as Second;
    if (second.at !== at) {
      second = emptySecond(at);
      this.#seconds[place] = second;
    }
    return second;
  }
}

function emptySecond(at: number): Second {
  const samples = { durations: new Sample(), firstTokens: new Sample() };
  return { at, calls: 0, failed: 0, tokens: 0, ...samples, upstreams: new Map(), apps: new Map() };
}

function countOf(counts: Map<string, Count>, name: string): Count {
  let found = counts.get(name);
  if (found === undefined) {
    found = { calls: 0, failed: 0 };
    counts.set(name, found);
  }
  return found;
}

function count(into: Count, failed: boolean): void {
  into.calls++;
  if (failed) into.failed++;
}

function rowOf(counts: readonly Count[]): LiveRow {
  const calls = counts.reduce((sum, each) => sum + each.calls, 0);
  const failed = counts.reduce((sum, each) => sum + each.failed, 0);
  return { calls, errorRate: calls === 0 ? null : failed / calls };
}

/** Typed arrays are sorted as numbers, several times as fast as others. */
function sorted(samples: readonly Sample[]): Float64Array {
  return Float64Array.from(samples.flatMap(({ values }) => values)).sort();
}

/** By linear interpolation between the closest ranks. */
function quantile(ascending: Float64Array, q: number): number | null {
  if (ascending.length === 0) return null;
  const rank = q * (ascending.length - 1);
  const low = ascending[Math.floor(rank)] ?? 0;
  const high = ascending[Math.ceil(rank)] ?? low;
  return low + (high - low) * (rank - Math.floor(rank));
}
