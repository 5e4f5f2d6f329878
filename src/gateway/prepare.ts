/**
 * Turns a client's request into the upstream's. Everything passes unchanged but for the documented
 * rewrites: authentication, the model behind an alias, and the wish for usage in a chat stream.
 */

import { upstreamPath } from "../upstreams/address.ts";
import type { UpstreamRequest } from "../upstreams/exchange.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import { askForUsage, lacksUsage } from "../usage/request-body.ts";
import { replaceMember } from "../wire/json-edit.ts";
import { replaceField } from "../wire/multipart.ts";
import { type Access, addCredentials, withoutKey } from "./access.ts";
import type { ReadRequest } from "./read-request.ts";

export interface Prepared {
  readonly request: UpstreamRequest;
  /** We asked for usage in the stream where the client had not. */
  readonly usageInjected: boolean;
}

/** Where a request goes, and as what. */
export interface Sending {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly access: Access;
  readonly upstream: Upstream;
  /** The one of its keys to use. */
  readonly apiKey: string | undefined;
  /** The model to ask for, after alias. */
  readonly model: string;
  /** Monotonic time at which the whole call has to be over, where attempts before have used up a part. */
  readonly deadline: number | undefined;
}

export function prepare(request: ReadRequest, sending: Sending): Prepared {
  const { head, operation, facts, parsed, asked, family } = request;
  const { method, query, access, upstream, apiKey, model, deadline } = sending;
  const { json } = parsed;
  let { body } = request;
  let { path } = sending;
  if (model !== asked) {
    if (operation.model !== undefined) path = replaceModelInPath(path, model);
    else if (body !== undefined && isObject(json)) body = replaceMember(body, "model", model);
    else if (body !== undefined) body = replaceField(body, head.contentType, "model", model);
  }
  const usageInjected = lacksUsage(operation, facts, json, upstream.includeUsage);
  if (usageInjected && body !== undefined) {
    body = askForUsage(body, json);
    // The extra chunk can only be taken out of a stream that is not compressed.
    head.drop("accept-encoding");
  }
  const headers = head.forward;
  addCredentials(headers, access, head, apiKey, family);
  for (const [name, value] of upstream.headers) {
    head.drop(name.toLowerCase());
    headers.push(name, value);
  }
  const kept = access.mode === "passthrough" ? query : withoutKey(query);
  const target = upstreamPath(upstream, path);
  return {
    request: { method, path: kept === "" ? target : `${target}?${kept}`, headers, body, deadline },
    usageInjected,
  };
}

function replaceModelInPath(path: string, model: string): string {
  return path.replace(/(\/models\/)[^/:]+/, (_, before: string) => before + encodeURIComponent(model));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
