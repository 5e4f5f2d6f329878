/**
 * The app's own rate limit: calls and tokens within a sliding window. Tokens are taken by estimate when a
 * call is admitted and corrected when it has ended, so that a burst cannot slip through before the first
 * call is known.
 */
import type { Clock } from "../core/clock.ts";
import type { RateLimitOptions } from "./options.ts";

const DEFAULT_PERIOD_MS = 60_000;

/** What an admitted call holds of the window. */
export interface Grant {
  /** How many tokens the call took in the end. */
  used(tokens: number): void;
}

/** A call that was not admitted. */
export interface Exceeded {
  readonly reason: "rate" | "tokens";
  /** Milliseconds until it would be admitted. */
  readonly retryAfter: number;
}

interface Entry {
  readonly at: number;
  tokens: number;
  gone: boolean;
}

interface Waiting {
  readonly tokens: number;
  readonly admit: (grant: Grant) => void;
}

export class RateLimit {
  readonly #calls: number;
  readonly #tokens: number;
  readonly #per: number;
  readonly #rejects: boolean;
  readonly #clock: Clock;
  /** What the last period admitted, oldest first. */
  readonly #entries: Entry[] = [];
  #tokensTaken = 0;
  /** First come, first served. */
  readonly #waiting: Waiting[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: RateLimitOptions, clock: Clock) {
    this.#calls = options.calls ?? Number.POSITIVE_INFINITY;
    this.#tokens = options.tokens ?? Number.POSITIVE_INFINITY;
    this.#per = options.per ?? DEFAULT_PERIOD_MS;
    this.#rejects = options.whenExceeded === "reject";
    this.#clock = clock;
  }

  /**
   * Admits a call of about so many tokens, now or in its turn; or says why not.
   * Rejects with the signal's reason when it is aborted while it waits.
   */
  admit(tokens: number, signal: AbortSignal | undefined): Grant | Exceeded | Promise<Grant> {
    const exceeded = this.#waiting.length === 0 ? this.#exceeded(tokens) : undefined;
    if (exceeded === undefined && this.#waiting.length === 0) return this.#take(tokens);
    if (this.#rejects && exceeded !== undefined) return exceeded;
    return this.#wait(tokens, signal);
  }

  #wait(tokens: number, signal: AbortSignal | undefined): Promise<Grant> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        tokens,
        admit: (grant) => {
          signal?.removeEventListener("abort", leave);
          resolve(grant);
        },
      };
      const leave = (): void => {
        const at = this.#waiting.indexOf(waiting);
        if (at !== -1) this.#waiting.splice(at, 1);
        this.#admitWaiting();
        reject(signal?.reason);
      };
      if (signal?.aborted === true) return leave();
      signal?.addEventListener("abort", leave, { once: true });
      this.#waiting.push(waiting);
      this.#admitWaiting();
    });
  }

  #admitWaiting(): void {
    clearTimeout(this.#timer);
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const exceeded = this.#exceeded(next.tokens);
      if (exceeded !== undefined) {
        // A timer may ring a little early.
        this.#timer = setTimeout(() => this.#admitWaiting(), Math.ceil(exceeded.retryAfter) + 1);
        return;
      }
      this.#waiting.shift();
      next.admit(this.#take(next.tokens));
    }
  }

  #take(tokens: number): Grant {
    const entry: Entry = { at: this.#clock.monotonic(), tokens, gone: false };
    this.#entries.push(entry);
    this.#tokensTaken += tokens;
    return {
      used: (actual) => {
        if (!entry.gone) this.#tokensTaken += actual - entry.tokens;
        entry.tokens = actual;
        if (this.#waiting.length > 0) this.#admitWaiting();
      },
    };
  }

  /** What a call would have to wait for; undefined when nothing. A call larger than the limit goes alone. */
  #exceeded(tokens: number): Exceeded | undefined {
    const now = this.#clock.monotonic();
    this.#forget(now);
    const entries = this.#entries;
    const tooMany = entries.length + 1 - this.#calls;
    if (tooMany > 0) {
      const last = entries[Math.min(tooMany, entries.length) - 1];
      return { reason: "rate", retryAfter: (last?.at ?? now) + this.#per - now };
    }
    let excess = this.#tokensTaken + tokens - this.#tokens;
    if (excess <= 0 || entries.length === 0) return undefined;
    let retryAfter = 0;
    for (const entry of entries) {
      retryAfter = entry.at + this.#per - now;
      excess -= entry.tokens;
      if (excess <= 0) break;
    }
    return { reason: "tokens", retryAfter };
  }

  #forget(now: number): void {
    let old = 0;
    for (const entry of this.#entries) {
      if (now - entry.at < this.#per) break;
      entry.gone = true;
      this.#tokensTaken -= entry.tokens;
      old++;
    }
    if (old > 0) this.#entries.splice(0, old);
  }
}
