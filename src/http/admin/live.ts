/** The last minute of traffic, second by second, for figures that move while one looks. */
import type { Clock } from "../../core/clock.ts";
import type { Call, Recorder, Usage } from "../../usage/usage.ts";
import type { LiveFigures, LiveRow } from "../api.ts";
import { RecentValues, type Seen } from "./recent-values.ts";

const SECONDS = 60;

/** How a call ended; one that its client left is neither a success nor an error, as in reports. */
type Outcome = "succeeded" | "failed" | "left";

interface Count {
  calls: number;
  succeeded: number;
  failed: number;
  left: number;
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
    const outcome = outcomeOf(usage);
    count(second, outcome);
    count(countOf(second.upstreams, usage.upstream), outcome);
    count(countOf(second.apps, usage.app), outcome);
    second.tokens += (usage.quantities.inputTokens ?? 0) + (usage.quantities.outputTokens ?? 0);
    this.#durations.add(usage.durationMs, second.durations);
    if (usage.firstTokenMs !== undefined) this.#firstTokens.add(usage.firstTokenMs, second.firstTokens);
  }

  /** Another upstream may have answered: that this one failed is seen all the same. */
  attemptFailed({ probe, upstream }: Call): void {
    if (!probe) count(countOf(this.#second().upstreams, upstream), "failed");
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

  /** Of attempts: those that failed before another upstream answered count here too. */
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
  return { at, ...noCalls(), tokens: 0, ...seen, upstreams: new Map(), apps: new Map() };
}

function countOf(counts: Map<string, Count>, name: string): Count {
  let found = counts.get(name);
  if (found === undefined) {
    found = noCalls();
    counts.set(name, found);
  }
  return found;
}

function noCalls(): Count {
  return { calls: 0, succeeded: 0, failed: 0, left: 0 };
}

function outcomeOf({ status, errorType }: Usage): Outcome {
  if (errorType === "client_gone") return "left";
  return status >= 400 || errorType !== undefined ? "failed" : "succeeded";
}

function count(into: Count, outcome: Outcome): void {
  into.calls++;
  into[outcome]++;
}

function rowOf(counts: readonly Count[]): LiveRow {
  const sum = (key: keyof Count): number => counts.reduce((total, each) => total + each[key], 0);
  const failed = sum("failed");
  const ended = failed + sum("succeeded");
  return { calls: sum("calls"), errorRate: ended === 0 ? null : failed / ended };
}
