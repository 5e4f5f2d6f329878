/**
 * The port to a client: one request and its answer. The gateway knows only this, so that node:http can
 * be replaced by a faster server without touching the path of a call.
 */
import type { BellwetherError } from "../core/errors.ts";

/** What the gateway is told about one client's request. All calls come in order, none after `onGone`. */
export interface ClientListener {
  /** The whole body has arrived (at once for a request without one). */
  onBody(body: Uint8Array | undefined): void;
  /** The body cannot be had: too large, malformed, too slow. The client can still be answered. */
  onBodyFailed(error: BellwetherError): void;
  /** What was written has been taken; more may follow. */
  onDrain(): void;
  /** The connection is lost before the answer was complete. */
  onGone(): void;
}

export interface ClientExchange {
  readonly method: string;
  /** Path with query, as received. */
  readonly target: string;
  /** Names and values alternating, as received. */
  readonly rawHeaders: readonly string[];
  /** The client speaks HTTP/1.0, which knows no transfer codings and needs no `Host`. */
  readonly http10: boolean;
  /** Starts reading the body; at most `limit` bytes are accepted. */
  readBody(limit: number, listener: ClientListener): void;
  /**
   * No further request is taken from this client's connection, which ends with this answer: where one
   * request was ambiguous, nothing that follows it can be trusted.
   */
  distrust(): void;
  /** An informational answer (102, 103). */
  inform(status: number, headers: readonly string[]): void;
  /** The head of the answer: flat names and values without hop-by-hop headers. */
  head(status: number, statusText: string, headers: string[]): void;
  /** Returns false when the client is slow: wait for `onDrain`. */
  write(chunk: Uint8Array): boolean;
  end(trailers?: readonly string[]): void;
  /** Cuts the connection, so that the client sees that the answer is not complete. */
  cut(): void;
}
