/** One attempt at a call: what is sent where, with which key, and whom it has to be told how that went. */
import { errorTypeOfStatus } from "../core/errors.ts";
import type { Ticket } from "../upstreams/breaker.ts";
import type { UpstreamRequest } from "../upstreams/exchange.ts";
import type { App } from "./access.ts";
import { retryAfterOf } from "./attempts.ts";
import type { Place } from "./places.ts";
import { prepare } from "./prepare.ts";
import type { ReadRequest } from "./read-request.ts";
import type { Settings, Surroundings } from "./state.ts";
import { type ListAddition, listAddition } from "./virtual-models.ts";

/** An attempt that is about to be sent, or has been. */
export interface Sent {
  readonly place: Place;
  readonly apiKey: string | undefined;
  /** Tells the place's circuit breaker what becomes of it. */
  readonly ticket: Ticket | undefined;
  /** We asked for usage in the stream where the client had not. */
  readonly usageInjected: boolean;
  /** What the answer gets besides what the upstream says. */
  readonly addition: ListAddition | undefined;
  readonly request: UpstreamRequest;
}

/** What is the same for all attempts at a call. */
export interface Way {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly app: App;
}

/** Takes a key and a breaker's ticket; `deadline` is what the whole call has left, after the first attempt. */
export function attemptAt(
  place: Place,
  request: ReadRequest,
  { method, path, query, app }: Way,
  deadline: number | undefined,
  { access, ownModels }: Settings,
  { keyRings, breakers }: Surroundings,
): Sent {
  const { upstream, model } = place;
  const apiKey = access.mode === "passthrough" ? undefined : (keyRings?.next(upstream) ?? upstream.apiKey);
  const ticket = breakers?.begin(upstream, model, request.facts.streaming);
  const { operation, family } = request;
  const addition =
    operation.endpoint === "models"
      ? listAddition(ownModels, { method, path, query, operation, family, app })
      : undefined;
  if (addition !== undefined) request.head.drop("accept-encoding");
  const sending = { method, path, query, access, upstream, model, deadline, apiKey };
  const prepared = prepare(request, sending);
  return {
    place,
    apiKey,
    ticket,
    addition,
    usageInjected: prepared.usageInjected,
    request: prepared.request,
  };
}

/** What the head of an answer says to whoever decides on further attempts. */
export interface HeadVerdict {
  /** Milliseconds that a failure asks to wait. */
  readonly retryAfterMs: number | undefined;
  /** The key was refused, and the upstream has another one. */
  readonly anotherKey: boolean;
}

/** Tells the key ring and the breaker of an answer's status. */
export function tellStatus(
  { place, apiKey, ticket }: Sent,
  status: number,
  headers: readonly string[],
  { keyRings, clock }: Pick<Surroundings, "keyRings" | "clock">,
): HeadVerdict {
  const retryAfterMs = status >= 400 ? retryAfterOf(headers, clock.wall()) : undefined;
  const anotherKey = keyRings?.answered(place.upstream, apiKey, status, retryAfterMs) === true;
  // A key's trouble is not the upstream's while there is another key.
  if (anotherKey) ticket?.left();
  else ticket?.tell(errorTypeOfStatus(status));
  return { retryAfterMs, anotherKey };
}
