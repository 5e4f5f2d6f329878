/**
 * Turns a client's request into the upstream's. Everything passes unchanged but for the documented
 * rewrites: authentication, the model behind an alias, and the wish for usage in a chat stream.
 */

import { upstreamPath } from "../upstreams/address.ts";
import type { UpstreamRequest } from "../upstreams/exchange.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import type { Family, Operation, RequestFacts } from "../usage/dialect.ts";
import { askForUsage, lacksUsage } from "../usage/request-body.ts";
import { replaceMember } from "../wire/json-edit.ts";
import { replaceField } from "../wire/multipart.ts";
import { type Access, addCredentials, withoutKey } from "./access.ts";
import type { RequestHead } from "./request-head.ts";

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
  const usageInjected = lacksUsage(operation, facts, from.json, upstream.includeUsage);
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

function replaceModelInPath(path: string, model: string): string {
  return path.replace(/(\/models\/)[^/:]+/, (_, before: string) => before + encodeURIComponent(model));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
