/** An upstream as the gateway uses it: configuration, preset and environment already merged. */
import type { balancePollers } from "../config/defaults.ts";
import type { Pricing } from "../prices/pricing.ts";
import type { DialectName } from "../usage/dialect.ts";

/** Milliseconds; each has its own error code. */
export interface Timeouts {
  readonly connect: number;
  readonly firstByte: number;
  readonly idle: number;
  readonly total: number;
}

/** Past either limit the upstream's answer is cancelled after all. */
export interface DrainLimits {
  readonly bytes: number;
  /** Milliseconds. */
  readonly time: number;
}

/** The kinds of account whose balance can be read. */
export type BalancePoller = (typeof balancePollers)[number];

/** Where an upstream tells what is left on its account; what is not given is the poller's own. */
export interface BalanceSource {
  readonly poller: BalancePoller;
  /** An address, or a path at the upstream's origin. */
  readonly url?: string | undefined;
  /** JSON Pointers. */
  readonly pointer?: string | undefined;
  readonly usedPointer?: string | undefined;
  readonly limitPointer?: string | undefined;
  /** How many of the numbers read are one of the currency. */
  readonly unit?: number | undefined;
  readonly currency?: string | undefined;
  /** Where it is not the upstream's own. */
  readonly apiKey?: string | undefined;
}

/** Models that probes ask, by kind. */
export interface ProbeModels {
  readonly chat?: string;
  readonly embeddings?: string;
  readonly images?: string;
}

/** What probes need to know of an upstream besides how it is called. */
export interface Probing {
  readonly balance: BalanceSource | undefined;
  readonly models: ProbeModels;
  /** Its list of models needs no key. */
  readonly publicModels: boolean;
}

/** How calls that fail are repeated at the same upstream. */
export interface Retries {
  /** The first one included. */
  readonly attempts: number;
  /** Milliseconds; doubled with each attempt, of which a random part is waited. */
  readonly backoff: number;
  /** Statuses of answers, and `connect` and `reset` for connections that failed. */
  readonly on: ReadonlySet<number | "connect" | "reset">;
}

/** When a second attempt is made beside one that has not begun to answer. */
export interface HedgeSettings {
  /** Milliseconds, or the quantile of the times in which answers began lately. */
  readonly after: number | "p90" | "p95" | "p99";
  /** Of fewer calls no quantile is told, and nothing is hedged. */
  readonly minCalls: number;
}

/** When a breaker opens, and for how long. Times in milliseconds. */
export interface BreakerSettings {
  /** Share of calls that fail, from 0 to 1. */
  readonly failures: number;
  /** Of fewer calls within the window no share is told. */
  readonly minCalls: number;
  readonly window: number;
  /** So many failures one after the other open it too, however few the calls are. */
  readonly consecutive: number;
  readonly openFor: number;
  /** Calls at a time that try whether it is well again, and that have to succeed. */
  readonly trials: number;
  /** Undefined: it is not compared with others. */
  readonly outlier?: OutlierSettings | undefined;
}

/** When an upstream is taken out because others of the same model fare far better. */
export interface OutlierSettings {
  /** By how much the share of its calls that fail is above the others', from 0 to 1. */
  readonly errors: number;
  /** How many times as late as the others' its answers begin. */
  readonly slower: number;
  /** Of fewer calls within a minute nothing is told. */
  readonly minCalls: number;
  /** Milliseconds; as much again with each time. */
  readonly ejectFor: number;
  /** At most this share of the upstreams of a model is out at a time, from 0 to 1. */
  readonly share: number;
}

export interface Upstream {
  /** As configured: the `upstream` label. */
  readonly name: string;
  /** The preset's name, else the upstream's: the `provider` label of some profiles. */
  readonly provider: string;
  /**
   * What an OpenAI client would use as its base URL, without trailing slash. `/v1/x` goes to `baseUrl/x`.
   */
  readonly baseUrl: string;
  /** `baseUrl` without a trailing version segment. `/v1beta/x` goes to `rootUrl/v1beta/x`. */
  readonly rootUrl: string;
  /** The key for this upstream; undefined when it needs none. */
  readonly apiKey: string | undefined;
  /** Where it has several, all of them, `apiKey` first. */
  readonly apiKeys?: readonly string[];
  readonly dialects: ReadonlySet<DialectName>;
  readonly timeouts: Timeouts;
  /** Undefined: calls are not repeated. */
  readonly retries?: Retries;
  /** Undefined: no call to it is hedged. */
  readonly hedge?: HedgeSettings;
  /** Undefined: it has no circuit breaker. */
  readonly breaker?: BreakerSettings;
  readonly onClientGone: "cancel" | "drain";
  /** How much of an answer is read on after its client left, when `onClientGone` is `drain`. */
  readonly drain: DrainLimits;
  /** The upstream understands `stream_options.include_usage`. */
  readonly includeUsage: boolean;
  /** Extra headers for every request, as name and value. */
  readonly headers: readonly (readonly [string, string])[];
  /** URL of an HTTP proxy to go through. */
  readonly proxy: string | undefined;
  /** PEM text of certificate authorities to trust besides the system's. */
  readonly ca: string | undefined;
  /** Glob patterns of models this vendor makes (`gpt-*`); a request for one prefers this upstream. */
  readonly owns: readonly string[];
  readonly pricing: Pricing;
  readonly probing?: Probing;
}
