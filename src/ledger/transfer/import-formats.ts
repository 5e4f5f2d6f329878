/** What can be imported, and how its columns become a row of the ledger. One entry a format. */
import { createHash } from "node:crypto";
import { type Pico, scaled } from "../../core/money.ts";
import type { Quantities } from "../../core/quantities.ts";
import { COLUMNS, type LedgerRow } from "../../store/ledger-row.ts";
import type { Value } from "../../store/ledger-store.ts";
import { rowOfValues } from "../../store/row-of-values.ts";
import type { Endpoint } from "../../usage/usage.ts";

/** A record of a file: names and texts, or JSON's values. */
export type Fields = Readonly<Record<string, unknown>>;

export interface ImportFormat {
  readonly name: string;
  /** Recognised by these names among a record's. */
  readonly columns: readonly string[];
  /** The row; undefined for a record that is no call. @throws RangeError saying what is wrong with which column */
  row(fields: Fields): LedgerRow | undefined;
}

/** new-api's `quota_per_unit`: 500,000 units of quota are one US dollar. */
const PICO_PER_QUOTA = 1_000_000_000_000n / 500_000n;

/** Kinds of new-api's log: 2 is a call that was charged, 5 one that failed; the rest are top-ups and settings. */
const NEW_API_CHARGED = 2;
const NEW_API_FAILED = 5;

const ledger: ImportFormat = {
  name: "Bellwether's export",
  columns: ["id", "started_at", "model_sent", "upstream"],
  row: (fields) => rowOfValues(valuesOf(fields)),
};

/** LiteLLM's table of spend logs (LiteLLM_SpendLogs). */
const litellm: ImportFormat = {
  name: "LiteLLM's spend logs",
  columns: ["request_id", "startTime", "spend"],
  row(fields) {
    const startedAt = time(fields, "startTime");
    const endedAt = time(fields, "endTime");
    const firstAt =
      text(fields, "completionStartTime") === "" ? undefined : time(fields, "completionStartTime");
    const failed = text(fields, "status") === "failure";
    const metadata = json(text(fields, "metadata"));
    const model = text(fields, "model_group") || text(fields, "model");
    const sent = text(fields, "model") || model;
    const callType = text(fields, "call_type");
    const streaming = firstAt !== undefined && firstAt < endedAt;
    return {
      ...blank(importedId("litellm", required(fields, "request_id"), startedAt), startedAt),
      app: text(metadata, "user_api_key_alias") || text(fields, "user") || "imported",
      team: text(metadata, "user_api_key_team_alias") || text(fields, "team_id"),
      upstream: text(fields, "custom_llm_provider") || "litellm",
      endpoint: endpointOf(callType),
      path: callType,
      modelRequested: model,
      modelSent: sent,
      modelLabel: model || "other",
      modelAnswered: sent,
      upstreamRequestId: required(fields, "request_id"),
      streaming,
      status: failed ? 500 : 200,
      errorType: failed ? "upstream_5xx" : undefined,
      quantities: quantities(fields),
      source: "reported",
      billable: !failed,
      cost: money(fields, "spend"),
      durationMs: Math.max(0, endedAt - startedAt),
      firstTokenMs: streaming ? Math.max(0, firstAt - startedAt) : undefined,
    };
  },
};

/** new-api's (and one-api's) log. */
const newApi: ImportFormat = {
  name: "new-api's log",
  columns: ["created_at", "quota", "model_name"],
  row(fields) {
    const type = whole(fields, "type") ?? NEW_API_CHARGED;
    if (type !== NEW_API_CHARGED && type !== NEW_API_FAILED) return undefined;
    const startedAt = newApiTime(fields);
    const failed = type === NEW_API_FAILED;
    const other = json(text(fields, "other"));
    const model = required(fields, "model_name");
    const sent = text(other, "upstream_model_name") || model;
    const durationMs = (whole(fields, "use_time") ?? 0) * 1000;
    const firstMs = whole(other, "frt");
    const cached = whole(other, "cache_tokens");
    const channel = text(fields, "channel_name") || text(fields, "channel") || text(fields, "channel_id");
    const id =
      text(fields, "id") ||
      `${text(fields, "token_id")}/${text(fields, "prompt_tokens")}/${text(fields, "completion_tokens")}/${text(fields, "quota")}/${model}`;
    return {
      ...blank(importedId("new-api", id, startedAt), startedAt),
      app: text(fields, "token_name") || text(fields, "username") || "imported",
      team: text(fields, "group"),
      upstream: channel === "" ? "new-api" : /^\d+$/.test(channel) ? `channel-${channel}` : channel,
      endpoint: "chat",
      modelRequested: model,
      modelSent: sent,
      modelLabel: model,
      upstreamRequestId: text(fields, "request_id"),
      streaming: truth(fields, "is_stream"),
      status: failed ? 500 : 200,
      errorType: failed ? "upstream_5xx" : undefined,
      quantities: { ...quantities(fields), ...(cached === undefined ? {} : { cachedInputTokens: cached }) },
      source: "reported",
      billable: !failed,
      cost: BigInt(whole(fields, "quota") ?? 0) * PICO_PER_QUOTA,
      durationMs,
      firstTokenMs: truth(fields, "is_stream") ? firstMs : undefined,
    };
  },
};

export const importFormats: readonly ImportFormat[] = [ledger, litellm, newApi];

/** The format of records with these names. @throws Error naming what is known */
export function recognise(names: readonly string[]): ImportFormat {
  const found = importFormats.find(({ columns }) => columns.every((column) => names.includes(column)));
  if (found !== undefined) return found;
  const known = importFormats.map(({ name, columns }) => `${name} (has ${columns.join(", ")})`).join("; ");
  throw new Error(`The file has columns of no known format. Known are: ${known}.`);
}

/**
 * An id shaped like the ledger's own (UUIDv7): the time first, so that it is found as fast, then a hash of what the
 * call was called there, so that a file imported again brings nothing new.
 */
export function importedId(source: string, name: string, startedAt: number): string {
  const time = startedAt.toString(16).padStart(12, "0");
  const hash = createHash("sha256").update(`${source}\0${name}`).digest("hex");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hash.slice(0, 3)}-8${hash.slice(3, 6)}-${hash.slice(6, 18)}`;
}

/** A row that nothing is known of. */
function blank(id: string, startedAt: number): LedgerRow {
  return {
    ...rowOfValues({ id, started_at: startedAt, method: "POST", source: "missing", endpoint: "other" }),
  };
}

function endpointOf(callType: string): Endpoint {
  if (/embedding/.test(callType)) return "embeddings";
  if (/image/.test(callType)) return "images";
  if (/transcription|speech/.test(callType)) return "audio";
  if (/responses/.test(callType)) return "responses";
  if (/anthropic_messages/.test(callType)) return "messages";
  if (/text_completion/.test(callType)) return "completions";
  return /completion/.test(callType) ? "chat" : "other";
}

function quantities(fields: Fields): Quantities {
  const inputTokens = whole(fields, "prompt_tokens");
  const outputTokens = whole(fields, "completion_tokens");
  return {
    ...(inputTokens === undefined ? {} : { inputTokens }),
    ...(outputTokens === undefined ? {} : { outputTokens }),
  };
}

/** Our own columns from text or JSON. */
function valuesOf(fields: Fields): Record<string, Value> {
  const values: Record<string, Value> = {};
  for (const { name, type, nullable } of COLUMNS) {
    const field = fields[name];
    if (
      field === undefined ||
      field === null ||
      (field === "" && (nullable || (type !== "text" && type !== "category")))
    )
      continue;
    if (type === "time") values[name] = time(fields, name);
    else if (type === "boolean") values[name] = truth(fields, name);
    else if (type === "integer" || type === "float") values[name] = numeric(fields, name) ?? null;
    else values[name] = text(fields, name);
  }
  return values;
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function required(fields: Fields, name: string): string {
  const value = text(fields, name);
  if (value === "") throw new RangeError(`${name} is missing`);
  return value;
}

function numeric(fields: Fields, name: string): number | undefined {
  const value = text(fields, name).trim();
  if (value === "") return undefined;
  const number = Number(value);
  if (!Number.isFinite(number)) throw new RangeError(`${name} is not a number`);
  return number;
}

function whole(fields: Fields, name: string): number | undefined {
  const value = numeric(fields, name);
  if (value === undefined) return undefined;
  if (!Number.isSafeInteger(value)) throw new RangeError(`${name} is not a whole number`);
  return value;
}

function truth(fields: Fields, name: string): boolean {
  const value = text(fields, name).trim().toLowerCase();
  if (value === "true" || value === "1" || value === "t") return true;
  if (value === "false" || value === "0" || value === "f" || value === "") return false;
  throw new RangeError(`${name} is neither true nor false`);
}

function money(fields: Fields, name: string): Pico | undefined {
  const value = text(fields, name).trim();
  if (value === "") return undefined;
  try {
    return scaled(value, 12);
  } catch {
    throw new RangeError(`${name} is no amount of money`);
  }
}

/** A time without a zone is UTC, as both write it. */
function time(fields: Fields, name: string): number {
  const value = required(fields, name).trim();
  const zoned = /(Z|[+-]\d{2}:?\d{2}?)$/i.test(value) ? value : `${value}Z`;
  const at = Date.parse(zoned.replace(" ", "T"));
  if (Number.isNaN(at) || at < 0) throw new RangeError(`${name} is not a time`);
  return at;
}

/** Seconds since the epoch in the table; exports may have written it as text. */
function newApiTime(fields: Fields): number {
  const value = required(fields, "created_at");
  return /^\d+$/.test(value) ? (whole(fields, "created_at") ?? 0) * 1000 : time(fields, "created_at");
}

function json(value: string): Fields {
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === "object" && parsed !== null ? (parsed as Fields) : {};
  } catch {
    return {};
  }
}
