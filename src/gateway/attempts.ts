/**
 * Which attempt follows one that failed: the same upstream again after a pause, the next upstream of the plan, or
 * none. Only what failed before the first byte of the answer reached the client gets here.
 */
import { type BellwetherError, type ErrorType, errorTypeOfStatus } from "../core/errors.ts";
import type { RetryBudgets } from "../upstreams/retry-budget.ts";
import type { Retries } from "../upstreams/upstream.ts";
import { isWell, type Place, type Target } from "./places.ts";
import type { Surroundings } from "./state.ts";

/** What went wrong: an error of Bellwether's own, or the status and `retry-after` of an answer. */
export type Failure =
  | { readonly error: BellwetherError }
  | {
      readonly status: number;
      readonly retryAfterMs: number | undefined;
      /** The key was refused, and the upstream has another one. */
      readonly anotherKey: boolean;
    };

export interface NextAttempt {
  readonly place: Place;
  readonly waitMs: number;
  readonly reason: ErrorType;
}

/** A longer `retry-after` than this is not waited for: another upstream is asked, or the client is told. */
const MAX_RETRY_AFTER_MS = 30_000;
const MAX_BACKOFF_MS = 30_000;
/** Statuses after which another upstream may do better: all that can be the upstream's own trouble. */
const FALLBACK_STATUSES: ReadonlySet<number> = new Set([401, 403, 408, 409, 429]);

export interface AttemptParts {
  readonly budgets: RetryBudgets;
  readonly deadline: number;
  /** Whether a call had better go there than elsewhere. */
  isWell(place: Place): boolean;
}

export class Attempts {
  /** The monotonic time at which the whole call has to be over. */
  readonly deadline: number;
  readonly #budgets: RetryBudgets;
  readonly #isWell: (place: Place) => boolean;
  #place: Place;
  #others: readonly Place[];
  #tries = 1;
  #keysTried = 1;
  #hedged = false;

  /** `others` in the order to try them after `first`; those that are not well come last. */
  constructor(first: Place, others: readonly Place[], parts: AttemptParts) {
    this.#place = first;
    this.#others = others;
    this.#budgets = parts.budgets;
    this.deadline = parts.deadline;
    this.#isWell = parts.isWell;
    parts.budgets.called(first.upstream.name);
  }

  /** The next attempt; undefined when this failure is the client's to know. `random` is from 0 up to 1. */
  next(failure: Failure, nowMs: number, random: number): NextAttempt | undefined {
    const reason = "error" in failure ? failure.error.type : errorTypeOfStatus(failure.status);
    if (reason === undefined) return undefined;
    return (
      this.#withAnotherKey(failure, nowMs, reason) ??
      this.#again(failure, nowMs, random, reason) ??
      this.#elsewhere(failure, nowMs, reason)
    );
  }

  /** Whether a second attempt may be made beside one. */
  get mayHedge(): boolean {
    return !this.#hedged;
  }

  /**
   * The place for a second attempt beside the one that runs, for the same model; undefined where there is to be none.
   * Once for each call, and out of the same saved retries: a slow upstream is no reason for many more calls.
   */
  beside(nowMs: number): Place | undefined {
    if (this.#hedged || nowMs >= this.deadline) return undefined;
    const { upstream, model } = this.#place;
    const place = [...this.#others, this.#place].find((each) => each.model === model && this.#isWell(each));
    if (place === undefined || !this.#budgets.mayRetry(upstream.name)) return undefined;
    this.#hedged = true;
    this.#others = this.#others.filter((each) => each !== place);
    return place;
  }

  /** The second attempt is the call's from here on. */
  goesOnAt(place: Place): void {
    this.#place = place;
  }

  /** At once, and each key at most once. */
  #withAnotherKey(failure: Failure, nowMs: number, reason: ErrorType): NextAttempt | undefined {
    const { apiKeys = [] } = this.#place.upstream;
    if (!("status" in failure) || !failure.anotherKey || this.#keysTried >= apiKeys.length) return undefined;
    if (nowMs >= this.deadline) return undefined;
    this.#keysTried++;
    return { place: this.#place, waitMs: 0, reason };
  }

  #again(failure: Failure, nowMs: number, random: number, reason: ErrorType): NextAttempt | undefined {
    const place = this.#place;
    const { retries } = place.upstream;
    if (retries === undefined || this.#tries >= retries.attempts || !isRetried(retries.on, failure))
      return undefined;
    const asked = "status" in failure ? failure.retryAfterMs : undefined;
    if (asked !== undefined && asked > MAX_RETRY_AFTER_MS) return undefined;
    // Its breaker has opened: whoever can go elsewhere does not wait for it.
    if (this.#others.length > 0 && !this.#isWell(place)) return undefined;
    // Full jitter: callers that failed together do not come back together.
    const backoff = Math.floor(random * Math.min(MAX_BACKOFF_MS, retries.backoff * 2 ** (this.#tries - 1)));
    const waitMs = Math.max(asked ?? 0, backoff);
    if (nowMs + waitMs >= this.deadline || !this.#budgets.mayRetry(place.upstream.name)) return undefined;
    this.#tries++;
    return { place, waitMs, reason };
  }

  #elsewhere(failure: Failure, nowMs: number, reason: ErrorType): NextAttempt | undefined {
    const next = this.#others.find(this.#isWell) ?? this.#others[0];
    if (next === undefined || nowMs >= this.deadline || !mayBeBetterElsewhere(failure)) return undefined;
    this.#others = this.#others.filter((place) => place !== next);
    this.#place = next;
    this.#tries = 1;
    this.#keysTried = 1;
    this.#budgets.called(next.upstream.name);
    return { place: next, waitMs: 0, reason };
  }
}

/** What may follow the first attempt; undefined when nothing may. */
export function attemptsFor(
  target: Target,
  { retryBudgets: budgets, breakers, clock }: Surroundings,
): Attempts | undefined {
  const { upstream, others } = target;
  const { retries, apiKeys, hedge } = upstream;
  const repeatable =
    retries !== undefined || apiKeys !== undefined || hedge !== undefined || others.length > 0;
  if (budgets === undefined || !repeatable) return undefined;
  return new Attempts(target, others, {
    budgets,
    deadline: clock.monotonic() + upstream.timeouts.total,
    isWell: (place) => breakers === undefined || isWell(place, breakers),
  });
}

function isRetried(on: Retries["on"], failure: Failure): boolean {
  if ("status" in failure) return on.has(failure.status);
  // Other errors of Bellwether's own may have cost the upstream work already, and are not repeated there.
  const { type } = failure.error;
  if (type === "reset") return on.has("reset");
  return on.has("connect") && (type === "timeout_connect" || type === "unreachable");
}

function mayBeBetterElsewhere(failure: Failure): boolean {
  if ("error" in failure) return failure.error.type !== "rejected";
  return failure.status >= 500 || FALLBACK_STATUSES.has(failure.status);
}

/** Milliseconds that an answer asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date. */
export function retryAfterOf(headers: readonly string[], wallMs: number): number | undefined {
  let found: number | undefined;
  for (let at = 0; at < headers.length; at += 2) {
    const name = (headers[at] ?? "").toLowerCase();
    const value = (headers[at + 1] ?? "").trim();
    if (name === "retry-after-ms" && /^\d+(\.\d+)?$/.test(value)) return Math.ceil(Number(value));
    if (name !== "retry-after") continue;
    if (/^\d+(\.\d+)?$/.test(value)) found = Math.ceil(Number(value) * 1000);
    else if (!Number.isNaN(Date.parse(value))) found = Math.max(0, Date.parse(value) - wallMs);
  }
  return found;
}
