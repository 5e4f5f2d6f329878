/** The last minute of traffic, second by second, for figures that move while one looks. */
import type { Clock } from "../../core/clock.ts";
import type { Pico } from "../../core/money.ts";
import type { Recorder, Usage } from "../../usage/usage.ts";

const SECONDS = 60;
/** Of one second at most so many durations are kept: enough for percentiles of a minute. */
const MOST_SAMPLES = 500;

interface Second {
  /** Whole seconds of the monotonic clock. */
  at: number;
  calls: number;
  failed: number;
  tokens: number;
  cost: Pico;
  durations: number[];
  firstTokens: number[];
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
  readonly #clock: Clock;
  readonly #seconds: Second[] = Array.from({ length: SECONDS }, () => emptySecond(-1));

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  started(): void {}

  settled(usage: Usage): void {
    if (usage.probe) return;
    const second = this.#second();
    second.calls++;
    if (usage.status >= 400 || usage.errorType !== undefined) second.failed++;
    second.tokens += (usage.quantities.inputTokens ?? 0) + (usage.quantities.outputTokens ?? 0);
    if (usage.cost !== undefined) second.cost += usage.cost;
    if (second.durations.length < MOST_SAMPLES) second.durations.push(usage.durationMs);
    if (usage.firstTokenMs !== undefined && second.firstTokens.length < MOST_SAMPLES) {
      second.firstTokens.push(usage.firstTokenMs);
    }
  }

  figures(): LiveFigures {
    const now = Math.floor(this.#clock.monotonic() / 1000);
    const recent = this.#seconds.filter(({ at }) => at > now - SECONDS && at <= now);
    const calls = recent.reduce((sum, second) => sum + second.calls, 0);
    const failed = recent.reduce((sum, second) => sum + second.failed, 0);
    const durations = sorted(recent.flatMap((second) => second.durations));
    const firstTokens = sorted(recent.flatMap((second) => second.firstTokens));
    return {
      callsPerSecond: calls / SECONDS,
      errorRate: calls === 0 ? null : failed / calls,
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

  #second(): Second {
    const at = Math.floor(this.#clock.monotonic() / 1000);
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
  return { at, calls: 0, failed: 0, tokens: 0, cost: 0n, durations: [], firstTokens: [] };
}

function sorted(values: number[]): number[] {
  return values.sort((a, b) => a - b);
}

/** By linear interpolation between the closest ranks. */
function quantile(ascending: readonly number[], q: number): number | null {
  if (ascending.length === 0) return null;
  const rank = q * (ascending.length - 1);
  const low = ascending[Math.floor(rank)] ?? 0;
  const high = ascending[Math.ceil(rank)] ?? low;
  return low + (high - low) * (rank - Math.floor(rank));
}
