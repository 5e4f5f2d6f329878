/** The last minute of traffic, second by second, for figures that move while one looks. */
import type { Clock } from "../../core/clock.ts";
import type { Recorder, Usage } from "../../usage/usage.ts";
import type { LiveRow } from "../api.ts";
import { RecentValues, type Seen } from "./recent-values.ts";

const SECONDS = 60;
interface Count {
  calls: number;
  failed: number;
}

interface Second extends Count {
  /** Whole seconds of the monotonic clock. */
  readonly at: number;
  tokens: number;
  readonly durations: Seen;
  readonly firstTokens: Seen;
  /** By configured names, so that clients cannot make them many. */
  readonly upstreams: Map<string, Count>;
  readonly apps: Map<string, Count>;
}

export interface LiveFigures {
  readonly callsPerSecond: number;
  /** 0 to 1; null without calls. */
  readonly errorRate: number | null;
  /** Milliseconds, within 0.6 %; null without calls. */
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
  /** The seconds of the last minute in which calls ended, the oldest first. */
  #seconds: Second[] = [];
  readonly #durations = new RecentValues();
  readonly #firstTokens = new RecentValues();

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
    this.#durations.add(usage.durationMs, second.durations);
    if (usage.firstTokenMs !== undefined) this.#firstTokens.add(usage.firstTokenMs, second.firstTokens);
  }

  figures(): LiveFigures {
    const now = this.#now();
    const recent = this.#recent(now);
    const { calls, errorRate } = rowOf(recent);
    const [p50 = null, p95 = null, p99 = null] = this.#durations.quantiles([0.5, 0.95, 0.99]);
    const [firstTokenP50 = null, firstTokenP95 = null] = this.#firstTokens.quantiles([0.5, 0.95]);
    return {
      callsPerSecond: calls / SECONDS,
      errorRate,
      ...{ p50, p95, p99, firstTokenP50, firstTokenP95 },
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

  /** Forgets what is older than a minute. */
  #recent(now: number): readonly Second[] {
    const fresh = this.#seconds.findIndex(({ at }) => at > now - SECONDS);
    const old = this.#seconds.slice(0, fresh === -1 ? undefined : fresh);
    for (const { durations, firstTokens } of old) {
      this.#durations.take(durations);
      this.#firstTokens.take(firstTokens);
    }
    if (old.length > 0) this.#seconds = this.#seconds.slice(old.length);
    return this.#seconds;
  }

  #second(): Second {
    const at = this.#now();
    const last = this.#seconds.at(-1);
    if (last?.at === at) return last;
    this.#recent(at);
    const second = emptySecond(at);
    this.#seconds.push(second);
    return second;
  }
}

function emptySecond(at: number): Second {
  const seen = { durations: new Map(), firstTokens: new Map() };
  return { at, calls: 0, failed: 0, tokens: 0, ...seen, upstreams: new Map(), apps: new Map() };
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
