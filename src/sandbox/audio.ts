/** `POST /v1/audio/speech`, `/transcriptions` and `/translations`. */
import type { Quantities } from "../core/quantities.ts";
import { type Answer, type Call, jsonAnswer, modelFor, type StreamEvent } from "./call.ts";
import { streamError } from "./chat.ts";
import { badField } from "./errors.ts";
import { type JsonObject, string } from "./json.ts";
import type { Model } from "./models.ts";
import { hash, Random } from "./random.ts";
import { countTokens, prose } from "./text.ts";

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  mp3: "audio/mpeg",
  opus: "audio/opus",
  aac: "audio/aac",
  flac: "audio/flac",
  wav: "audio/wav",
  pcm: "audio/pcm",
};
/** Of speech made: 24 kHz, 16 bit, one channel for a wave; a fifteenth of that compressed. */
const BYTES_A_CHARACTER = 200;
const AUDIO_TOKENS_A_CHARACTER = 1;
const SPEECH_CHUNK_BYTES = 4096;
/** Of sound received: 128 kbit/s, unless a wave's head says otherwise. */
const BYTES_A_SECOND = 16_000;
const AUDIO_TOKENS_A_SECOND = 10;
const WAVE_HEAD_BYTES = 44;
const WORDS_A_SECOND = 2;

/** Speaks a text. @throws ApiError */
export function speech(call: Call): Answer {
  const { json } = call;
  const model = modelFor(call, json.model, "speech");
  const input = string(json.input);
  if (input === "") throw badField("input", "is required");
  if (json.voice === undefined) throw badField("voice", "is required");
  const characters = Array.from(input).length;
  const format = string(json.response_format) || "mp3";
  const contentType = CONTENT_TYPES[format];
  if (contentType === undefined)
    throw badField("response_format", `must be one of ${Object.keys(CONTENT_TYPES).join(", ")}`);
  const sound = soundFor(call, input, format, characters);
  const byTokens = model.price.perMillionCharacters === undefined;
  const tokens = {
    inputTokens: call.knobs.input ?? countTokens(input),
    outputTokens: characters * AUDIO_TOKENS_A_CHARACTER,
  };
  const used: Quantities = { characters, ...(byTokens ? tokens : {}) };
  if (json.stream_format !== "sse") return { status: 200, contentType, content: sound, model, used };
  if (!byTokens) throw badField("stream_format", "cannot be sse for this model");
  const events = speechEvents(sound, tokens, call.knobs.usage !== "none");
  const content = { framing: "sse", events, error: streamError(), done: false } as const;
  return { status: 200, contentType: "text/event-stream; charset=utf-8", content, model, used };
}

function soundFor(call: Call, input: string, format: string, characters: number): Buffer {
  const length = call.knobs.size ?? characters * BYTES_A_CHARACTER;
  const random = new Random(hash(call.seed, input));
  const noise = Buffer.alloc(length);
  for (let index = 0; index + 4 <= length; index += 4) noise.writeUInt32LE(random.next(), index);
  return format === "wav" ? Buffer.concat([waveHead(length), noise]) : noise;
}

function waveHead(length: number): Buffer {
  const rate = 24_000;
  const head = Buffer.alloc(WAVE_HEAD_BYTES);
  head.write("RIFF", 0, "latin1");
  head.writeUInt32LE(length + WAVE_HEAD_BYTES - 8, 4);
  head.write("WAVEfmt ", 8, "latin1");
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36, "latin1");
  head.writeUInt32LE(length, 40);
  return head;
}

function* speechEvents(
  sound: Buffer,
  used: { readonly inputTokens: number; readonly outputTokens: number },
  reports: boolean,
): Generator<StreamEvent> {
  for (let start = 0; start < sound.length; start += SPEECH_CHUNK_BYTES) {
    const audio = sound.subarray(start, start + SPEECH_CHUNK_BYTES).toString("base64");
    yield plainEvent({ type: "speech.audio.delta", audio });
  }
  const usage = {
    input_tokens: used.inputTokens,
    output_tokens: used.outputTokens,
    total_tokens: used.inputTokens + used.outputTokens,
  };
  const done = plainEvent({ type: "speech.audio.done", ...(reports ? { usage } : {}) });
  yield reports ? { ...done, tokens: used.outputTokens, reported: used } : done;
}

/** Writes down what is said, in its own language. @throws ApiError */
export function transcribe(call: Call): Answer {
  return listen(call, "transcribe");
}

/** Writes down what is said, in English. @throws ApiError */
export function translate(call: Call): Answer {
  return listen(call, "translate");
}

function listen(call: Call, task: "transcribe" | "translate"): Answer {
  const fields = call.form?.fields ?? new Map<string, string>();
  const model = modelFor(call, fields.get("model"), "transcription");
  const file = call.form?.files.get("file");
  if (file === undefined) throw badField("file", "is required");
  const seconds = secondsOf(Buffer.from(file));
  const whole = Math.max(1, Math.ceil(seconds));
  const pieces = prose(hash(call.seed, `${file.length}`), call.knobs.output ?? whole * WORDS_A_SECOND);
  const text = pieces.join("");
  const byTokens = model.price.perSecond === undefined;
  const silent = call.knobs.usage === "none";
  const used = byTokens ? tokensOf(call, whole, pieces.length) : { audioMs: whole * 1000 };
  const usage = silent ? {} : { usage: byTokens ? tokenUsage(used) : { type: "duration", seconds: whole } };
  if (byTokens && fields.get("stream") === "true") {
    const events = transcriptEvents(pieces, usage, silent ? undefined : used);
    const content = { framing: "sse", events, error: streamError(), done: false } as const;
    return { status: 200, contentType: "text/event-stream; charset=utf-8", content, model, used };
  }
  const answered = silent ? { model, used } : { model, used, reported: used };
  switch (fields.get("response_format") ?? "json") {
    case "json":
      return jsonAnswer({ text, ...usage }, answered);
    case "verbose_json":
      return jsonAnswer({ ...verbose(task, text, seconds), ...usage }, answered);
    case "text":
      return plainText(`${text}\n`, model, used);
    case "srt":
      return plainText(`1\n00:00:00,000 --> ${clock(seconds, ",")}\n${text}\n\n`, model, used);
    case "vtt":
      return plainText(`WEBVTT\n\n00:00:00.000 --> ${clock(seconds, ".")}\n${text}\n\n`, model, used);
    default:
      throw badField("response_format", "must be one of json, text, srt, verbose_json, vtt");
  }
}

/** Length of the sound: by a wave's own byte rate, else as if it were 128 kbit/s. */
function secondsOf(file: Buffer): number {
  const isWave = file.length > WAVE_HEAD_BYTES && file.toString("latin1", 0, 4) === "RIFF";
  const rate = isWave ? file.readUInt32LE(28) : 0;
  return rate > 0 ? (file.length - WAVE_HEAD_BYTES) / rate : file.length / BYTES_A_SECOND;
}

function tokensOf(call: Call, seconds: number, output: number): Quantities {
  const audio = seconds * AUDIO_TOKENS_A_SECOND;
  const input = call.knobs.input ?? audio + countTokens(call.form?.fields.get("prompt") ?? "");
  return { inputTokens: input, audioInputTokens: Math.min(audio, input), outputTokens: output };
}

function tokenUsage(used: Quantities): JsonObject {
  const input = used.inputTokens ?? 0;
  const audio = used.audioInputTokens ?? 0;
  const output = used.outputTokens ?? 0;
  return {
    type: "tokens",
    input_tokens: input,
    input_token_details: { text_tokens: input - audio, audio_tokens: audio },
    output_tokens: output,
    total_tokens: input + output,
  };
}

function* transcriptEvents(
  pieces: readonly string[],
  usage: JsonObject,
  reported: Quantities | undefined,
): Generator<StreamEvent> {
  for (const delta of pieces) yield { ...plainEvent({ type: "transcript.text.delta", delta }), tokens: 1 };
  const done = plainEvent({ type: "transcript.text.done", text: pieces.join(""), ...usage });
  yield reported === undefined ? done : { ...done, reported };
}

function plainEvent(data: JsonObject): StreamEvent {
  return { name: "", data: JSON.stringify(data), tokens: 0 };
}

function plainText(content: string, model: Model, used: Quantities): Answer {
  return { status: 200, contentType: "text/plain; charset=utf-8", content, model, used };
}

function verbose(task: string, text: string, seconds: number): JsonObject {
  const segment = {
    id: 0,
    seek: 0,
    start: 0,
    end: seconds,
    text,
    tokens: [],
    temperature: 0,
    avg_logprob: -0.2,
    compression_ratio: 1.2,
    no_speech_prob: 0.01,
  };
  return { task, language: "english", duration: seconds, text, segments: [segment] };
}

function clock(seconds: number, point: string): string {
  return new Date(Math.round(seconds * 1000)).toISOString().slice(11, 23).replace(".", point);
}
