/** What a meter can be told, and the checks that a wrong option does not pass. */
import type { Logger } from "../core/log.ts";
import type { Buckets } from "../metrics/profiles/bellwether.ts";
import type { PriceFile } from "../prices/price-file.ts";
import type { OwnPrice } from "../prices/pricing.ts";
import { parseBaseUrl } from "../upstreams/base-url.ts";
import { type PresetName, presetNamed, presetNames } from "../upstreams/presets.ts";
import type { Estimator } from "../usage/estimate.ts";
import type { Usage } from "../usage/usage.ts";
import type { OpenTelemetryOptions } from "./open-telemetry.ts";

/** The platform's `fetch`, or anything that is called like it. */
export type Fetch = typeof globalThis.fetch;

/** Price files in hand, or a function that fetches them at the first call. */
export type PriceSource = readonly PriceFile[] | (() => Promise<readonly PriceFile[]>);

export interface MeterOptions {
  /** The `upstream` label. Default: the preset that a call's address belongs to, else its host name. */
  readonly upstream?: string;
  /** Where calls go, as given to the SDK; needed only where the address does not contain `/v1`. */
  readonly baseUrl?: string;
  /** Take over what is known of this vendor or relay: its price list, and whether it reports usage on request. */
  readonly preset?: PresetName;
  /** The `app` label. Default `anonymous`. */
  readonly app?: string;
  /** Own prices by model, in USD per million tokens; they win over every list. */
  readonly prices?: Readonly<Record<string, OwnPrice>>;
  /** Factor on list prices. Default 1. */
  readonly priceMultiplier?: number;
  /** Price lists; the first that knows a model counts. Default: those that come with Bellwether. */
  readonly priceFiles?: PriceSource;
  /** Model names besides those with a price that may be a `model` label; others are `other`. */
  readonly models?: readonly string[];
  /** How many model names may become labels. Default 200. */
  readonly maxModels?: number;
  /** Histogram bounds by metric name. */
  readonly buckets?: Buckets;
  /**
   * Ask for usage in streams whose API reports it only on request, and take the one chunk that this causes
   * out again. Default: where the upstream is known to understand it, or nothing is known of it.
   */
  readonly includeUsage?: boolean;
  /** Is given the record of every call when it has ended. */
  readonly onUsage?: (record: Usage) => void;
  /** Is told when something inside the meter fails. Calls go on; by default nobody is told. */
  readonly onError?: (error: unknown) => void;
  /** Further attempts after a failure, before anything of an answer was handed out. Default 0: SDKs retry by themselves. */
  readonly retries?: number | RetryOptions;
  /** Limits in milliseconds; by default there are none. */
  readonly timeouts?: TimeoutOptions;
  /** Where to go, in this order, when all attempts at the address before have failed. */
  readonly fallbacks?: readonly (string | FallbackOptions)[];
  readonly rateLimit?: RateLimitOptions;
  /** Calls in flight at most; further ones wait, or are refused. */
  readonly concurrency?: number | ConcurrencyOptions;
  /** Calls that `stats()` looks back on. */
  readonly stats?: StatsOptions;
  /** Counts tokens that nobody reported. Default: by length and script; `tokenizer()` counts exactly. */
  readonly estimator?: Estimator;
  /** `@opentelemetry/api` of the app: `{ metrics, trace }`. */
  readonly openTelemetry?: OpenTelemetryOptions;
  /** What is called underneath. Default: the platform's. */
  readonly fetch?: Fetch;
}

export interface RetryOptions {
  /** Further attempts at one address. */
  readonly attempts: number;
  /** Statuses to try again after. Default 429, 500, 502, 503, 504. */
  readonly statuses?: readonly number[];
  /** The first pause is between nothing and this, in ms; each next may be twice as long. Default 500. */
  readonly base?: number;
  /** No pause of our own choice is longer, in ms. Default 8,000. */
  readonly max?: number;
  /** A `Retry-After` up to this is waited for; a longer one ends the attempts. In ms, default 60,000. */
  readonly maxRetryAfter?: number;
}

export interface TimeoutOptions {
  /** Until the connection stands. Where the platform does not tell (anything but Node.js), `firstByte` covers it. */
  readonly connect?: number;
  /** From the sending of an attempt to the head of its answer. */
  readonly firstByte?: number;
  /** Between two pieces of an answer, while the app waits for one. */
  readonly idle?: number;
  /** From the first attempt to the end of the answer, pauses and retries included. */
  readonly total?: number;
}

export interface FallbackOptions {
  readonly baseUrl: string;
  /** The `upstream` label. Default: the preset whose address it is, else its host name. */
  readonly name?: string;
  readonly preset?: PresetName;
  /** Replaces the key that the call came with. Without one that key is sent there too. */
  readonly apiKey?: string;
  /** Replace or add headers. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly prices?: Readonly<Record<string, OwnPrice>>;
  readonly priceMultiplier?: number;
  readonly includeUsage?: boolean;
}

export interface RateLimitOptions {
  /** Calls per period. */
  readonly calls?: number;
  /** Tokens per period, input and output. */
  readonly tokens?: number;
  /** Length of the period in ms. Default 60,000. */
  readonly per?: number;
  /** What happens to a call too many: it waits (the default), or is answered with a 429 of our own. */
  readonly whenExceeded?: "wait" | "reject";
}

export interface ConcurrencyOptions {
  readonly limit: number;
  /** What happens to a call too many: it waits its turn (the default), or is answered with a 429 of our own. */
  readonly whenFull?: "wait" | "reject";
}

export interface StatsOptions {
  /** At most so many calls are remembered. Default 10,000. */
  readonly calls?: number;
  /** Calls that ended longer ago do not count, in ms. Default one hour. */
  readonly window?: number;
}

/** @throws RangeError or TypeError that says which option is wrong, and what to write. */
export function checkOptions(options: MeterOptions): void {
  const { retries, timeouts, rateLimit, concurrency, stats, fallbacks = [] } = options;
  checkPreset("preset", options.preset);
  if (options.upstream === "") throw new RangeError("upstream: give it a name, or leave it out.");
  if (options.baseUrl !== undefined) checkBaseUrl("baseUrl", options.baseUrl);
  if (typeof retries === "number") checkNumber("retries", retries, 0);
  else if (retries !== undefined) {
    checkNumber("retries.attempts", retries.attempts, 0);
    checkNumber("retries.base", retries.base, 0);
    checkNumber("retries.max", retries.max, 0);
    checkNumber("retries.maxRetryAfter", retries.maxRetryAfter, 0);
  }
  for (const key of ["connect", "firstByte", "idle", "total"] as const) {
    checkNumber(`timeouts.${key}`, timeouts?.[key], 1);
  }
  checkNumber("rateLimit.calls", rateLimit?.calls, 1);
  checkNumber("rateLimit.tokens", rateLimit?.tokens, 1);
  checkNumber("rateLimit.per", rateLimit?.per, 1);
  if (rateLimit !== undefined && rateLimit.calls === undefined && rateLimit.tokens === undefined) {
    throw new RangeError("rateLimit: give `calls`, `tokens`, or both.");
  }
  checkNumber("concurrency", typeof concurrency === "number" ? concurrency : concurrency?.limit, 1);
  checkNumber("stats.calls", stats?.calls, 1);
  checkNumber("stats.window", stats?.window, 1);
  checkNumber("maxModels", options.maxModels, 0);
  fallbacks.forEach((fallback, index) => {
    const { baseUrl, preset } = typeof fallback === "string" ? { baseUrl: fallback } : fallback;
    checkBaseUrl(`fallbacks[${index}]`, baseUrl);
    checkPreset(`fallbacks[${index}].preset`, preset);
  });
}

function checkNumber(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isFinite(value) && value >= least)) return;
  throw new RangeError(`${name}: ${String(value)} is not a number of at least ${least}.`);
}

function checkBaseUrl(name: string, value: string): void {
  const urls = parseBaseUrl(value);
  if ("fault" in urls) throw new RangeError(`${name}: the base URL ${urls.fault}. ${urls.fix}`);
}

function checkPreset(name: string, value: string | undefined): void {
  if (value === undefined || presetNamed(value) !== undefined) return;
  throw new RangeError(`${name}: there is no preset ${value}; there are ${presetNames.join(", ")}.`);
}

/** A logger that passes failures on, and nothing else. */
export function loggerOf(onError: MeterOptions["onError"]): Logger {
  const tell = (fields: object, message: string): void => {
    try {
      onError?.((fields as { err?: unknown }).err ?? new Error(message));
    } catch {
      // Whoever is told of failures may fail too; the call is not to notice.
    }
  };
  return { debug() {}, info() {}, warn: tell, error: tell };
}
