/**
 * A dialect is one LLM API as it looks on the wire. It says which requests are its own, what they ask
 * for, and what the answer reports. Dialects only read: they never rebuild a body.
 * Each is one file in dialects/ and one line in dialects/index.ts.
 */
import type { Quantities } from "../core/quantities.ts";
import type { Endpoint } from "./usage.ts";

export type DialectName =
  | "openai-chat"
  | "openai-completions"
  | "openai-responses"
  | "openai-embeddings"
  | "openai-images"
  | "openai-audio"
  | "openai-models"
  | "anthropic-messages"
  | "gemini-generate"
  | "other";

/** Decides how a key is sent and what an error body looks like. */
export type Family = "openai" | "anthropic" | "gemini";

/** What the path alone tells. */
export interface Operation {
  readonly dialect: Dialect;
  readonly endpoint: Endpoint;
  /** Gemini names the model in its path. */
  readonly model?: string;
  /** Gemini names streaming in its path (`:streamGenerateContent`). Such a stream may also be a JSON array. */
  readonly streaming?: boolean;
  /** A successful answer to this operation should report usage (false for lists, token counts, unknown paths). */
  readonly billable: boolean;
}

/** What the gateway needs to know of a request before it can be routed. */
export interface RequestFacts {
  readonly model: string;
  readonly streaming: boolean;
  /** Upper bound on output the client set, in tokens. */
  readonly maxOutputTokens?: number;
  /** The client itself asked for usage in the stream (`stream_options.include_usage`). */
  readonly asksForUsage?: boolean;
  readonly serviceTier?: string;
  /** Known from the request alone: characters of speech input, number of images. */
  readonly quantities?: Quantities;
  /** The tier and options that a per-image price depends on. */
  readonly image?: { readonly size: string; readonly quality: string };
}

/** What else routing rules may ask of a request; read only where one does. */
export interface RequestTraits {
  /** Tools, or functions, are offered. */
  readonly tools: boolean;
  /** The model is shown images. */
  readonly images: boolean;
  /** The answer is to be JSON, or to follow a schema. */
  readonly json: boolean;
  /** The reasoning effort asked for (`none`, `minimal`, `low`, `medium`, `high`, `xhigh`), or "". */
  readonly effort: string;
  /** The end user that the request names, or "". */
  readonly user: string;
}

/** A request body as the dialect may look at it. `json` is undefined when the body is not JSON. */
export interface RequestBody {
  readonly json: unknown;
  /** Form fields of a multipart body that are not files, when it is one. */
  readonly form: ReadonlyMap<string, string> | undefined;
}

/** What has been read from an answer so far; readers overwrite, never add, so that cumulative usage is right. */
export interface Reading {
  quantities: Quantities;
  /** The upstream reported usage at least once. */
  reported: boolean;
  model: string;
  serviceTier: string;
  /** The first output of the model has been seen (streams). */
  outputSeen: boolean;
  /** The stream announced its own end (`[DONE]`, `message_stop`, `response.completed`, a finish reason). */
  complete: boolean;
  /** The upstream reported an error inside a 200 stream. */
  failed: boolean;
  /** Receives output text, for an estimate should usage never come. */
  readonly text: { add(piece: string): void };
}

export interface Dialect {
  readonly name: DialectName;
  readonly family: Family;
  /** Several families use this path (`/v1/models`): the client's headers tell which one is meant. */
  readonly sharedPath?: boolean;
  /** Answers are counted in tokens of text, so that a missing report can be estimated. */
  readonly countsTokens: boolean;
  /** Streams of this dialect report usage only when the request sets `stream_options.include_usage`. */
  readonly usageOnRequest?: boolean;
  /** `path` is without query and starts with `/`; `method` is upper case. */
  match(method: string, path: string): Operation | undefined;
  facts(operation: Operation, body: RequestBody): RequestFacts;
  /** Top-level keys of a request's JSON that `facts` reads; the rest, the prompt above all, need not be parsed for it. */
  readonly factKeys: ReadonlySet<string>;
  /** Reads one whole JSON answer (already parsed; may be only the part around `usage`, see wire/json-tail.ts). */
  readBody(body: unknown, reading: Reading): void;
  /** Reads one event of a stream, or one element of a stream that is an array: its `event:` name ("" when none) and its parsed data. */
  readEvent(name: string, data: unknown, reading: Reading): void;
  /** Top-level keys of an answer's body that carry usage and model, in the order to look for them at the tail. */
  readonly usageKeys: readonly string[];
  /** Absent where requests have no such traits. */
  traits?(body: RequestBody): RequestTraits;
  /** What the user wrote, message by message; absent where the whole prompt is the user's. */
  userTexts?(body: RequestBody): readonly string[];
  /** Collects the prompt's text from a request, for an estimate of its input tokens. */
  promptText(body: RequestBody): string;
}
