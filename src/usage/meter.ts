/**
 * The answer meter reads a copy of an answer's bytes, in whatever pieces they come, and says what the
 * answer reported. It is the same for the gateway and for the meter library; it never throws.
 *
 * Answers come in four kinds: an event stream (read event by event), a stream that is a JSON array (read
 * element by element), other JSON (read at the end, from its tail when it is long), and anything else (only
 * counted).
 */

import { gather, joined, textStart, utf8Text } from "../wire/bytes.ts";
import { ArraySplitter } from "../wire/json-array.ts";
import { findInHead, findInTail } from "../wire/json-tail.ts";
import { EventSplitter, readEvent } from "../wire/sse.ts";
import type { Operation, Reading } from "./dialect.ts";
import { SimilarEvents } from "./similar-events.ts";
import { TextSample } from "./text-sample.ts";

/** JSON up to this size is parsed whole; of longer answers only the ends are read, if that is enough. */
const PARSE_WHOLE_BYTES = 4 * 1024;
/** A JSON answer is kept up to this size for a full parse, should its usage not stand at its end. */
const KEEP_BYTES = 1024 * 1024;
/** The model stands within this much of the beginning of an answer, where it stands there at all. */
const HEAD_BYTES = 4 * 1024;
/** What is kept of a longer answer: this much of its beginning (for the model) and of its end. */
const WINDOW_BYTES = 64 * 1024;

export interface MeterOptions {
  readonly operation: Operation;
  /** `content-type` of the answer, lower case. */
  readonly contentType: string;
  /** The upstream was asked for usage on our behalf: leave that one chunk out of what is relayed. */
  readonly dropUsageChunk: boolean;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

type Kind = "events" | "json" | "opaque";

export class AnswerMeter {
  readonly text = new TextSample();
  readonly reading: Reading;
  /** Monotonic time of the model's first output, when the answer is a stream and it came. */
  firstOutputAt: number | undefined;
  /** The stream ended within an event, or without the blank line after it. */
  endedAmidEvent = false;
  /** A successful answer that should have been JSON or events could not be read as such. */
  malformed = false;

  readonly #options: MeterOptions;
  readonly #kind: Kind;
  readonly #splitter: EventSplitter | undefined;
  /** Of a stream that is no event stream, until it proves not to be an array. */
  #array: ArraySplitter | undefined;
  #eventSeen = false;
  readonly #similar = new SimilarEvents();
  #pieces: Uint8Array[] = [];
  #kept = 0;
  #middleLost = false;

  constructor(options: MeterOptions) {
    this.#options = options;
    this.#kind = kindOf(options.contentType);
    this.#splitter = this.#kind === "events" ? new EventSplitter(this, options.dropUsageChunk) : undefined;
    if (this.#kind === "json" && options.operation.streaming === true) this.#array = new ArraySplitter(this);
    this.reading = {
      quantities: {},
      reported: false,
      model: "",
      serviceTier: "",
      outputSeen: false,
      complete: false,
      failed: false,
      text: this.text,
    };
  }

  /** The answer is a web page: what a relay's front end says when the relay itself does not. */
  get unexpected(): boolean {
    return this.#options.contentType.startsWith("text/html");
  }

  /** The answer is an event stream. */
  get streaming(): boolean {
    return this.#kind === "events";
  }

  /** It is read as it comes: when each piece came matters. */
  get growing(): boolean {
    return this.#kind === "events" || this.#array !== undefined;
  }

  /** Pieces given to `push` are kept until the answer is over, and must not change. */
  get keeps(): boolean {
    return this.#kind === "json";
  }

  /** Takes the next (decoded) bytes of the answer and returns those to relay. */
  push(chunk: Uint8Array): Uint8Array {
    if (this.#splitter !== undefined) {
      const relay = this.#splitter.push(chunk);
      return this.#options.dropUsageChunk ? relay : chunk;
    }
    if (this.#kind === "json") this.#takeJson(chunk);
    return chunk;
  }

  /** Takes the whole of an answer that is no stream, with its text, which lacks a byte order mark. */
  pushWhole(bytes: Uint8Array, text: string): void {
    if (bytes.length > PARSE_WHOLE_BYTES) this.push(bytes);
    else if (this.#kind === "json" && text !== "") this.#parse(text);
  }

  /** Takes what the whole of an answer that is no stream says, parsed by the caller already, in place of its bytes. */
  pushParsed(parsed: unknown): void {
    if (this.#kind === "json") this.#options.operation.dialect.readBody(parsed, this.reading);
  }

  /** The answer is over, cleanly or not. Returns bytes that are still to be relayed. */
  finish(): Uint8Array | undefined {
    if (this.#splitter !== undefined) {
      this.endedAmidEvent = this.#splitter.amidEvent;
      const rest = this.#splitter.finish();
      return this.#options.dropUsageChunk && rest.length > 0 ? rest : undefined;
    }
    if (this.#array !== undefined) this.malformed ||= !(this.#array.empty || this.#array.finish());
    else if (this.#kind === "json") this.#readJson();
    this.#pieces = [];
    return undefined;
  }

  /** Visits one event of the stream; true when it is the chunk that only our own wish for usage caused. */
  event(bytes: Uint8Array, start: number, end: number): boolean {
    const { name, data } = readEvent(bytes, this.#eventSeen ? start : textStart(bytes, start), end);
    this.#eventSeen = true;
    if (data === undefined) return false;
    if (data === "[DONE]") {
      this.reading.complete = true;
      this.#similar.parsed(name, data, undefined);
      return false;
    }
    const parsed = this.#readPart(name, data);
    return this.#options.dropUsageChunk && isUsageChunk(parsed);
  }

  /** Visits one element of a stream that is an array. */
  element(bytes: Uint8Array, start: number, end: number): void {
    this.#readPart("", utf8Text(bytes, start, end));
  }

  /** Reads one part of a stream; undefined when it is no JSON, or has been known without. */
  #readPart(name: string, text: string): unknown {
    const { reading } = this;
    const added = this.#similar.added(name, text);
    if (added !== undefined) {
      reading.text.add(added);
      return undefined;
    }
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      this.malformed = true;
      this.#similar.parsed(name, text, undefined);
      return undefined;
    }
    const before = this.#similar.useful
      ? { ...reading, quantities: { ...reading.quantities }, pieces: this.text.pieces }
      : undefined;
    this.#options.operation.dialect.readEvent(name, parsed, reading);
    if (this.firstOutputAt === undefined && reading.outputSeen) this.firstOutputAt = this.#options.now();
    if (before !== undefined) {
      const addedOnly = this.text.pieces === before.pieces + 1 && isSame(before, reading);
      this.#similar.parsed(name, text, addedOnly ? this.text.lastPiece : undefined);
    }
    return parsed;
  }

  #takeJson(chunk: Uint8Array): void {
    this.#array?.push(chunk);
    // An error, say: read like any other answer.
    if (this.#array?.foreign === true) this.#array = undefined;
    if (this.#array === undefined) this.#keep(chunk);
  }

  #keep(chunk: Uint8Array): void {
    gather(this.#pieces, chunk);
    this.#kept += chunk.length;
    if (this.#kept <= KEEP_BYTES) return;
    // Too long to keep: its beginning and its end stay, copied so that the rest can be freed.
    const bytes = joined(this.#pieces, this.#kept);
    this.#pieces = [bytes.slice(0, WINDOW_BYTES), bytes.slice(-WINDOW_BYTES)];
    this.#kept = 2 * WINDOW_BYTES;
    this.#middleLost = true;
  }

  #readJson(): void {
    if (this.#kept === 0) return;
    const whole = joined(this.#pieces, this.#kept);
    const bytes = whole.subarray(textStart(whole));
    const { dialect } = this.#options.operation;
    if (bytes.length > PARSE_WHOLE_BYTES) {
      const partial = readEnds(bytes, dialect.usageKeys);
      if (partial !== undefined) return dialect.readBody(partial, this.reading);
      if (this.#middleLost) return;
    }
    this.#parse(utf8Text(bytes));
  }

  #parse(text: string): void {
    try {
      this.#options.operation.dialect.readBody(JSON.parse(text), this.reading);
    } catch {
      this.malformed = true;
    }
  }
}

/** The members that matter, found without parsing the rest; undefined when there is no usage among them. */
function readEnds(bytes: Uint8Array, usageKeys: readonly string[]): Record<string, unknown> | undefined {
  const [usageKey, ...others] = usageKeys;
  const usage = usageKey === undefined ? undefined : findInTail(bytes, usageKey, WINDOW_BYTES);
  if (usageKey === undefined || usage === undefined || usage === null) return undefined;
  const found: Record<string, unknown> = { [usageKey]: usage };
  for (const key of others) {
    const value = findInTail(bytes, key, WINDOW_BYTES) ?? findInHead(bytes, key, HEAD_BYTES);
    if (value !== undefined) found[key] = value;
  }
  found.model ??= findInHead(bytes, "model", HEAD_BYTES);
  return found;
}

function kindOf(contentType: string): Kind {
  if (contentType.startsWith("text/event-stream")) return "events";
  return contentType.startsWith("application/json") || contentType.includes("+json") ? "json" : "opaque";
}

/** Nothing that was read has changed. */
function isSame(before: Reading, after: Reading): boolean {
  const { quantities, ...rest } = after;
  return isAlike(rest, before) && isAlike(quantities, before.quantities);
}

function isAlike(after: object, before: object): boolean {
  const values = before as Readonly<Record<string, unknown>>;
  return Object.entries(after).every(([name, value]) => values[name] === value);
}

/** OpenAI's extra chunk: usage, and a list of choices that is empty. */
function isUsageChunk(data: unknown): boolean {
  if (typeof data !== "object" || data === null) return false;
  const { choices, usage } = data as { choices?: unknown; usage?: unknown };
  return Array.isArray(choices) && choices.length === 0 && typeof usage === "object" && usage !== null;
}
