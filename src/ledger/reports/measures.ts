/** The columns that reports show: each made of facts by the same rule in every row and in the totals. */
import { formatUsd, type Pico, scaled } from "../../core/money.ts";
import type { FactName } from "../../store/facts.ts";
import type { Value } from "../../store/ledger-store.ts";
import type { ReportColumn, Unit } from "./report.ts";

/** The facts of one group, those of them that were asked for. */
export type Facts = Readonly<Partial<Record<FactName, Value>>>;

export interface Measure {
  readonly column: ReportColumn;
  /** What has to be asked for. */
  readonly facts: readonly FactName[];
  value(facts: Facts, totals: Facts): Value;
}

export function numberOf(facts: Facts, name: FactName): number {
  return Number(facts[name] ?? 0);
}

/** Undefined when nothing had a price. */
export function picoOf(facts: Facts, name: FactName): Pico | undefined {
  const value = facts[name];
  return value === null || value === undefined ? undefined : scaled(String(value), 12);
}

export function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

/** Exact enough for any ratio: both parts in pico-dollars. */
export function ratioOfMoney(part: Pico, whole: Pico): number | null {
  return whole === 0n ? null : Number((part * 1_000_000_000n) / whole) / 1e9;
}

function usd(pico: Pico | undefined): string | null {
  return pico === undefined ? null : formatUsd(pico);
}

function plain(name: string, title: string, unit: Unit, fact: FactName): Measure {
  return {
    column: { name, title, unit },
    facts: [fact],
    value: (facts) => {
      const value = facts[fact];
      if (value === null || value === undefined) return null;
      return unit === "usd" ? formatUsd(scaled(String(value), 12)) : Number(value);
    },
  };
}

function share(name: string, title: string, part: FactName, wholes: readonly FactName[]): Measure {
  return {
    column: { name, title, unit: "ratio" },
    facts: [part, ...wholes],
    value: (facts) => {
      const whole = wholes.reduce((sum, fact) => sum + numberOf(facts, fact), 0);
      return ratio(numberOf(facts, part), whole);
    },
  };
}

/** Per so many tokens, of the calls that have a price; rounded to a pico-dollar. */
function perTokens(name: string, title: string, tokens: number): Measure {
  return {
    column: { name, title, unit: "usd" },
    facts: ["cost", "pricedTokens"],
    value: (facts) => {
      const cost = picoOf(facts, "cost");
      const counted = BigInt(numberOf(facts, "pricedTokens"));
      if (cost === undefined || counted === 0n) return null;
      return formatUsd((cost * BigInt(tokens) + counted / 2n) / counted);
    },
  };
}

export const MEASURES = {
  calls: plain("calls", "calls", "count", "calls"),
  succeeded: plain("succeeded", "ok", "count", "succeeded"),
  failed: plain("failed", "failed", "count", "failed"),
  gone: plain("client_gone", "client gone", "count", "gone"),
  interrupted: plain("interrupted", "interrupted", "count", "interrupted"),
  retries: plain("retries", "retries", "count", "retries"),
  /** Of the calls that ended by themselves: neither left by the client nor interrupted. */
  successRate: share("success_rate", "success", "succeeded", ["succeeded", "failed"]),
  errorRate: share("error_rate", "errors", "failed", ["succeeded", "failed"]),
  availability: {
    column: { name: "availability", title: "available", unit: "ratio" },
    facts: ["unavailable", "reached"],
    value: (facts) => {
      const failed = ratio(numberOf(facts, "unavailable"), numberOf(facts, "reached"));
      return failed === null ? null : 1 - failed;
    },
  },
  p50: plain("p50_ms", "p50", "milliseconds", "p50"),
  p95: plain("p95_ms", "p95", "milliseconds", "p95"),
  p99: plain("p99_ms", "p99", "milliseconds", "p99"),
  max: plain("max_ms", "max", "milliseconds", "maxDuration"),
  firstTokenP50: plain("first_token_p50_ms", "1st token p50", "milliseconds", "firstTokenP50"),
  firstTokenP95: plain("first_token_p95_ms", "1st token p95", "milliseconds", "firstTokenP95"),
  firstTokenP99: plain("first_token_p99_ms", "1st token p99", "milliseconds", "firstTokenP99"),
  firstByteP50: plain("first_byte_p50_ms", "1st byte p50", "milliseconds", "firstByteP50"),
  perTokenP50: plain("per_token_p50_ms", "per token p50", "milliseconds", "perTokenP50"),
  overheadP50: plain("overhead_p50_ms", "overhead p50", "milliseconds", "overheadP50"),
  overheadP99: plain("overhead_p99_ms", "overhead p99", "milliseconds", "overheadP99"),
  inputTokens: plain("input_tokens", "input", "tokens", "inputTokens"),
  cachedTokens: plain("cached_input_tokens", "cached", "tokens", "cachedTokens"),
  cacheHits: share("cache_hit_ratio", "cache hits", "cachedTokens", ["inputTokens"]),
  cacheWriteTokens: plain("cache_write_tokens", "cache writes", "tokens", "cacheWriteTokens"),
  outputTokens: plain("output_tokens", "output", "tokens", "outputTokens"),
  reasoningTokens: plain("reasoning_tokens", "reasoning", "tokens", "reasoningTokens"),
  audioTokens: plain("audio_tokens", "audio", "tokens", "audioTokens"),
  images: plain("images", "images", "count", "images"),
  characters: plain("characters", "characters", "count", "characters"),
  audioMs: plain("audio_ms", "audio time", "milliseconds", "audioMs"),
  bytesIn: plain("bytes_in", "bytes in", "bytes", "bytesIn"),
  bytesOut: plain("bytes_out", "bytes out", "bytes", "bytesOut"),
  reported: plain("reported", "reported", "count", "reported"),
  estimated: plain("estimated", "estimated", "count", "estimated"),
  partial: plain("partial", "partial", "count", "partial"),
  missing: plain("missing", "missing", "count", "missing"),
  unpriced: plain("unpriced", "unpriced", "count", "unpriced"),
  cost: plain("cost_usd", "cost", "usd", "cost"),
  costShare: {
    column: { name: "cost_share", title: "share", unit: "ratio" },
    facts: ["cost"],
    value: (facts, totals) => ratioOfMoney(picoOf(facts, "cost") ?? 0n, picoOf(totals, "cost") ?? 0n),
  },
  listCost: plain("list_cost_usd", "list price", "usd", "listCost"),
  /** Of the calls that have both prices. */
  saving: {
    column: { name: "saving_usd", title: "saving", unit: "usd" },
    facts: ["comparedCost", "comparedList"],
    value: (facts) => {
      const [cost, list] = [picoOf(facts, "comparedCost"), picoOf(facts, "comparedList")];
      return cost === undefined || list === undefined ? null : usd(list - cost);
    },
  },
  savingRatio: {
    column: { name: "saving_ratio", title: "saved", unit: "ratio" },
    facts: ["comparedCost", "comparedList"],
    value: (facts) => {
      const [cost, list] = [picoOf(facts, "comparedCost"), picoOf(facts, "comparedList")];
      return cost === undefined || list === undefined ? null : ratioOfMoney(list - cost, list);
    },
  },
  costPerThousand: perTokens("cost_per_1k_tokens_usd", "per 1K tokens", 1_000),
  costPerMillion: perTokens("cost_per_1m_tokens_usd", "per 1M tokens", 1_000_000),
  lastSeen: plain("last_seen", "last seen", "time", "lastSeen"),
} satisfies Record<string, Measure>;
