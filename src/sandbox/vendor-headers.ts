/** The headers vendors put on their answers: request ids and rate limits. */
import type { Quantities } from "../core/quantities.ts";
import type { Family } from "./errors.ts";
import type { Maker } from "./models.ts";

const LIMIT_REQUESTS = 10_000;
const LIMIT_TOKENS = 2_000_000;
/** Anthropic's resets are points in time; a fixed one keeps answers equal. */
const RESET_AT = "2026-06-01T00:00:00Z";

/** Headers as name, value, name, value, … `limited` is a 429. */
export function vendorHeaders(
  family: Family,
  maker: Maker | undefined,
  requestId: string,
  used: Quantities,
  limited: boolean,
): string[] {
  switch (family) {
    case "openai":
      return maker === undefined || maker === "openai" || maker === "sandbox"
        ? openaiHeaders(requestId, used, limited)
        : ["x-request-id", requestId];
    case "anthropic":
      return anthropicHeaders(requestId, used, limited);
    case "gemini":
      return ["x-gemini-service-tier", "standard"];
  }
}

function openaiHeaders(requestId: string, used: Quantities, limited: boolean): string[] {
  const tokens = (used.inputTokens ?? 0) + (used.outputTokens ?? 0);
  return [
    "x-request-id",
    requestId,
    "openai-version",
    "2020-10-01",
    "x-ratelimit-limit-requests",
    String(LIMIT_REQUESTS),
    "x-ratelimit-limit-tokens",
    String(LIMIT_TOKENS),
    "x-ratelimit-remaining-requests",
    limited ? "0" : String(LIMIT_REQUESTS - 1),
    "x-ratelimit-remaining-tokens",
    String(Math.max(0, LIMIT_TOKENS - tokens)),
    "x-ratelimit-reset-requests",
    limited ? "1s" : "6ms",
    "x-ratelimit-reset-tokens",
    "12ms",
  ];
}

function anthropicHeaders(requestId: string, used: Quantities, limited: boolean): string[] {
  const headers = ["request-id", requestId];
  const limits = [
    ["requests", LIMIT_REQUESTS, limited ? LIMIT_REQUESTS : 1],
    ["tokens", LIMIT_TOKENS, (used.inputTokens ?? 0) + (used.outputTokens ?? 0)],
    ["input-tokens", LIMIT_TOKENS, used.inputTokens ?? 0],
    ["output-tokens", LIMIT_TOKENS, used.outputTokens ?? 0],
  ] as const;
  for (const [resource, limit, taken] of limits) {
    headers.push(`anthropic-ratelimit-${resource}-limit`, String(limit));
    headers.push(`anthropic-ratelimit-${resource}-remaining`, String(Math.max(0, limit - taken)));
    headers.push(`anthropic-ratelimit-${resource}-reset`, RESET_AT);
  }
  return headers;
}
