/** A call that a limit or a budget refused: what is said to the client, and when it may come again. */
import { BellwetherError, type ErrorCode } from "../core/errors.ts";
import type { Family } from "../usage/dialect.ts";

export type LimitReason = "rate" | "tokens" | "concurrency" | "budget" | "unpriced" | "unavailable";

/** What the headers tell of the limit that refused. */
export interface LimitTold {
  readonly resource: "requests" | "tokens";
  readonly limit: number;
  readonly remaining: number;
}

export class LimitRefusal extends BellwetherError {
  readonly reason: LimitReason;
  /** Milliseconds until the call may succeed; undefined when waiting does not help. */
  readonly retryAfterMs: number | undefined;
  readonly told: LimitTold | undefined;
  /** The rule that refused; undefined where it was not one alone. */
  readonly key: string | undefined;

  constructor(
    code: ErrorCode,
    details: Readonly<Record<string, string | number>>,
    more: {
      reason: LimitReason;
      retryAfterMs?: number | undefined;
      told?: LimitTold | undefined;
      key?: string;
    },
  ) {
    super(code, details);
    this.reason = more.reason;
    this.retryAfterMs = more.retryAfterMs;
    this.told = more.told;
    this.key = more.key;
  }
}

/** Official SDKs wait as long as `retry-after` says only up to a minute, and guess a shorter time beyond it. */
const SDK_PATIENCE_MS = 60_000;

/**
 * The headers of such an answer, as each family's SDKs read them. `x-should-retry: false` keeps them from
 * trying again at once where the wait is longer than they would wait.
 */
export function limitHeaders(family: Family, { retryAfterMs, told }: LimitRefusal, nowMs: number): string[] {
  const headers: string[] = [];
  if (retryAfterMs !== undefined) {
    headers.push("retry-after", String(Math.max(1, Math.ceil(retryAfterMs / 1000))));
    if (retryAfterMs < 1000) headers.push("retry-after-ms", String(Math.ceil(retryAfterMs)));
  }
  if (retryAfterMs === undefined || retryAfterMs > SDK_PATIENCE_MS) headers.push("x-should-retry", "false");
  if (told === undefined) return headers;
  const { resource, limit, remaining } = told;
  if (family === "anthropic") {
    const name = `anthropic-ratelimit-${resource}`;
    headers.push(`${name}-limit`, String(limit), `${name}-remaining`, String(remaining));
    headers.push(`${name}-reset`, new Date(nowMs + (retryAfterMs ?? 0)).toISOString());
  } else {
    headers.push(`x-ratelimit-limit-${resource}`, String(limit));
    headers.push(`x-ratelimit-remaining-${resource}`, String(remaining));
    headers.push(`x-ratelimit-reset-${resource}`, resetText(retryAfterMs ?? 0));
  }
  return headers;
}

/** A duration as OpenAI writes it: `12ms`, `1s`, `6m0s`. */
function resetText(ms: number): string {
  if (ms < 1000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  const rest = `${seconds % 60}s`;
  if (hours > 0) return `${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${minutes}m${rest}` : rest;
}
