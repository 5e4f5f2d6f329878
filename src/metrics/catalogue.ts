/**
 * The metric catalogue: every metric Bellwether keeps, declared once. The registry, docs/metrics.md, the
 * profiles and the dashboards all come from this table; adding a metric is adding one entry.
 */

import { ledgerCatalogue } from "./ledger-catalogue.ts";
import { watchCatalogue } from "./watch-catalogue.ts";

export interface Definition {
  /**
   * `money` is a counter of exact dollars; the expositions call it a counter.
   */
  readonly type: "counter" | "money" | "gauge" | "histogram";
  /** Base units; counters end in `_total`. */
  readonly name: string;
  /** What one unit of the value is. */
  readonly unit: string;
  readonly help: string;
  /** The labels that Bellwether's own profile shows. */
  readonly labels: readonly string[];
  /** Further labels that are kept for other profiles; Bellwether's own sums them away. */
  readonly detail?: readonly string[];
  /** Those of the labels that a client can influence; their values come from a bounded set. */
  readonly bounded?: readonly string[];
  /** Upper bucket bounds of a histogram, inclusive, unless the configuration says otherwise. */
  readonly bounds?: readonly number[];
  /** Kept for other profiles only. */
  readonly hidden?: true;
}

export type CounterDefinition = Definition & { readonly type: "counter" };
export type MoneyDefinition = Definition & { readonly type: "money" };
export type GaugeDefinition = Definition & { readonly type: "gauge" };
export type HistogramDefinition = Definition & { readonly type: "histogram" };

const MODEL = ["model"] as const;
const DETAIL_MODEL = ["model", "response_model"] as const;
const CALL = ["upstream", "model", "endpoint"] as const;
const SPENDER = ["upstream", "model", "app"] as const;

export const catalogue = {
  requests: {
    type: "counter",
    name: "bellwether_requests_total",
    unit: "calls",
    help: "Calls that have ended, by the HTTP status the client saw (499: the client had gone).",
    labels: [...CALL, "app", "status"],
    detail: ["method"],
    bounded: MODEL,
  },
  errors: {
    type: "counter",
    name: "bellwether_errors_total",
    unit: "calls",
    help: "Calls that have failed, by what went wrong.",
    labels: [...CALL, "type"],
    detail: ["status"],
    bounded: MODEL,
  },
  duration: {
    type: "histogram",
    name: "bellwether_request_duration_seconds",
    unit: "seconds",
    help: "Time from the arrival of a call to the end of its answer.",
    labels: CALL,
    detail: ["response_model", "error", "method"],
    bounded: DETAIL_MODEL,
    bounds: [0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 7.5, 10, 15, 30, 60, 120, 300],
  },
  firstToken: {
    type: "histogram",
    name: "bellwether_time_to_first_token_seconds",
    unit: "seconds",
    help: "Time from the arrival of a streaming call to the first output of the model.",
    labels: CALL,
    detail: ["response_model"],
    bounded: DETAIL_MODEL,
    bounds: [0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 30, 60],
  },
  perOutputToken: {
    type: "histogram",
    name: "bellwether_time_per_output_token_seconds",
    unit: "seconds",
    help: "Mean time per output token after the first, of streaming calls whose usage was reported.",
    labels: CALL,
    detail: ["response_model"],
    bounded: DETAIL_MODEL,
    bounds: [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1],
  },
  overhead: {
    type: "histogram",
    name: "bellwether_overhead_seconds",
    unit: "seconds",
    help: "Time a call spent in Bellwether, waiting neither for the upstream nor for the client.",
    labels: ["endpoint"],
    bounds: [0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1],
  },
  inFlight: {
    type: "gauge",
    name: "bellwether_requests_in_flight",
    unit: "calls",
    help: "Calls that have started and not ended.",
    labels: ["upstream", "model"],
    bounded: MODEL,
  },
  concurrency: {
    type: "histogram",
    name: "bellwether_concurrency",
    unit: "calls",
    help: "Calls in flight when a call started, itself included.",
    labels: ["upstream", "model"],
    bounded: MODEL,
    bounds: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000],
  },
  inputTokens: {
    type: "counter",
    name: "bellwether_input_tokens_total",
    unit: "tokens",
    help: "Input tokens, cached ones included.",
    labels: SPENDER,
    bounded: MODEL,
  },
  outputTokens: {
    type: "counter",
    name: "bellwether_output_tokens_total",
    unit: "tokens",
    help: "Output tokens, reasoning included.",
    labels: SPENDER,
    bounded: MODEL,
  },
  cachedInputTokens: {
    type: "counter",
    name: "bellwether_cached_input_tokens_total",
    unit: "tokens",
    help: "Input tokens that were read from a prompt cache; a part of the input tokens.",
    labels: SPENDER,
    bounded: MODEL,
  },
  cacheWriteInputTokens: {
    type: "counter",
    name: "bellwether_cache_write_input_tokens_total",
    unit: "tokens",
    help: "Input tokens that were written to a prompt cache; a part of the input tokens.",
    labels: SPENDER,
    bounded: MODEL,
  },
  reasoningOutputTokens: {
    type: "counter",
    name: "bellwether_reasoning_output_tokens_total",
    unit: "tokens",
    help: "Output tokens that were spent on reasoning; a part of the output tokens.",
    labels: SPENDER,
    bounded: MODEL,
  },
  audioTokens: {
    type: "counter",
    name: "bellwether_audio_tokens_total",
    unit: "tokens",
    help: "Audio tokens of input and output; a part of both.",
    labels: SPENDER,
    bounded: MODEL,
  },
  tokensPerCall: {
    type: "histogram",
    name: "bellwether_tokens_per_call",
    unit: "tokens",
    help: "Tokens of one call, input and output apart.",
    labels: [...CALL, "kind", "response_model"],
    bounded: DETAIL_MODEL,
    bounds: [],
    hidden: true,
  },
  usageRecords: {
    type: "counter",
    name: "bellwether_usage_records_total",
    unit: "calls",
    help: "Calls that should report usage, by where their usage came from.",
    labels: ["upstream", "model", "source"],
    bounded: MODEL,
  },
  cost: {
    type: "money",
    name: "bellwether_cost_usd_total",
    unit: "US dollars",
    help: "What calls cost at their upstream, in US dollars, exactly.",
    labels: SPENDER,
    bounded: MODEL,
  },
  listCost: {
    type: "money",
    name: "bellwether_list_cost_usd_total",
    unit: "US dollars",
    help: "What the same calls would have cost at the vendor's list price, in US dollars, exactly.",
    labels: SPENDER,
    bounded: MODEL,
  },
  unpricedTokens: {
    type: "counter",
    name: "bellwether_unpriced_tokens_total",
    unit: "tokens",
    help: "Tokens of calls to models without a price, which no cost metric counts.",
    labels: ["upstream", "model"],
    bounded: MODEL,
  },
  price: {
    type: "gauge",
    name: "bellwether_price_usd_per_million_tokens",
    unit: "US dollars per million tokens",
    help: "Price in force, in US dollars per million tokens.",
    labels: ["upstream", "model", "kind"],
    bounded: MODEL,
  },
  retries: {
    type: "counter",
    name: "bellwether_retries_total",
    unit: "attempts",
    help: "Attempts after the first, by what had gone wrong.",
    labels: ["upstream", "reason"],
  },
  fallbacks: {
    type: "counter",
    name: "bellwether_fallbacks_total",
    unit: "calls",
    help: "Calls that went on at another upstream, by what had gone wrong at the one before; `breaker`: they were not sent there, because its circuit breaker was open.",
    labels: ["from", "to", "reason"],
  },
  hedges: {
    type: "counter",
    name: "bellwether_hedges_total",
    unit: "attempts",
    help: "Second attempts at calls whose first was late to begin, by what became of them: `won` (answered first), `lost` (the first did), `failed`, `gone` (the client left).",
    labels: ["from", "to", "outcome"],
  },
  breakerState: {
    type: "gauge",
    name: "bellwether_breaker_state",
    unit: "0, 1 or 2",
    help: "The worst circuit breaker of the upstream's models: 0 closed, 1 half-open, 2 open.",
    labels: ["upstream"],
  },
  ejections: {
    type: "counter",
    name: "bellwether_upstream_ejections_total",
    unit: "times",
    help: "How often an upstream was taken out because others of the same model fared far better: fewer of their calls failed (`errors`), or their answers began sooner (`latency`). Only where `breaker.outlier` is configured.",
    labels: ["upstream", "reason"],
  },
  routeDecisions: {
    type: "counter",
    name: "bellwether_route_decisions_total",
    unit: "calls",
    help: "Calls by the rules that decided where they go (`default`: none did). Only where routes are configured.",
    labels: ["route", "upstream", "model"],
    bounded: MODEL,
  },
  routeActive: {
    type: "gauge",
    name: "bellwether_route_active",
    unit: "1 or 0",
    help: "Whether a route that goes by how calls fare (`when.state`) takes calls at the moment.",
    labels: ["route"],
  },
  rejected: {
    type: "counter",
    name: "bellwether_rejected_total",
    unit: "calls",
    help: "Calls that Bellwether refused, by the rule that refused them.",
    labels: ["app", "reason"],
  },
  appLabel: {
    type: "gauge",
    name: "bellwether_app_label",
    unit: "1",
    help: "The configured labels of an app, and its team, to join with metrics that have an `app`: always 1.",
    labels: ["app", "label", "value"],
  },
  queueWaiting: {
    type: "gauge",
    name: "bellwether_queue_waiting",
    unit: "calls",
    help: "Calls that wait for room under a limit. Only where `queue` is configured.",
    labels: ["app"],
  },
  queueWait: {
    type: "histogram",
    name: "bellwether_queue_wait_seconds",
    unit: "seconds",
    help: "How long calls waited for room under a limit, of those that had to, and what became of them then: `admitted`, `refused`, or `left` (the client was gone).",
    labels: ["app", "outcome"],
    bounds: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
  budgetLimitUsd: {
    type: "gauge",
    name: "bellwether_budget_limit_usd",
    unit: "US dollars",
    help: "Money budgets, in US dollars.",
    labels: ["scope", "name", "window"],
  },
  budgetUsedUsd: {
    type: "gauge",
    name: "bellwether_budget_used_usd",
    unit: "US dollars",
    help: "What a money budget has used in its current period, in US dollars; reservations of running calls are not included.",
    labels: ["scope", "name", "window"],
  },
  budgetLimitTokens: {
    type: "gauge",
    name: "bellwether_budget_limit_tokens",
    unit: "tokens",
    help: "Token budgets.",
    labels: ["scope", "name", "window"],
  },
  budgetUsedTokens: {
    type: "gauge",
    name: "bellwether_budget_used_tokens",
    unit: "tokens",
    help: "What a token budget has used in its current period; reservations of running calls are not included.",
    labels: ["scope", "name", "window"],
  },
  limitsUnavailable: {
    type: "counter",
    name: "bellwether_limits_unavailable_total",
    unit: "calls",
    help: "Calls whose limits could not be checked because the counters in Redis could not be reached: let through (`open`) or refused (`closed`).",
    labels: ["policy"],
  },
  settlementsLost: {
    type: "counter",
    name: "bellwether_limits_lost_settlements_total",
    unit: "calls",
    help: "Calls that limits and budgets will never count, because too many waited for Redis to come back.",
    labels: [],
  },
  rateLimitRemaining: {
    type: "gauge",
    name: "bellwether_upstream_ratelimit_remaining",
    unit: "requests or tokens",
    help: "What the upstream's rate limit still allowed at its last answer.",
    labels: ["upstream", "model", "resource"],
    bounded: MODEL,
  },
  rateLimitLimit: {
    type: "gauge",
    name: "bellwether_upstream_ratelimit_limit",
    unit: "requests or tokens",
    help: "The upstream's rate limit at its last answer.",
    labels: ["upstream", "model", "resource"],
    bounded: MODEL,
  },
  ...watchCatalogue,
  alertFiring: {
    type: "gauge",
    name: "bellwether_alert_firing",
    unit: "alerts",
    help: "Alerts that fire, by name and severity, as evaluated here.",
    labels: ["alert", "severity"],
  },
  notifications: {
    type: "counter",
    name: "bellwether_notifications_total",
    unit: "messages",
    help: "Messages to channels: `sent`, `retried` (an attempt failed and is repeated), `failed` (given up), `dropped` (too many waited).",
    labels: ["channel", "outcome"],
  },
  labelOverflow: {
    type: "counter",
    name: "bellwether_label_overflow_total",
    unit: "values",
    help: "Values that were counted as `other`, being unknown or one too many.",
    labels: ["label"],
  },
  ...ledgerCatalogue,
  reloadSuccess: {
    type: "gauge",
    name: "bellwether_config_last_reload_success",
    unit: "1 or 0",
    help: "Whether the last reading of the configuration succeeded.",
    labels: [],
  },
  reloadTimestamp: {
    type: "gauge",
    name: "bellwether_config_last_reload_timestamp_seconds",
    unit: "seconds since the epoch",
    help: "When the configuration in force was read.",
    labels: [],
  },
  buildInfo: {
    type: "gauge",
    name: "bellwether_build_info",
    unit: "always 1",
    help: "The versions of Bellwether and Node.js that run.",
    labels: ["version", "node"],
  },
} as const satisfies Record<string, Definition>;

/** The catalogue as a list, in the order of exposition. */
export const definitions: readonly Definition[] = Object.values(catalogue);
