/**
 * Traffic, told minute by minute, and the alerts it must raise: played to the evaluator in process and, as the same series,
 * to Prometheus.
 */
import {
  catalogue,
  type Definition,
  definitions,
  type GaugeDefinition,
} from "../../src/metrics/catalogue.ts";
import type { Registry } from "../../src/metrics/registry.ts";

export interface Scenario {
  readonly name: string;
  /** Seconds between samples; 30 unless it is a long one. */
  readonly stepS?: number;
  /** Look at these rules only. */
  readonly only?: readonly string[];
  /** Called before every sample. */
  traffic(registry: Registry, minute: number, nowS: number): void;
  /** The program is started again then: its counters begin at zero. */
  readonly restartsAt?: readonly number[];
  /** The names of all alerts that fire at these minutes. */
  readonly expected: Readonly<Record<number, readonly string[]>>;
}

interface Calls {
  readonly count: number;
  readonly failed?: number;
  /** Of the failures. */
  readonly type?: string;
  readonly status?: string;
  readonly seconds?: number;
  readonly firstToken?: number;
  readonly upstream?: string;
  readonly model?: string;
  readonly app?: string;
}

function calls(registry: Registry, options: Calls): void {
  const { count, failed = 0, type = "upstream_5xx", status = "502", seconds = 0.4 } = options;
  const { upstream = "a", model = "gpt-4.1", app = "shop" } = options;
  const requests = registry.counter(catalogue.requests);
  const at = (seen: string) => [upstream, model, "chat", app, seen, "POST"];
  requests.with(at("200")).inc(count - failed);
  requests.with(at(status)).inc(failed);
  const errors = registry.counter(catalogue.errors);
  for (const each of new Set([
    "upstream_5xx",
    "unreachable",
    "auth",
    "rate_limit",
    "timeout_idle",
    "bad_request",
    type,
  ])) {
    errors.with([upstream, model, "chat", each, status]).inc(each === type ? failed : 0);
  }
  const duration = registry.histogram(catalogue.duration).with([upstream, model, "chat", model, "", "POST"]);
  for (let i = 0; i < count; i++) duration.observe(seconds);
  if (options.firstToken === undefined) return;
  const first = registry.histogram(catalogue.firstToken).with([upstream, model, "chat", model]);
  for (let i = 0; i < count; i++) first.observe(options.firstToken);
}

function spend(registry: Registry, cents: number, model = "gpt-4.1"): void {
  registry
    .money(catalogue.cost)
    .with(["a", model, "shop"])
    .inc(BigInt(cents) * 10_000_000_000n);
}

/** Sets a gauge by its name, where the catalogue has it. */
function gauge(registry: Registry, name: string, labels: readonly string[], value: number): void {
  const definition = definitions.find((each: Definition) => each.name === name);
  if (definition !== undefined)
    registry
      .gauge(definition as GaugeDefinition)
      .with(labels)
      .set(value);
}

/** Whether every one of these is in the catalogue. */
function has(...names: readonly string[]): boolean {
  return names.every((name) => definitions.some((definition) => definition.name === name));
}

const HOUR_S = 3_600;
const WEEK_MINUTES = 7 * 24 * 60;
/** With this objective of 99.9 % a total failure pages by every window. */
const PAGES = ["slo-errors-1d", "slo-errors-1h", "slo-errors-3d", "slo-errors-6h"];

const SLOW_PAGES = ["slo-latency-1d", "slo-latency-1h", "slo-latency-3d", "slo-latency-6h"];

const all: readonly (Scenario & { readonly needs?: readonly string[] })[] = [
  { name: "no traffic", stepS: 60, traffic: () => undefined, expected: { 1: [], 30: [], 120: [] } },
  {
    name: "good traffic",
    stepS: 60,
    traffic: (registry) => calls(registry, { count: 20, firstToken: 0.3 }),
    expected: { 1: [], 30: [], 120: [] },
  },
  {
    name: "one failure of two calls",
    traffic: (registry, minute) => calls(registry, minute === 2 ? { count: 2, failed: 1 } : { count: 0 }),
    expected: { 3: [], 30: [] },
  },
  {
    name: "clients ask wrongly: that is nobody else's fault",
    traffic: (registry) => calls(registry, { count: 10, failed: 5, type: "bad_request", status: "400" }),
    expected: { 9: [], 30: ["low-success-rate"] },
  },
  {
    name: "a tenth fails, then it heals",
    traffic: (registry, minute) =>
      calls(registry, { count: 10, failed: minute >= 20 && minute < 40 ? 1 : 0 }),
    // In the end the short windows are clean again, but for the ticket's.
    expected: { 19: [], 30: ["error-rate", ...PAGES], 90: ["slo-errors-1d", "slo-errors-3d"] },
  },
  {
    name: "all goes well, and the program is started again",
    stepS: 60,
    restartsAt: [31, 62, 63],
    traffic: (registry) => calls(registry, { count: 20, firstToken: 0.3 }),
    expected: { 31: [], 33: [], 63: [], 65: [], 90: [] },
  },
  {
    name: "a tenth fails, and the program is started again and again",
    restartsAt: [12, 25, 26],
    traffic: (registry, minute) => calls(registry, { count: 20, failed: minute >= 3 ? 2 : 0 }),
    expected: {
      2: [],
      13: ["error-rate", ...PAGES],
      20: ["error-rate", ...PAGES],
      30: ["error-rate", ...PAGES],
    },
  },
  {
    name: "the upstream is gone, then it is back",
    traffic: (registry, minute) =>
      calls(registry, { count: 5, failed: minute >= 10 && minute < 30 ? 5 : 0, type: "unreachable" }),
    expected: {
      9: [],
      14: ["error-rate-high", ...PAGES, "upstream-down"],
      28: ["error-rate", "error-rate-high", "low-success-rate", ...PAGES, "upstream-down"],
      50: ["slo-errors-1d", "slo-errors-3d", "slo-errors-6h"],
    },
  },
  {
    name: "the key is refused",
    traffic: (registry, minute) =>
      calls(registry, { count: 4, failed: minute >= 10 ? 4 : 0, type: "auth", status: "401" }),
    expected: {
      9: [],
      18: ["error-rate", "error-rate-high", "key-refused", ...PAGES].sort(),
    },
  },
  {
    name: "the upstream limits the rate",
    traffic: (registry, minute) =>
      calls(registry, { count: 10, failed: minute >= 10 ? 1 : 0, type: "rate_limit", status: "429" }),
    expected: { 9: [], 20: ["error-rate", "rate-limited", ...PAGES].sort() },
  },
  {
    name: "streams stop amid their answer",
    traffic: (registry, minute) =>
      calls(registry, { count: 10, failed: minute >= 10 ? 1 : 0, type: "timeout_idle", status: "504" }),
    expected: { 9: [], 20: ["error-rate", ...PAGES, "timeouts"].sort() },
  },
  {
    name: "all is slow",
    traffic: (registry) => calls(registry, { count: 10, seconds: 25, firstToken: 8 }),
    expected: { 3: SLOW_PAGES, 30: ["high-latency", ...SLOW_PAGES, "slow-first-token"] },
  },
  {
    name: "slow compared with before",
    stepS: 60,
    traffic: (registry, minute) => calls(registry, { count: 20, seconds: minute < 120 ? 0.6 : 9 }),
    expected: { 119: [], 128: ["latency-spike", "slo-latency-3d"] },
  },
  {
    name: "only one of two upstreams fails",
    traffic: (registry, minute) => {
      calls(registry, { count: 20, upstream: "good" });
      calls(registry, { count: 2, failed: minute >= 20 ? 1 : 0, upstream: "bad", model: "m2" });
    },
    expected: { 19: [], 40: ["error-rate", "error-rate-high", "low-success-rate", ...PAGES].sort() },
  },
  {
    name: "an hour that costs far more than in past weeks",
    stepS: 900,
    only: ["cost-anomaly"],
    traffic: (registry, minute) => spend(registry, minute < 3 * WEEK_MINUTES ? 50 : 500),
    expected: {
      [3 * WEEK_MINUTES]: [],
      [3 * WEEK_MINUTES + 120]: ["cost-anomaly"],
    },
  },
  {
    name: "somebody guesses keys",
    traffic: (registry, minute) => {
      const rejected = registry.counter(catalogue.rejected).with(["anonymous", "auth"]);
      if (minute >= 10 && minute < 20) rejected.inc(10);
    },
    expected: { 9: [], 15: ["client-auth-failures"], 40: [] },
  },
  {
    name: "a model without a price",
    stepS: 60,
    traffic: (registry, minute) => {
      const tokens = registry.counter(catalogue.unpricedTokens).with(["a", "brand-new"]);
      if (minute === 10) tokens.inc(900);
    },
    expected: { 9: [], 12: ["unpriced-traffic"], 90: [] },
  },
  {
    name: "no usage is reported",
    traffic: (registry) => {
      const records = registry.counter(catalogue.usageRecords);
      records.with(["a", "m", "reported"]).inc(9);
      records.with(["a", "m", "missing"]).inc(1);
    },
    expected: { 5: [], 20: ["missing-usage"] },
  },
  {
    name: "a model that costs",
    stepS: 60,
    traffic: (registry, minute) => spend(registry, minute >= 10 ? 400 : 0, "claude-sonnet-4.5"),
    expected: { 10: [], 60: ["claude-cost", "model-cost-per-day"] },
  },
  {
    name: "expensive models answer nearly everything",
    stepS: 300,
    only: ["cheap-model-share-low"],
    traffic: (registry) => {
      const tokens = registry.counter(catalogue.outputTokens);
      tokens.with(["a", "gpt-4.1", "shop"]).inc(100_000);
      tokens.with(["a", "gpt-4.1-mini", "shop"]).inc(10_000);
    },
    expected: { 300: [], 480: ["cheap-model-share-low"] },
  },
  {
    name: "messages are refused",
    traffic: (registry, minute) => {
      const failed = registry.counter(catalogue.notifications).with(["ops", "failed"]);
      if (minute === 10) failed.inc();
    },
    expected: { 9: [], 11: ["notifications-failing"], 40: [] },
  },
  {
    name: "the configuration is refused",
    traffic: (registry, minute) =>
      gauge(registry, "bellwether_config_last_reload_success", [], minute >= 10 && minute < 30 ? 0 : 1),
    expected: { 12: [], 20: ["configuration-refused"], 40: [] },
  },
  {
    name: "the ledger is behind",
    needs: ["bellwether_ledger_lag_seconds"],
    traffic: (registry, minute) =>
      gauge(registry, "bellwether_ledger_lag_seconds", [], minute < 10 ? 1 : 400),
    expected: { 12: [], 20: ["ledger-lag"] },
  },
  {
    name: "a probe fails",
    needs: ["bellwether_probe_success"],
    traffic: (registry, minute) =>
      gauge(registry, "bellwether_probe_success", ["a", "chat", "m"], minute >= 10 && minute < 20 ? 0 : 1),
    expected: { 12: [], 15: ["probe-failing"], 25: [] },
  },
  {
    name: "the certificate ends",
    stepS: 60,
    needs: ["bellwether_upstream_certificate_expiry_timestamp_seconds"],
    traffic: (registry) =>
      gauge(registry, "bellwether_upstream_certificate_expiry_timestamp_seconds", ["a"], 7 * 86_400 + HOUR_S),
    expected: { 50: [], 80: ["certificate-expiring"] },
  },
  {
    name: "the key is revoked, and there is no traffic",
    traffic: (registry, minute) => {
      const revoked = minute >= 10 && minute < 20;
      gauge(registry, "bellwether_upstream_key_state", ["a", "1", "valid"], revoked ? 0 : 1);
      gauge(registry, "bellwether_upstream_key_state", ["a", "1", "invalid"], revoked ? 1 : 0);
      gauge(registry, "bellwether_upstream_key_state", ["a", "1", "no_quota"], 0);
    },
    expected: { 9: [], 15: ["key-invalid"], 25: [] },
  },
  {
    name: "the key's quota is used up",
    traffic: (registry, minute) =>
      gauge(registry, "bellwether_upstream_key_state", ["a", "1", "no_quota"], minute < 10 ? 0 : 1),
    expected: { 9: [], 15: ["key-without-quota"] },
  },
  {
    name: "the key ends in a week",
    stepS: 60,
    traffic: (registry) =>
      gauge(registry, "bellwether_upstream_key_expiry_timestamp_seconds", ["a", "1"], 7 * 86_400 + HOUR_S),
    expected: { 50: [], 80: ["key-expiring"] },
  },
  {
    name: "the balance ends",
    stepS: 60,
    needs: ["bellwether_upstream_balance_exhausted_timestamp_seconds"],
    traffic: (registry) =>
      gauge(registry, "bellwether_upstream_balance_exhausted_timestamp_seconds", ["a", "USD"], 7 * HOUR_S),
    expected: { 5: [], 30: ["balance-low"], 90: ["balance-ending", "balance-low"] },
  },
  {
    name: "the quota is used up",
    needs: ["bellwether_upstream_quota_used", "bellwether_upstream_quota_limit"],
    traffic: (registry, minute) => {
      gauge(registry, "bellwether_upstream_quota_limit", ["a", "USD"], 100);
      gauge(
        registry,
        "bellwether_upstream_quota_used",
        ["a", "USD"],
        minute < 10 ? 50 : minute < 30 ? 85 : 97,
      );
    },
    expected: { 9: [], 20: ["quota-80"], 40: ["quota-80", "quota-95"] },
  },
  {
    name: "a budget is spent",
    needs: ["bellwether_budget_used_usd", "bellwether_budget_limit_usd"],
    traffic: (registry, minute) => {
      gauge(registry, "bellwether_budget_limit_usd", ["app", "shop", "month"], 500);
      gauge(
        registry,
        "bellwether_budget_used_usd",
        ["app", "shop", "month"],
        minute < 10 ? 100 : minute < 30 ? 410 : 490,
      );
    },
    expected: { 9: [], 20: ["budget-80"], 40: ["budget-80", "budget-95"] },
  },
  {
    name: "the month will be dear",
    stepS: 60,
    needs: ["bellwether_month_projected_cost_usd"],
    traffic: (registry) => gauge(registry, "bellwether_month_projected_cost_usd", ["a"], 620),
    expected: { 30: [], 90: ["month-projection"] },
  },
  {
    name: "a breaker is open",
    needs: ["bellwether_breaker_state"],
    traffic: (registry, minute) =>
      gauge(registry, "bellwether_breaker_state", ["a"], minute >= 10 && minute < 20 ? 2 : 0),
    expected: { 9: [], 15: ["breaker-open"], 30: [] },
  },
];

/** Those whose metrics exist. */
export const scenarios: readonly Scenario[] = all.filter(({ needs = [] }) => has(...needs));
