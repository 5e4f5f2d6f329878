/**
 * OpenAI audio: `POST /v1/audio/transcriptions` and `/translations` (forms, priced by tokens or by the
 * sound's duration) and `/speech` (JSON, priced by the characters of its input or by tokens).
 */
import type { Dialect, Operation, Reading, RequestBody, RequestFacts } from "../dialect.ts";
import { fields, items, name, put, readError, readNames, readOutput, text } from "./fields.ts";
import { below, isUnder, operationPair, TextCollector } from "./openai-request.ts";
import { milliseconds, readOpenAiUsage } from "./openai-usage.ts";

const ROOT = "/v1/audio";
const BILLED: ReadonlySet<string> = new Set(["/transcriptions", "/translations", "/speech"]);

export const openAiAudio: Dialect = {
  name: "openai-audio",
  family: "openai",
  countsTokens: false,
  usageKeys: ["usage"],
  factKeys: new Set(["model", "stream", "stream_format", "input"]),

  match(method: string, path: string): Operation | undefined {
    if (!isUnder(path, ROOT)) return undefined;
    return method === "POST" && BILLED.has(below(path, ROOT)) ? operations.billed : operations.free;
  },

  facts(_operation: Operation, { json, form }: RequestBody): RequestFacts {
    if (form !== undefined)
      return { model: name(form.get("model")), streaming: form.get("stream") === "true" };
    const request = fields(json);
    const spoken = text(request.input);
    return {
      model: name(request.model),
      streaming: request.stream_format === "sse" || request.stream === true,
      ...(spoken !== "" && { quantities: { characters: codePoints(spoken) } }),
    };
  },

  readBody(body: unknown, reading: Reading): void {
    const answer = fields(body);
    readNames(answer.model, undefined, reading);
    readError(answer.error, reading);
    reading.complete = true;
    if (readOpenAiUsage(answer.usage, reading)) return;
    // `verbose_json` tells the duration even where usage is not reported.
    if (put(reading.quantities, "audioMs", milliseconds(answer.duration))) reading.reported = true;
    if (!readOutput(answer.text, reading)) {
      for (const segment of items(answer.segments)) readOutput(fields(segment).text, reading);
    }
  },

  readEvent(eventName: string, data: unknown, reading: Reading): void {
    const event = fields(data);
    const type = text(event.type) || eventName;
    if (type === "error") reading.failed = true;
    else readError(event.error, reading);
    if (type.startsWith("speech.audio.")) {
      if (typeof event.audio === "string" && event.audio !== "") reading.outputSeen = true;
    } else {
      readOutput(event.delta, reading);
    }
    if (type === "transcript.text.done" || type === "speech.audio.done") {
      reading.complete = true;
      readOpenAiUsage(event.usage, reading);
    }
  },

  promptText({ json, form }: RequestBody): string {
    const collector = new TextCollector();
    const request = fields(json);
    collector.add(form?.get("prompt") ?? request.input);
    collector.add(request.instructions);
    return collector.toString();
  },
};

const operations = operationPair({ dialect: openAiAudio, endpoint: "audio" });

/**
 * Unicode code points of a text that may have been parsed from latin1 (facts.md): where its characters
 * are the bytes of valid UTF-8, they are counted as such.
 */
export function codePoints(text: string): number {
  let points = 0;
  /** Code points if the characters are bytes of UTF-8; -1 once they cannot be. */
  let decoded = 0;
  /** Continuation bytes still to come. */
  let open = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    // The second half of a surrogate pair belongs to the character before it.
    if (unit < 0xdc00 || unit > 0xdfff || !isHighSurrogate(text.charCodeAt(at - 1))) points++;
    if (decoded === -1) continue;
    if (unit >= 0x80 && unit <= 0xbf && open > 0) {
      open--;
      continue;
    }
    const length = open > 0 ? 0 : utf8Length(unit);
    if (length === 0) {
      decoded = -1;
      continue;
    }
    decoded++;
    open = length - 1;
  }
  return decoded === -1 || open > 0 ? points : decoded;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/** Bytes of the UTF-8 sequence that begins with `byte` (RFC 3629); 0 when none does. */
function utf8Length(byte: number): number {
  if (byte < 0x80) return 1;
  if (byte >= 0xc2 && byte <= 0xdf) return 2;
  if (byte >= 0xe0 && byte <= 0xef) return 3;
  return byte >= 0xf0 && byte <= 0xf4 ? 4 : 0;
}
