/**
 * One row of the ledger, and the table's columns: the single list from which both databases' schemas, the
 * inserts and the export formats are made. Order and names are what users see in SQL and in exported files.
 */
import type { Usage } from "../usage/usage.ts";

/**
 * A call and how it ended. Of a call that was still running when the process died nothing but its start is
 * known: it is `interrupted`, with status 0, source `missing` and durations of 0.
 */
export interface LedgerRow extends Usage {
  readonly interrupted: boolean;
}

/**
 * What a column holds. `money` is US dollars with twelve decimals, exactly (DECIMAL(38, 12)), so that a
 * pico-dollar is its unit; `time` is UTC with milliseconds; `category` is text with few different values.
 */
export type ColumnType = "text" | "category" | "boolean" | "integer" | "float" | "money" | "time";

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** The call may have no value here. */
  readonly nullable?: true;
  /** Milliseconds for `time`, pico-dollars for `money`. */
  value(row: LedgerRow): string | number | bigint | boolean | undefined;
}

export const COLUMNS: readonly Column[] = [
  { name: "id", type: "text", value: (row) => row.id },
  { name: "started_at", type: "time", value: (row) => row.startedAt },
  { name: "app", type: "category", value: (row) => row.app },
  { name: "team", type: "category", value: (row) => row.team },
  { name: "upstream", type: "category", value: (row) => row.upstream },
  { name: "endpoint", type: "category", value: (row) => row.endpoint },
  { name: "model", type: "category", value: (row) => row.modelLabel },
  { name: "model_requested", type: "text", value: (row) => row.modelRequested },
  { name: "model_sent", type: "text", value: (row) => row.modelSent },
  { name: "model_answered", type: "text", value: (row) => row.modelAnswered },
  { name: "route", type: "category", value: (row) => row.route },
  { name: "probe", type: "boolean", value: (row) => row.probe },
  { name: "streaming", type: "boolean", value: (row) => row.streaming },
  { name: "interrupted", type: "boolean", value: (row) => row.interrupted },
  { name: "method", type: "category", value: (row) => row.method },
  { name: "path", type: "text", value: (row) => row.path },
  { name: "status", type: "integer", value: (row) => row.status },
  { name: "error_type", type: "category", nullable: true, value: (row) => row.errorType },
  { name: "error_code", type: "category", nullable: true, value: (row) => row.errorCode },
  { name: "trace_id", type: "text", value: (row) => row.traceId },
  { name: "upstream_request_id", type: "text", value: (row) => row.upstreamRequestId },
  { name: "service_tier", type: "category", value: (row) => row.serviceTier },
  { name: "source", type: "category", value: (row) => row.source },
  { name: "billable", type: "boolean", value: (row) => row.billable },
  { name: "input_tokens", type: "integer", nullable: true, value: (row) => row.quantities.inputTokens },
  {
    name: "cached_input_tokens",
    type: "integer",
    nullable: true,
    value: (row) => row.quantities.cachedInputTokens,
  },
  {
    name: "cache_write_5m_tokens",
    type: "integer",
    nullable: true,
    value: (row) => row.quantities.cacheWrite5mTokens,
  },
  {
    name: "cache_write_1h_tokens",
    type: "integer",
    nullable: true,
    value: (row) => row.quantities.cacheWrite1hTokens,
  },
  {
    name: "audio_input_tokens",
    type: "integer",
    nullable: true,
    value: (row) => row.quantities.audioInputTokens,
  },
  {
    name: "image_input_tokens",
    type: "integer",
    nullable: true,
    value: (row) => row.quantities.imageInputTokens,
  },
  { name: "output_tokens", type: "integer", nullable: true, value: (row) => row.quantities.outputTokens },
  {
    name: "reasoning_tokens",
    type: "integer",
    nullable: true,
    value: (row) => row.quantities.reasoningTokens,
  },
  {
    name: "audio_output_tokens",
    type: "integer",
    nullable: true,
    value: (row) => row.quantities.audioOutputTokens,
  },
  {
    name: "image_output_tokens",
    type: "integer",
    nullable: true,
    value: (row) => row.quantities.imageOutputTokens,
  },
  { name: "images", type: "integer", nullable: true, value: (row) => row.quantities.images },
  { name: "characters", type: "integer", nullable: true, value: (row) => row.quantities.characters },
  { name: "audio_ms", type: "integer", nullable: true, value: (row) => row.quantities.audioMs },
  { name: "cost", type: "money", nullable: true, value: (row) => row.cost },
  { name: "list_cost", type: "money", nullable: true, value: (row) => row.listCost },
  { name: "duration_ms", type: "float", value: (row) => row.durationMs },
  { name: "first_token_ms", type: "float", nullable: true, value: (row) => row.firstTokenMs },
  { name: "first_byte_ms", type: "float", nullable: true, value: (row) => row.firstByteMs },
  { name: "overhead_ms", type: "float", value: (row) => row.overheadMs },
  { name: "bytes_in", type: "integer", value: (row) => row.bytesIn },
  { name: "bytes_out", type: "integer", value: (row) => row.bytesOut },
  { name: "retries", type: "integer", value: (row) => row.retries },
  { name: "sent_ms", type: "float", nullable: true, value: (row) => row.sentMs },
];
