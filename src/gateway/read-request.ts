/** A request as it is once its body has been read, and what makes one unacceptable. */
import { BellwetherError } from "../core/errors.ts";
import type { Family, Operation, RequestBody, RequestFacts } from "../usage/dialect.ts";
import type { RequestHead } from "./request-head.ts";

/** A request whose body has been read. */
export interface ReadRequest {
  readonly operation: Operation;
  readonly head: RequestHead;
  readonly body: Uint8Array | undefined;
  readonly parsed: RequestBody;
  readonly facts: RequestFacts;
  /** The model asked for. */
  readonly asked: string;
  readonly family: Family;
}

export function noHost(): BellwetherError {
  return new BellwetherError("malformed_request", { why: "`host` is missing" });
}

export function noUpstream(model: string, path: string): BellwetherError {
  return new BellwetherError("no_upstream", {
    what: model === "" ? path : `model ${JSON.stringify(model)} on ${path}`,
  });
}

/** A path with `..` could leave the part of the upstream that a client may reach, however it is written. */
export function climbs(path: string): boolean {
  return (path.includes("..") || path.includes("%")) && CLIMBING.test(path);
}

/** Two dots between what some server takes for the ends of a path's segment. */
const CLIMBING = /(^|[/\\]|%2f|%5c)(\.|%2e){2}([/\\?#;]|%2f|%5c|%3b|%3f|%23|%00|$)/i;

/** The path of a request's target, and its query without the `?`. */
export function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const mark = target.indexOf("?");
  return mark === -1
    ? { path: target, query: "" }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}
