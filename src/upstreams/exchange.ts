/**
 * The port to an upstream: one request, its answer as events. The gateway knows only this; behind it stands
 * Bellwether's own HTTP/1.1 client (http1/transport.ts).
 */
import type { BellwetherError } from "../core/errors.ts";
import type { Upstream } from "./upstream.ts";

export interface UpstreamRequest {
  readonly method: string;
  /** Path with query, as the upstream is to see it; starts with `/`. */
  readonly path: string;
  /** Flat list of names and values, without `host`, `content-length` and hop-by-hop headers. */
  readonly headers: string[];
  /** Undefined when the request has no body. */
  readonly body: Uint8Array | undefined;
  /** Monotonic time at which the whole call has to be over, where that is earlier than the upstream's own limit. */
  readonly deadline?: number | undefined;
}

/** Receives the answer. Exactly one of `onEnd` and `onFail` is called, last. */
export interface AnswerSink {
  /** An informational answer (1xx other than 100 and 101). */
  onInformation(status: number, headers: string[]): void;
  /** Flat header list as received. Returning false pauses the body. */
  onHead(status: number, statusText: string, headers: string[]): boolean;
  /** Returning false pauses the body until `resume`. The bytes may be kept. */
  onData(chunk: Uint8Array): boolean;
  onEnd(trailers: string[]): void;
  onFail(error: BellwetherError): void;
}

export interface UpstreamExchange {
  /** Continues a paused body. */
  resume(): void;
  /** Gives the exchange up and closes its connection; no further event is delivered. */
  abort(): void;
}

export interface UpstreamTransport {
  send(upstream: Upstream, request: UpstreamRequest, sink: AnswerSink): UpstreamExchange;
  /** Lets calls in flight finish, then closes idle connections. */
  close(): Promise<void>;
}
