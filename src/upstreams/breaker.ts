/**
 * Circuit breakers, one for each upstream and model: after too many failures calls are sent elsewhere for a while, then a
 * few are let through to see whether it is well again.
 *
 *   closed ── too many failures ──▶ open ── openFor is over ──▶ half-open ── trials succeed ──▶ closed
 *                                     ◀────────── a trial fails ──────────────┘
 *
 * A breaker does not refuse calls: it says which place is better not asked now. Where there is no other place the call is
 * sent all the same, and tells how it is there.
 */
import type { Clock } from "../core/clock.ts";
import type { ErrorType } from "../core/errors.ts";
import { type Ejection, Outliers } from "./outliers.ts";
import type { BreakerSettings, Upstream } from "./upstream.ts";

export type BreakerState = "closed" | "half-open" | "open";

export interface BreakerChange {
  readonly upstream: string;
  readonly model: string;
  readonly state: BreakerState;
  /** Why it opened. */
  readonly why: string;
}

/** The upstream's own trouble. A rate limit is none: it says itself when to come again. */
const FAULTS: ReadonlySet<ErrorType> = new Set<ErrorType>([
  "timeout_connect",
  "timeout_first_byte",
  "timeout_idle",
  "unreachable",
  "reset",
  "auth",
  "upstream_5xx",
  "malformed",
]);

/** Clients may invent models: at most this many have a breaker at an upstream. */
const MOST_MODELS = 1_000;
const BUCKETS = 10;
/** Gateways that opened together do not all come back at once: from three quarters of the time on. */
const LEAST_SHARE = 0.75;

export interface BreakerOptions {
  readonly clock: Pick<Clock, "monotonic">;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly onChange: (change: BreakerChange) => void;
  /** An upstream is taken out because others fare far better; the change follows. */
  readonly onEjection?: (ejection: Ejection) => void;
}

/** A model's breaker that is open because others fare far better. */
export interface Ejected {
  readonly model: string;
  readonly why: string;
  /** Milliseconds until calls try whether it is better. */
  readonly forMs: number;
}

export class Breakers {
  readonly #options: BreakerOptions;
  readonly #byUpstream = new Map<string, Map<string, Breaker>>();

  readonly #outliers: Outliers;

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#outliers = new Outliers({
      clock: options.clock,
      isIn: (upstream, model) => this.state(upstream, model) === "closed",
      eject: (ejection) => {
        const { upstream, model, ms, why } = ejection;
        const breaker = this.#byUpstream.get(upstream)?.get(model);
        if (breaker === undefined) return;
        options.onEjection?.(ejection);
        breaker.eject(ms, why);
      },
    });
  }

  /** The upstreams in force: breakers of others are forgotten. */
  configure(upstreams: readonly Upstream[]): void {
    this.#outliers.configure(upstreams);
    const kept = new Set(upstreams.filter(({ breaker }) => breaker !== undefined).map(({ name }) => name));
    for (const name of this.#byUpstream.keys()) if (!kept.has(name)) this.#byUpstream.delete(name);
  }

  /** The models for which an upstream is taken out. */
  ejected(upstream: string): readonly Ejected[] {
    const now = this.#options.clock.monotonic();
    return [...(this.#byUpstream.get(upstream) ?? [])].flatMap(([model, breaker]) => {
      const found = breaker.ejection(now);
      return found === undefined ? [] : [{ model, ...found }];
    });
  }

  /** Whether a call had better go there than elsewhere. */
  admits(upstream: Upstream, model: string): boolean {
    return this.#byUpstream.get(upstream.name)?.get(model)?.admits(this.#options.clock.monotonic()) !== false;
  }

  /** An attempt begins there; undefined where breakers are switched off, or too many models are in trouble. */
  begin(upstream: Upstream, model: string, streaming = false): Ticket | undefined {
    if (upstream.breaker === undefined) return undefined;
    let models = this.#byUpstream.get(upstream.name);
    if (models === undefined) {
      models = new Map();
      this.#byUpstream.set(upstream.name, models);
    }
    let breaker = models.get(model);
    if (breaker === undefined) {
      if (models.size >= MOST_MODELS && !forgetOne(models)) return undefined;
      breaker = new Breaker(upstream.name, model, this.#options);
      models.set(model, breaker);
    }
    const ticket = breaker.begin(upstream.breaker);
    if (this.#outliers.active) {
      const { clock } = this.#options;
      const beganAt = clock.monotonic();
      ticket.onTold = (failed, answered) => {
        const ms = answered ? clock.monotonic() - beganAt : undefined;
        this.#outliers.note(upstream, model, streaming, failed, ms);
      };
    }
    return ticket;
  }

  state(upstream: string, model: string): BreakerState {
    return this.#byUpstream.get(upstream)?.get(model)?.state(this.#options.clock.monotonic()) ?? "closed";
  }

  /** The worst state of an upstream's models. */
  worst(upstream: string): BreakerState {
    const now = this.#options.clock.monotonic();
    let worst: BreakerState = "closed";
    for (const breaker of this.#byUpstream.get(upstream)?.values() ?? []) {
      const state = breaker.state(now);
      if (state === "open") return "open";
      if (state === "half-open") worst = "half-open";
    }
    return worst;
  }
}

/** Forgets the oldest that is closed; false when there is none. */
function forgetOne(models: Map<string, Breaker>): boolean {
  for (const [model, breaker] of models) {
    if (!breaker.isClosed) continue;
    return models.delete(model);
  }
  return false;
}

/** What becomes of one attempt. The first word counts, but for a failure that comes after an answer's good beginning. */
export class Ticket {
  readonly #breaker: Breaker;
  /** Of the breaker's state in which it began as a trial; undefined when it is none. */
  readonly #trialOf: number | undefined;
  #told = false;
  /** Hears of it, too: whether the upstream is to blame, and whether it answered as it was asked to. */
  onTold: ((failed: boolean, answered: boolean) => void) | undefined;

  constructor(breaker: Breaker, trialOf: number | undefined) {
    this.#breaker = breaker;
    this.#trialOf = trialOf;
  }

  /** The answer has begun, or the attempt has failed: `undefined` is success. */
  tell(failure: ErrorType | undefined): void {
    const isFault = failure !== undefined && FAULTS.has(failure);
    if (!this.#told || isFault) this.onTold?.(isFault, failure === undefined);
    if (this.#told) {
      if (isFault) this.#breaker.failedLate();
      return;
    }
    this.#told = true;
    if (isFault) this.#breaker.failed(this.#trialOf);
    else this.#breaker.succeeded(this.#trialOf);
  }

  /** The client left before anything was known. */
  left(): void {
    if (this.#told) return;
    this.#told = true;
    this.#breaker.left(this.#trialOf);
  }
}

class Breaker {
  readonly #upstream: string;
  readonly #model: string;
  readonly #options: BreakerOptions;
  #settings: BreakerSettings | undefined;
  #state: BreakerState = "closed";
  /** Of states: a trial of an older one says nothing of this one. */
  #epoch = 0;
  #openUntil = 0;
  /** Why it is open, where that is because others fare better. */
  #ejectedFor: string | undefined;
  #inTrial = 0;
  #succeeded = 0;
  #inARow = 0;
  readonly #calls = new Uint32Array(BUCKETS);
  readonly #failures = new Uint32Array(BUCKETS);
  /** The bucket that is filled now, counted from the clock's start. */
  #bucket = 0;

  constructor(upstream: string, model: string, options: BreakerOptions) {
    this.#upstream = upstream;
    this.#model = model;
    this.#options = options;
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  state(now: number): BreakerState {
    return this.#state === "open" && now >= this.#openUntil ? "half-open" : this.#state;
  }

  admits(now: number): boolean {
    if (this.#state === "closed") return true;
    if (this.#state === "open") return now >= this.#openUntil;
    return this.#inTrial < (this.#settings?.trials ?? 1);
  }

  begin(settings: BreakerSettings): Ticket {
    this.#settings = settings;
    if (this.#state === "closed") return new Ticket(this, undefined);
    const now = this.#options.clock.monotonic();
    if (this.#state === "open" && now >= this.#openUntil) this.#enter("half-open", "");
    if (this.#state !== "half-open") return new Ticket(this, undefined);
    this.#inTrial++;
    return new Ticket(this, this.#epoch);
  }

  succeeded(trialOf: number | undefined): void {
    this.#inARow = 0;
    if (this.#state === "closed") return this.#count(0);
    if (trialOf !== this.#epoch) return;
    this.#inTrial--;
    this.#succeeded++;
    if (this.#succeeded >= (this.#settings?.trials ?? 1)) this.#enter("closed", "");
  }

  failed(trialOf: number | undefined): void {
    this.#inARow++;
    if (this.#state === "closed") {
      this.#count(1);
      this.#judge();
    } else if (trialOf === this.#epoch) this.#enter("open", "a trial failed");
  }

  /** An answer that had begun well broke off. */
  failedLate(): void {
    if (this.#state !== "closed") return;
    this.#inARow++;
    this.#advance();
    const at = this.#bucket % BUCKETS;
    this.#failures[at] = (this.#failures[at] ?? 0) + 1;
    this.#judge();
  }

  left(trialOf: number | undefined): void {
    if (trialOf === this.#epoch) this.#inTrial--;
  }

  /** Others fare far better. */
  eject(ms: number, why: string): void {
    this.#enter("open", why, ms);
    this.#ejectedFor = why;
  }

  ejection(now: number): Omit<Ejected, "model"> | undefined {
    if (this.#ejectedFor === undefined || this.#state !== "open") return undefined;
    return { why: this.#ejectedFor, forMs: Math.max(0, this.#openUntil - now) };
  }

  #judge(): void {
    const settings = this.#settings;
    if (settings === undefined) return;
    if (this.#inARow >= settings.consecutive) {
      return this.#enter("open", `${this.#inARow} calls failed one after the other`);
    }
    const calls = sum(this.#calls);
    const failures = sum(this.#failures);
    if (calls >= settings.minCalls && failures >= calls * settings.failures) {
      this.#enter("open", `${failures} of ${calls} calls failed`);
    }
  }

  #enter(state: BreakerState, why: string, openFor = this.#settings?.openFor ?? 0): void {
    const { clock, random, onChange } = this.#options;
    this.#state = state;
    this.#ejectedFor = undefined;
    this.#epoch++;
    this.#inTrial = 0;
    this.#succeeded = 0;
    if (state === "open") {
      const share = LEAST_SHARE + (1 - LEAST_SHARE) * random();
      this.#openUntil = clock.monotonic() + openFor * share;
    }
    if (state === "closed") {
      this.#inARow = 0;
      this.#calls.fill(0);
      this.#failures.fill(0);
    }
    onChange({ upstream: this.#upstream, model: this.#model, state, why });
  }

  #count(failures: 0 | 1): void {
    this.#advance();
    const at = this.#bucket % BUCKETS;
    this.#calls[at] = (this.#calls[at] ?? 0) + 1;
    if (failures > 0) this.#failures[at] = (this.#failures[at] ?? 0) + 1;
  }

  /** Empties the buckets that have become too old. */
  #advance(): void {
    const length = (this.#settings?.window ?? 1) / BUCKETS;
    const now = Math.floor(this.#options.clock.monotonic() / length);
    for (let passed = Math.max(this.#bucket + 1, now - BUCKETS + 1); passed <= now; passed++) {
      this.#calls[passed % BUCKETS] = 0;
      this.#failures[passed % BUCKETS] = 0;
    }
    this.#bucket = now;
  }
}

function sum(counts: Uint32Array): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
