/**
 * The Usage record: everything that is known of one call, and the port that receives it.
 * One is made for every call that reaches the gateway, whatever becomes of it.
 */
import type { ErrorType } from "../core/errors.ts";
import type { Pico } from "../core/money.ts";
import type { Quantities } from "../core/quantities.ts";

/** The `endpoint` label: what kind of call, independent of vendor. */
export type Endpoint =
  | "chat"
  | "completions"
  | "responses"
  | "embeddings"
  | "images"
  | "audio"
  | "messages"
  | "generate"
  | "models"
  | "other";

/**
 * Where the quantities come from: `reported` by the upstream, `estimated` here (also counted from the
 * request, as the characters of a speech call), `partial` (the answer was cut), or `missing`.
 */
export type Provenance = "reported" | "estimated" | "partial" | "missing";

/** The `app` of calls that nothing identifies. */
export const ANONYMOUS = "anonymous";

/** The `app` of calls that Bellwether makes itself to see whether an upstream is well. */
export const PROBE_APP = "probe";

/** What is known when the call is about to be sent. Ledger and limits see it before the upstream does. */
export interface Call {
  /** UUIDv7. */
  readonly id: string;
  /** Wall-clock milliseconds since the epoch at which the request head arrived. */
  readonly startedAt: number;
  /** Configured application, or `anonymous`. */
  readonly app: string;
  /** Team of that application, or "". */
  readonly team: string;
  /** True for calls that Bellwether makes itself to see whether an upstream is well. */
  readonly probe: boolean;
  /** Configured upstream, or `none` when the call was refused before one was chosen. */
  readonly upstream: string;
  readonly endpoint: Endpoint;
  /** As the client wrote it (bounded in length, not in value: never use it as a label), or "". */
  readonly modelRequested: string;
  /** Name of the routing rule that decided, or "" when the model's own upstreams did. */
  readonly route: string;
  /** After alias; what the upstream was asked for. */
  readonly modelSent: string;
  /** The bounded `model` label. */
  readonly modelLabel: string;
  readonly streaming: boolean;
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  /** Trace id of the client's `traceparent` (32 hexadecimal digits), or "". */
  readonly traceId: string;
  /** Bytes of the request body. */
  readonly bytesIn: number;
}

/** How a call ended. Durations are monotonic milliseconds. */
export interface Usage extends Call {
  /** The HTTP status the client saw; 499 when it had gone before one was sent or before the end. */
  readonly status: number;
  readonly errorType: ErrorType | undefined;
  /** The code of errors.ts when the error is Bellwether's own. */
  readonly errorCode: string | undefined;
  /** As the answer names it, or "". */
  readonly modelAnswered: string;
  /** The upstream's own request id (`x-request-id`, `request-id`), or "". */
  readonly upstreamRequestId: string;
  /** `default`, `priority`, `flex`, `batch`, …, as the answer (else the request) names it, or "". */
  readonly serviceTier: string;
  readonly quantities: Quantities;
  readonly source: Provenance;
  /** True where usage is expected of this kind of call with this status; only then does `source` count. */
  readonly billable: boolean;
  /** What the call cost at this upstream; undefined when the model is unpriced there. */
  readonly cost: Pico | undefined;
  /** What the vendor's list price would have been; undefined when there is none. */
  readonly listCost: Pico | undefined;
  /** From the arrival of the request head to the end of the answer. */
  readonly durationMs: number;
  /** To the first output of the model (streams only). */
  readonly firstTokenMs: number | undefined;
  /** To the head of the upstream's answer. */
  readonly firstByteMs: number | undefined;
  /** To the sending of the last attempt: before it lie reading, limits, waiting and attempts that failed; undefined when none was sent. */
  readonly sentMs: number | undefined;
  /** Time spent in Bellwether, not waiting for client or upstream. */
  readonly overheadMs: number;
  /** Bytes of the answer's body sent to the client. */
  readonly bytesOut: number;
  /** Attempts after the first. */
  readonly retries: number;
}

/**
 * Receives every call twice: before the upstream is contacted, and once when it is settled, whatever
 * happened. A recorder must not throw and must not block; the caller does not wait.
 */
export interface Recorder {
  started(call: Call): void;
  settled(usage: Usage): void;
  /** An attempt at an upstream has failed, and another one follows: there or elsewhere. */
  attemptFailed?(call: Call, reason: ErrorType): void;
}
