/** What a handler is given, and what it gives back. Handlers are pure: they neither read nor write sockets. */
import type { IncomingHttpHeaders } from "node:http";
import type { Quantities } from "../core/quantities.ts";
import type { Books } from "./books.ts";
import { badField, unknownModel } from "./errors.ts";
import { type JsonObject, string } from "./json.ts";
import type { Knobs } from "./knobs.ts";
import { findModel, inventedModel, type Kind, type Model } from "./models.ts";

/** A parsed multipart body: text fields, and the files' sizes and contents. */
export interface Form {
  readonly fields: ReadonlyMap<string, string>;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export interface Call {
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** What the route's pattern captured, decoded. */
  readonly params: readonly string[];
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as a JSON object; empty when it is none. */
  readonly json: JsonObject;
  readonly form: Form | undefined;
  readonly knobs: Knobs;
  /** The sandbox's seed. */
  readonly seed: number;
  readonly books: Books;
}

/** One event of a stream, before it is framed. */
export interface StreamEvent {
  /** The `event:` field; "" for none. */
  readonly name: string;
  /** The JSON text of the data. */
  readonly data: string;
  /** Output tokens this event brings. */
  readonly tokens: number;
  /** Usage as reported up to and including this event, when it reports any. */
  readonly reported?: Quantities;
}

export interface EventStream {
  /** `array`: Gemini's stream without `alt=sse`, one JSON array. */
  readonly framing: "sse" | "array";
  readonly events: Iterable<StreamEvent>;
  /** The event that ends the stream early when the knob `streamError` asks for it. */
  readonly error: StreamEvent;
  /** Ends with `data: [DONE]`. */
  readonly done: boolean;
}

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly headers?: readonly (readonly [string, string])[] | undefined;
  readonly content: string | Buffer | EventStream;
  /** The model asked for; undefined where the call names none. */
  readonly model?: Model | undefined;
  /** Usage as the body reports it; a stream's events carry their own. */
  readonly reported?: Quantities | undefined;
  /** Usage, reported or not. */
  readonly used: Quantities;
}

export function isStream(content: Answer["content"]): content is EventStream {
  return typeof content !== "string" && !Buffer.isBuffer(content);
}

/** A JSON answer with status 200. */
export function jsonAnswer(
  body: unknown,
  more: Pick<Partial<Answer>, "model" | "reported" | "used"> = {},
): Answer {
  return {
    status: 200,
    contentType: "application/json",
    content: JSON.stringify(body),
    model: more.model,
    reported: more.reported,
    used: more.used ?? {},
  };
}

/** The requested model, if it exists and is of that kind. @throws ApiError */
export function modelFor(call: Call, id: unknown, kind: Kind): Model {
  if (typeof id !== "string" || id === "") throw badField("model", "is required");
  const model = findModel(id);
  if (model !== undefined && (model.kind === kind || model.maker === "sandbox")) return model;
  if (call.knobs.anyModel === true && model === undefined) return inventedModel(id, kind);
  throw unknownModel(id);
}

/** The model name an answer carries. */
export function answeredModel(call: Call, model: Model): string {
  return call.knobs.answerModel ?? model.id;
}

/** The `service_tier` an answer echoes. */
export function serviceTier(call: Call): string {
  const asked = string(call.json.service_tier);
  return asked === "" || asked === "auto" ? "default" : asked;
}

/** Seconds since the epoch in every answer's `created`: fixed, so that equal requests get equal bytes. */
export const CREATED = 1_780_272_000;
