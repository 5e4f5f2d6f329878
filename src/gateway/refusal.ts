/** Bellwether's own answers to a client: mostly errors, in the shape of the API that the client speaks. */
import { BellwetherError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { LimitRefusal, limitHeaders } from "../limits/limit-refusal.ts";
import type { Family, Operation } from "../usage/dialect.ts";
import { errorBody } from "../usage/error-shape.ts";
import type { RejectionReason } from "../usage/traffic-metrics.ts";
import type { CallRecord } from "./call-record.ts";
import type { ClientExchange } from "./ports.ts";
import type { RequestHead } from "./request-head.ts";

/**
 * The API family of a request. Paths that several families share (`/v1/models`, unknown ones) are told
 * apart by the headers that only one family's clients send.
 */
export function familyOf(
  operation: Operation | undefined,
  head: RequestHead | undefined,
  path: string,
): Family {
  if (operation !== undefined && !operation.dialect.sharedPath) return operation.dialect.family;
  if (head?.anthropic === true) return "anthropic";
  if (head?.xGoogApiKey !== undefined || path.startsWith("/v1beta")) return "gemini";
  return "openai";
}

/** Why Bellwether itself refused the call; undefined where an upstream is to blame, or the request. */
export function rejectionReason(error: BellwetherError): RejectionReason | undefined {
  if (error instanceof LimitRefusal) return error.reason;
  if (error.type === "auth") return "auth";
  return error.code === "ledger_full" ? "ledger" : undefined;
}

/** Anything that was thrown, as an error to answer with; what was not foreseen is logged. */
export function toBellwetherError(cause: unknown, log: Logger, id: string): BellwetherError {
  if (cause instanceof BellwetherError) return cause;
  log.error({ id, err: cause }, "internal error");
  return new BellwetherError("internal", {}, cause);
}

/** Answers with an error; returns the bytes of its body. */
export function answerRefusal(
  client: ClientExchange,
  family: Family,
  error: BellwetherError,
  record: Pick<CallRecord, "id" | "serverTiming" | "addRoute">,
): number {
  const headers = error instanceof LimitRefusal ? limitHeaders(family, error, Date.now()) : [];
  return answerSelf(client, error.status, errorBody(family, error, record.id), record, headers);
}

/** Answers with JSON of Bellwether's own; returns the bytes of its body. */
export function answerSelf(
  client: ClientExchange,
  status: number,
  json: string,
  record: Pick<CallRecord, "id" | "serverTiming" | "addRoute">,
  more: readonly string[] = [],
): number {
  const body = Buffer.from(json);
  const headers = [
    "content-type",
    "application/json",
    "content-length",
    String(body.length),
    "x-request-id",
    record.id,
    "server-timing",
    record.serverTiming(),
    ...more,
  ];
  record.addRoute(headers);
  client.head(status, "", headers);
  if (client.method !== "HEAD") client.write(body);
  client.end();
  return body.length;
}
