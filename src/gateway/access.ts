/** Who may call: finds the application behind a request, and the key that goes upstream for it. */
import { hash } from "node:crypto";
import { BellwetherError } from "../core/errors.ts";
import { credentials } from "../upstreams/credentials.ts";
import type { Family } from "../usage/dialect.ts";
import { fromLatin1 } from "../usage/request-body.ts";
import { ANONYMOUS, type Endpoint } from "../usage/usage.ts";
import type { RequestHead } from "./request-head.ts";

/** An application, as far as each of its calls needs to know. */
export interface App {
  readonly name: string;
  /** "" when it has none. */
  readonly team: string;
  /** What it may ask for; undefined for every model. */
  readonly models: ModelPatterns | undefined;
  /** What kinds of call it may make; undefined for all. */
  readonly endpoints: ReadonlySet<Endpoint> | undefined;
}

interface ModelPatterns {
  /** As configured. */
  readonly listed: readonly string[];
  matches(model: string): boolean;
}

/** A key's owner, and the wall-clock milliseconds from which on the key is refused. */
export interface KeyOwner {
  readonly app: App;
  readonly until: number | undefined;
}

export interface Access {
  readonly mode: "none" | "passthrough" | "keys";
  /** Who owns a key, by the key's SHA-256 as lower-case hexadecimal digits. */
  readonly apps: ReadonlyMap<string, KeyOwner>;
  /** Who calls where no key tells; `anonymousApp` unless given. */
  readonly caller?: App;
}

/** Whoever calls where nobody has to say who they are. */
export const anonymousApp: App = { name: ANONYMOUS, team: "", models: undefined, endpoints: undefined };

/**
 * The application that calls.
 * @throws BellwetherError missing_api_key, invalid_api_key or expired_api_key.
 */
export function authenticate(access: Access, head: RequestHead, query: string, nowMs: number): App {
  if (access.mode !== "keys") return access.caller ?? anonymousApp;
  const inHead = clientKey(head);
  const key = inHead === undefined ? queryKey(query) : fromLatin1(inHead);
  if (key === undefined || key === "") throw new BellwetherError("missing_api_key");
  // Looking up a digest is safe against timing: whoever sends keys cannot steer the digest's bytes.
  const known = digests.get(key);
  const digest = known ?? hash("sha256", key, "hex");
  const owner = access.apps.get(digest);
  if (owner === undefined) throw new BellwetherError("invalid_api_key");
  if (known === undefined) remember(key, digest);
  if (owner.until !== undefined && nowMs >= owner.until) throw new BellwetherError("expired_api_key");
  return owner.app;
}

/**
 * Digests of keys that were found good: hashing costs more than all else that is done to authenticate. The table's own
 * hashes are seeded at random, so that nobody can tell from its timing how near a guess came.
 */
const digests = new Map<string, string>();
const MAX_DIGESTS = 1_024;

function remember(key: string, digest: string): void {
  if (digests.size >= MAX_DIGESTS) digests.clear();
  digests.set(key, digest);
}

/**
 * Sees that an application asks only for what it may. `model` is the name the client wrote; only calls that use
 * a model (`needsModel`) have to name one.
 * @throws BellwetherError model_not_allowed or endpoint_not_allowed.
 */
export function authorise(app: App, endpoint: Endpoint, model: string, needsModel: boolean): void {
  const { name, models, endpoints } = app;
  if (endpoints?.has(endpoint) === false) {
    throw new BellwetherError("endpoint_not_allowed", {
      ...{ app: name, endpoint, allowed: [...endpoints].join(", ") },
    });
  }
  if (models === undefined || models.matches(model) || (model === "" && !needsModel)) return;
  throw new BellwetherError("model_not_allowed", {
    ...{ app: name, model: JSON.stringify(model), allowed: models.listed.join(", ") },
  });
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
  apiKey: string | undefined,
  family: Family,
): void {
  if (access.mode === "passthrough") headers.push(...head.auth);
  else if (apiKey !== undefined) headers.push(...credentials(apiKey, family));
}
