/** Who may call: finds the application behind a request, and the key that goes upstream for it. */
import { createHash } from "node:crypto";
import { BellwetherError } from "../core/errors.ts";
import { credentials } from "../upstreams/credentials.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import type { Family } from "../usage/dialect.ts";
import { ANONYMOUS } from "../usage/usage.ts";
import type { RequestHead } from "./request-head.ts";

export interface Access {
  readonly mode: "none" | "passthrough" | "keys";
  /** Application name by the SHA-256 of its key, as lower-case hexadecimal digits. */
  readonly apps: ReadonlyMap<string, string>;
  /** Who calls where no key tells; `anonymous` unless given. */
  readonly caller?: string;
}

/**
 * The application that calls.
 * @throws BellwetherError missing_api_key or invalid_api_key.
 */
export function authenticate(access: Access, head: RequestHead, query: string): string {
  if (access.mode !== "keys") return access.caller ?? ANONYMOUS;
  const key = clientKey(head) ?? queryKey(query);
  if (key === undefined || key === "") throw new BellwetherError("missing_api_key");
  // Looking up a digest is safe against timing: whoever sends keys cannot steer the digest's bytes.
  const app = access.apps.get(createHash("sha256").update(key).digest("hex"));
  if (app !== undefined) return app;
  throw new BellwetherError("invalid_api_key");
}

function clientKey(head: RequestHead): string | undefined {
  const bearer = /^bearer +(.*)$/i.exec(head.authorization ?? "")?.[1]?.trim();
  return bearer ?? head.xApiKey ?? head.xGoogApiKey;
}

function queryKey(query: string): string | undefined {
  return query.includes("key=") ? (new URLSearchParams(query).get("key") ?? undefined) : undefined;
}

/** The query without the client's key, in its own spelling: the key was meant for this gateway. */
export function withoutKey(query: string): string {
  if (!query.includes("key=")) return query;
  return query
    .split("&")
    .filter((part) => !new URLSearchParams(part).has("key"))
    .join("&");
}

/** Adds the headers that authenticate a request at the upstream, in the way its API expects. */
export function addCredentials(
  headers: string[],
  access: Access,
  head: RequestHead,
  upstream: Upstream,
  family: Family,
): void {
  if (access.mode === "passthrough") headers.push(...head.auth);
  else if (upstream.apiKey !== undefined) headers.push(...credentials(upstream.apiKey, family));
}
