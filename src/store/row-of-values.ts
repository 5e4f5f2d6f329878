/** A row of the ledger from the values of its columns, as a store tells them or an exported file has them. */
import { scaled } from "../core/money.ts";
import type { Quantities } from "../core/quantities.ts";
import { COLUMNS, type LedgerRow } from "./ledger-row.ts";
import type { Value } from "./ledger-store.ts";

/** Reads each column by its type. @throws RangeError naming the column whose value does not fit */
export function rowOfValues(values: Readonly<Record<string, Value | undefined>>): LedgerRow {
  const read = new Map<string, string | number | bigint | boolean | undefined>();
  for (const { name, type, nullable } of COLUMNS) {
    const value = values[name] ?? null;
    if (value === null) {
      if (!nullable && (name === "id" || name === "started_at")) throw new RangeError(`${name} is missing`);
      read.set(
        name,
        nullable ? undefined : type === "text" || type === "category" ? "" : type === "boolean" ? false : 0,
      );
      continue;
    }
    switch (type) {
      case "text":
      case "category":
        read.set(name, String(value));
        break;
      case "boolean":
        if (value !== true && value !== false) throw new RangeError(`${name} is not true or false`);
        read.set(name, value);
        break;
      case "integer":
      case "time":
        if (!Number.isSafeInteger(value)) throw new RangeError(`${name} is not a whole number`);
        read.set(name, Number(value));
        break;
      case "float":
        if (!Number.isFinite(value)) throw new RangeError(`${name} is not a number`);
        read.set(name, Number(value));
        break;
      case "money":
        if (typeof value === "boolean") throw new RangeError(`${name} is no amount of money`);
        read.set(name, scaled(value, 12));
        break;
    }
  }
  const get = <T>(name: string): T => read.get(name) as T;
  const quantities: Record<string, number> = {};
  for (const [field, column] of Object.entries(QUANTITY_COLUMNS)) {
    const value = get<number | undefined>(column);
    if (value !== undefined) quantities[field] = value;
  }
  return {
    id: get("id"),
    startedAt: get("started_at"),
    app: get("app"),
    team: get("team"),
    probe: get("probe"),
    upstream: get("upstream"),
    endpoint: get("endpoint"),
    modelRequested: get("model_requested"),
    route: get("route"),
    modelSent: get("model_sent"),
    modelLabel: get("model"),
    streaming: get("streaming"),
    method: get("method"),
    path: get("path"),
    traceId: get("trace_id"),
    bytesIn: get("bytes_in"),
    status: get("status"),
    errorType: get("error_type"),
    errorCode: get("error_code"),
    modelAnswered: get("model_answered"),
    upstreamRequestId: get("upstream_request_id"),
    serviceTier: get("service_tier"),
    quantities: quantities as Quantities,
    source: get("source"),
    billable: get("billable"),
    cost: get("cost"),
    listCost: get("list_cost"),
    durationMs: get("duration_ms"),
    firstTokenMs: get("first_token_ms"),
    firstByteMs: get("first_byte_ms"),
    sentMs: get("sent_ms"),
    overheadMs: get("overhead_ms"),
    bytesOut: get("bytes_out"),
    retries: get("retries"),
    interrupted: get("interrupted"),
  };
}

/** What the columns of quantities are called. */
export const QUANTITY_COLUMNS: Readonly<Record<keyof Quantities, string>> = {
  inputTokens: "input_tokens",
  cachedInputTokens: "cached_input_tokens",
  cacheWrite5mTokens: "cache_write_5m_tokens",
  cacheWrite1hTokens: "cache_write_1h_tokens",
  audioInputTokens: "audio_input_tokens",
  imageInputTokens: "image_input_tokens",
  outputTokens: "output_tokens",
  reasoningTokens: "reasoning_tokens",
  audioOutputTokens: "audio_output_tokens",
  imageOutputTokens: "image_output_tokens",
  images: "images",
  characters: "characters",
  audioMs: "audio_ms",
};
