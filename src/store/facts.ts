/**
 * What can be counted over a group of calls: every sum, count and percentile that any report shows, once.
 * Reports choose from these, and make ratios of them, so that totals are right too; sums of hours and days
 * (rollups.ts) keep all of them.
 */
import type { SqlDialect } from "./ledger-store.ts";

/** Failures that the caller is answerable for, or nobody: the client left before the end. */
const GONE = "error_type = 'client_gone'";

/** Neither failed nor left, with an answer. */
export const SUCCEEDED = "(NOT interrupted AND error_type IS NULL AND status >= 200 AND status < 400)";
export const FAILED = `(NOT interrupted AND NOT coalesce(${GONE}, 1 = 0) AND (error_type IS NOT NULL OR status < 200 OR status >= 400))`;

/** Failures that show that the upstream was not there to serve: what availability counts. */
const UNAVAILABLE =
  "(NOT interrupted AND error_type IN ('timeout_connect', 'timeout_first_byte', 'timeout_idle', 'unreachable', 'reset', 'upstream_5xx', 'malformed'))";
/** Calls that were decided by the upstream: neither refused here, nor left by the client. */
const REACHED =
  "(NOT interrupted AND upstream <> 'none' AND (error_type IS NULL OR error_type NOT IN ('client_gone', 'rejected')))";

const UNPRICED = "(billable AND NOT interrupted AND cost IS NULL AND source <> 'missing')";
const PRICED_TOKENS = "coalesce(input_tokens, 0) + coalesce(output_tokens, 0)";
const BOTH_PRICED = "cost IS NOT NULL AND list_cost IS NOT NULL";

type Aggregate = (sql: SqlDialect) => string;

const countIf =
  (condition: string): Aggregate =>
  (sql) =>
    sql.countIf(condition);
const sum =
  (column: string): Aggregate =>
  () =>
    `sum(coalesce(${column}, 0))`;
const money =
  (expression: string): Aggregate =>
  (sql) =>
    sql.sumMoney(expression);
const sumIf =
  (condition: string, expression: string): Aggregate =>
  () =>
    `sum(CASE WHEN ${condition} THEN ${expression} ELSE 0 END)`;

/** Counts and sums. */
export const AGGREGATES = {
  calls: () => "count(*)",
  succeeded: countIf(SUCCEEDED),
  failed: countIf(FAILED),
  gone: countIf(`(NOT interrupted AND coalesce(${GONE}, 1 = 0))`),
  interrupted: countIf("interrupted"),
  unavailable: countIf(UNAVAILABLE),
  reached: countIf(REACHED),
  retries: sum("retries"),
  inputTokens: sum("input_tokens"),
  cachedTokens: sum("cached_input_tokens"),
  cacheWriteTokens: () => "sum(coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0))",
  outputTokens: sum("output_tokens"),
  reasoningTokens: sum("reasoning_tokens"),
  audioTokens: () => "sum(coalesce(audio_input_tokens, 0) + coalesce(audio_output_tokens, 0))",
  images: sum("images"),
  characters: sum("characters"),
  audioMs: sum("audio_ms"),
  bytesIn: sum("bytes_in"),
  bytesOut: sum("bytes_out"),
  reported: countIf("(billable AND source = 'reported')"),
  estimated: countIf("(billable AND source = 'estimated')"),
  partial: countIf("(billable AND source = 'partial')"),
  missing: countIf("(billable AND NOT interrupted AND source = 'missing')"),
  unpriced: countIf(UNPRICED),
  pricedTokens: sumIf("cost IS NOT NULL", PRICED_TOKENS),
  cost: money("cost"),
  listCost: money("list_cost"),
  /** Of the calls that have both: only these can be compared. */
  comparedCost: money(`CASE WHEN ${BOTH_PRICED} THEN cost END`),
  comparedList: money(`CASE WHEN ${BOTH_PRICED} THEN list_cost END`),
  firstSeen: () => "min(started_at)",
  lastSeen: () => "max(started_at)",
  maxDuration: () => `max(CASE WHEN ${SUCCEEDED} THEN duration_ms END)`,
} satisfies Record<string, Aggregate>;

/** What is not simply added up when groups are put together, or is no whole number. */
const KINDS: Partial<Record<AggregateName, AggregateKind>> = {
  cost: { combine: "sum", type: "money" },
  listCost: { combine: "sum", type: "money" },
  comparedCost: { combine: "sum", type: "money" },
  comparedList: { combine: "sum", type: "money" },
  firstSeen: { combine: "min", type: "time" },
  lastSeen: { combine: "max", type: "time" },
  maxDuration: { combine: "max", type: "float" },
};

export interface AggregateKind {
  /** How those of several groups become that of all. */
  readonly combine: "sum" | "min" | "max";
  readonly type: "integer" | "money" | "time" | "float";
}

export function kindOf(name: AggregateName): AggregateKind {
  return KINDS[name] ?? { combine: "sum", type: "integer" };
}

const ok = (column: string) => `CASE WHEN ${SUCCEEDED} THEN ${column} END`;
const TOKEN_PACE = `CASE WHEN ${SUCCEEDED} AND first_token_ms IS NOT NULL AND output_tokens > 1 AND duration_ms >= first_token_ms THEN (duration_ms - first_token_ms) / (output_tokens - 1) END`;

/** What percentiles are of, NULL for the calls that do not count: only those that succeeded, a quick refusal is no quick answer. */
export const VALUES = {
  duration: ok("duration_ms"),
  firstToken: ok("first_token_ms"),
  firstByte: ok("first_byte_ms"),
  perToken: TOKEN_PACE,
  overhead: ok("overhead_ms"),
} satisfies Record<string, string>;

export type ValueName = keyof typeof VALUES;

interface QuantileFact {
  readonly of: ValueName;
  readonly q: number;
}

/** Percentiles. */
export const QUANTILES = {
  p50: { of: "duration", q: 0.5 },
  p95: { of: "duration", q: 0.95 },
  p99: { of: "duration", q: 0.99 },
  firstTokenP50: { of: "firstToken", q: 0.5 },
  firstTokenP95: { of: "firstToken", q: 0.95 },
  firstTokenP99: { of: "firstToken", q: 0.99 },
  firstByteP50: { of: "firstByte", q: 0.5 },
  perTokenP50: { of: "perToken", q: 0.5 },
  overheadP50: { of: "overhead", q: 0.5 },
  overheadP99: { of: "overhead", q: 0.99 },
} satisfies Record<string, QuantileFact>;

export type AggregateName = keyof typeof AGGREGATES;
export type QuantileName = keyof typeof QUANTILES;
export type FactName = AggregateName | QuantileName;

export function isQuantile(name: FactName): name is QuantileName {
  return Object.hasOwn(QUANTILES, name);
}

/** Classes per factor of ten: neighbours differ by 1.16 %, so that a class's middle is at most 0.58 % off. */
export const CLASSES_PER_DECADE = 200;

/** Values below count as this: a microsecond, where values are milliseconds. */
const SMALLEST = 0.001;

/** SQL of the class of a value: calls are counted by class where there are too many to sort. */
export function classSql(expression: string): string {
  return `floor(log10(CASE WHEN ${expression} > ${SMALLEST} THEN ${expression} ELSE ${SMALLEST} END) * ${CLASSES_PER_DECADE})`;
}
