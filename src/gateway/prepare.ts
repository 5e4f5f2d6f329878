/**
 * Turns a client's request into the upstream's. Everything passes unchanged but for the documented
 * rewrites: authentication, the model behind an alias, and the wish for usage in a chat stream.
 */

import { upstreamPath } from "../upstreams/address.ts";
import type { UpstreamRequest } from "../upstreams/exchange.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import type { Family, Operation, RequestBody, RequestFacts } from "../usage/dialect.ts";
import { latin1Text, utf8Text } from "../wire/bytes.ts";
import { insertMember, replaceMember } from "../wire/json-edit.ts";
import { formFields, replaceField } from "../wire/multipart.ts";
import { type Access, addCredentials, withoutKey } from "./access.ts";
import type { RequestHead } from "./request-head.ts";

const NO_BODY: RequestBody = { json: undefined, form: undefined };

/**
 * Parses a body as far as facts need it. JSON is read as latin1, which is as fast as scanning and
 * cannot be fooled (facts.md); text beyond ASCII is wrong then, and decoded again where it matters.
 */
export function parseBody(body: Uint8Array | undefined, contentType: string): RequestBody {
  if (body === undefined || body.length === 0) return NO_BODY;
  if (contentType.toLowerCase().startsWith("multipart/form-data")) {
    return { json: undefined, form: formFields(body, contentType) };
  }
  return { json: parseJson(latin1Text(body)), form: undefined };
}

/** The body with its text right, for estimates. */
export function parseBodyText(body: Uint8Array | undefined): RequestBody {
  return body === undefined ? NO_BODY : { json: parseJson(utf8Text(body)), form: undefined };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A string that was parsed from latin1, as it is meant. */
export function fromLatin1(text: string): string {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0xff) return text;
    if (code > 0x7f) return Buffer.from(text, "latin1").toString("utf8");
  }
  return text;
}

export interface Prepared {
  readonly request: UpstreamRequest;
  /** We asked for usage in the stream where the client had not. */
  readonly usageInjected: boolean;
}

export interface Preparation {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly head: RequestHead;
  readonly body: Uint8Array | undefined;
  readonly json: unknown;
  readonly operation: Operation;
  /** Decides how the key is sent. */
  readonly family: Family;
  readonly facts: RequestFacts;
  readonly access: Access;
  readonly upstream: Upstream;
  /** The model the client asked for. */
  readonly asked: string;
  /** The model to ask for, after alias. */
  readonly model: string;
}

export function prepare(from: Preparation): Prepared {
  const { head, operation, facts, upstream, access } = from;
  let { body, path } = from;
  if (from.model !== from.asked) {
    if (operation.model !== undefined) path = replaceModelInPath(path, from.model);
    else if (body !== undefined && isObject(from.json)) body = replaceMember(body, "model", from.model);
    else if (body !== undefined) body = replaceField(body, head.contentType, "model", from.model);
  }
  const usageInjected =
    operation.dialect.usageOnRequest === true &&
    facts.streaming &&
    facts.asksForUsage !== true &&
    upstream.includeUsage &&
    isObject(from.json);
  if (usageInjected && body !== undefined) {
    body = askForUsage(body, from.json);
    // The extra chunk can only be taken out of a stream that is not compressed.
    head.drop("accept-encoding");
  }
  const headers = head.forward;
  addCredentials(headers, access, head, upstream, from.family);
  for (const [name, value] of upstream.headers) {
    head.drop(name.toLowerCase());
    headers.push(name, value);
  }
  const query = access.mode === "passthrough" ? from.query : withoutKey(from.query);
  const target = upstreamPath(upstream, path);
  return {
    request: { method: from.method, path: query === "" ? target : `${target}?${query}`, headers, body },
    usageInjected,
  };
}

function askForUsage(body: Uint8Array, json: Record<string, unknown>): Uint8Array {
  const options = json.stream_options;
  return isObject(options)
    ? replaceMember(body, "stream_options", { ...options, include_usage: true })
    : options === undefined
      ? insertMember(body, "stream_options", { include_usage: true })
      : replaceMember(body, "stream_options", { include_usage: true });
}

function replaceModelInPath(path: string, model: string): string {
  return path.replace(/(\/models\/)[^/:]+/, (_, before: string) => before + encodeURIComponent(model));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
