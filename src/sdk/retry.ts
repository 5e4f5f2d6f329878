/** How long to wait before the next attempt. */
import type { RetryOptions } from "./options.ts";

export const DEFAULT_RETRY = {
  attempts: 0,
  statuses: [429, 500, 502, 503, 504],
  base: 500,
  max: 8_000,
  maxRetryAfter: 60_000,
} as const;

export type Retry = Required<RetryOptions>;

export function retryOf(options: number | RetryOptions | undefined): Retry {
  return { ...DEFAULT_RETRY, ...(typeof options === "number" ? { attempts: options } : options) };
}

/**
 * Milliseconds before the next attempt, after `done` retries; undefined when the upstream asks for more
 * patience than allowed. What it asks for counts; else the pause is random below a bound that doubles, so
 * that many clients do not come back at once.
 * Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ ("full jitter")
 */
export function pauseBefore(
  done: number,
  retry: Retry,
  headers: Headers | undefined,
  now = Date.now(),
  random = Math.random(),
): number | undefined {
  const asked = headers === undefined ? undefined : retryAfter(headers, now);
  if (asked === undefined) return random * Math.min(retry.max, retry.base * 2 ** done);
  return asked <= retry.maxRetryAfter ? asked : undefined;
}

/** Milliseconds that `retry-after-ms` or `retry-after` (seconds, or a date) asks for. `now` is wall-clock time. */
export function retryAfter(headers: Headers, now: number): number | undefined {
  const ms = count(headers.get("retry-after-ms"));
  if (ms !== undefined) return ms;
  const text = headers.get("retry-after");
  const seconds = count(text);
  if (seconds !== undefined) return seconds * 1000;
  const date = text === null ? Number.NaN : Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function count(text: string | null): number | undefined {
  return text !== null && /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : undefined;
}
