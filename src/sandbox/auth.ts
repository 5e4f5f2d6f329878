/** Which key a call presents, and whether it is a good one. */
import type { IncomingHttpHeaders } from "node:http";
import { ApiError, type Family } from "./errors.ts";

/** The keys that are accepted; `any` takes every key that is not empty. */
export type Keys = ReadonlySet<string> | "any";

const BEARER = /^Bearer +(\S+)$/i;

/** The key, sent the way the family's clients send it, or "". */
export function presentedKey(family: Family, headers: IncomingHttpHeaders, query: URLSearchParams): string {
  const bearer = BEARER.exec(headers.authorization ?? "")?.[1] ?? "";
  switch (family) {
    case "openai":
      return bearer;
    case "anthropic":
      return single(headers["x-api-key"]) || bearer;
    case "gemini":
      return single(headers["x-goog-api-key"]) || query.get("key") || bearer;
  }
}

/** @throws ApiError 401 (Gemini: 400) when the key is missing or wrong. */
export function checkKey(family: Family, key: string, keys: Keys): void {
  if (key !== "" && (keys === "any" || keys.has(key))) return;
  const message = key === "" ? "You didn't provide an API key." : "Incorrect API key provided.";
  if (family === "anthropic") throw new ApiError(401, "invalid x-api-key");
  if (family === "gemini" && key !== "")
    throw new ApiError(400, "API key not valid. Please pass a valid API key.");
  throw new ApiError(family === "gemini" ? 403 : 401, message, "invalid_api_key");
}

function single(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? "";
}
