/**
 * Which attempt follows one that failed: the same upstream again after a pause, the next upstream of the plan, or
 * none. Only what failed before the first byte of the answer reached the client gets here.
 */
import { type BellwetherError, type ErrorType, errorTypeOfStatus } from "../core/errors.ts";
import type { RetryBudgets } from "../upstreams/retry-budget.ts";
import type { Retries, Upstream } from "../upstreams/upstream.ts";

/** What went wrong: an error of Bellwether's own, or the status and `retry-after` of an answer. */
export type Failure =
  | { readonly error: BellwetherError }
  | { readonly status: number; readonly retryAfterMs: number | undefined };

export interface NextAttempt {
  readonly upstream: Upstream;
  readonly waitMs: number;
  readonly reason: ErrorType;
}

/** A longer `retry-after` than this is not waited for: another upstream is asked, or the client is told. */
const MAX_RETRY_AFTER_MS = 30_000;
const MAX_BACKOFF_MS = 30_000;
/** Statuses after which another upstream may do better: all that can be the upstream's own trouble. */
const FALLBACK_STATUSES: ReadonlySet<number> = new Set([401, 403, 408, 409, 429]);

export class Attempts {
  readonly #upstreams: readonly Upstream[];
  readonly #budgets: RetryBudgets;
  readonly #deadline: number;
  #at = 0;
  #tries = 1;

  /** `upstreams` in the order to try them; `deadline` is the monotonic time at which the whole call has to be over. */
  constructor(upstreams: readonly Upstream[], budgets: RetryBudgets, deadline: number) {
    this.#upstreams = upstreams;
    this.#budgets = budgets;
    this.#deadline = deadline;
    const [first] = upstreams;
    if (first !== undefined) budgets.called(first.name);
  }

  /** Whether anything could follow the first attempt. */
  get repeatable(): boolean {
    return this.#upstreams.length > 1 || (this.#upstreams[0]?.retries?.attempts ?? 1) > 1;
  }

  /** The next attempt; undefined when this failure is the client's to know. `random` is from 0 up to 1. */
  next(failure: Failure, nowMs: number, random: number): NextAttempt | undefined {
    const upstream = this.#upstreams[this.#at];
    const reason = "error" in failure ? failure.error.type : errorTypeOfStatus(failure.status);
    if (upstream === undefined || reason === undefined) return undefined;
    return this.#again(upstream, failure, nowMs, random, reason) ?? this.#elsewhere(failure, nowMs, reason);
  }

  #again(
    upstream: Upstream,
    failure: Failure,
    nowMs: number,
    random: number,
    reason: ErrorType,
  ): NextAttempt | undefined {
    const { retries } = upstream;
    if (retries === undefined || this.#tries >= retries.attempts || !isRetried(retries.on, failure))
      return undefined;
    const asked = "status" in failure ? failure.retryAfterMs : undefined;
    if (asked !== undefined && asked > MAX_RETRY_AFTER_MS) return undefined;
    // Full jitter: callers that failed together do not come back together.
    const backoff = Math.floor(random * Math.min(MAX_BACKOFF_MS, retries.backoff * 2 ** (this.#tries - 1)));
    const waitMs = Math.max(asked ?? 0, backoff);
    if (nowMs + waitMs >= this.#deadline || !this.#budgets.mayRetry(upstream.name)) return undefined;
    this.#tries++;
    return { upstream, waitMs, reason };
  }

  #elsewhere(failure: Failure, nowMs: number, reason: ErrorType): NextAttempt | undefined {
    const next = this.#upstreams[this.#at + 1];
    if (next === undefined || nowMs >= this.#deadline || !mayBeBetterElsewhere(failure)) return undefined;
    this.#at++;
    this.#tries = 1;
    this.#budgets.called(next.name);
    return { upstream: next, waitMs: 0, reason };
  }
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
