/**
 * The `usage` object of all OpenAI APIs and of those that imitate them. Chat, completions and embeddings
 * count `prompt_tokens` and `completion_tokens`; responses, images and audio count `input_tokens` and
 * `output_tokens`. Some relays send both, one of them as 0.
 */
import { count } from "../../core/quantities.ts";
import type { Reading } from "../dialect.ts";
import { type Fields, fields, put, sum } from "./fields.ts";

/** Reads a usage object over what was read before; true when it reported anything. */
export function readOpenAiUsage(value: unknown, reading: Reading): boolean {
  if (typeof value !== "object" || value === null) return false;
  const usage = value as Fields;
  const { quantities } = reading;
  if (usage.type === "duration") {
    // Audio models that are priced by time.
    const reported = put(quantities, "audioMs", milliseconds(usage.seconds));
    if (reported) reading.reported = true;
    return reported;
  }
  // DeepSeek splits its prompt into cache hits and misses, beside or instead of the OpenAI details.
  const hits = count(usage.prompt_cache_hit_tokens);
  const misses = count(usage.prompt_cache_miss_tokens);
  const input = larger(usage.prompt_tokens, usage.input_tokens) ?? added(hits, misses);
  let output = larger(usage.completion_tokens, usage.output_tokens);
  const inputDetails = fields(
    usage.prompt_tokens_details ?? usage.input_tokens_details ?? usage.input_token_details,
  );
  const outputDetails = fields(
    usage.completion_tokens_details ?? usage.output_tokens_details ?? usage.output_token_details,
  );
  const reasoning = count(outputDetails.reasoning_tokens);
  if (output !== undefined && reasoning !== undefined && reasoning > 0) {
    // Some vendors leave thinking out of the completion and count it in the total only. The sum tells.
    const total = count(usage.total_tokens);
    if (total !== undefined && total === (input ?? 0) + output + reasoning) output += reasoning;
  }
  if (input === undefined && output === undefined) return false;
  reading.reported = true;
  // Each by its name: a field that is named by a variable is several times as dear to set, and this is every call's.
  if (input !== undefined) quantities.inputTokens = input;
  if (output !== undefined) quantities.outputTokens = output;
  const cached = count(inputDetails.cached_tokens) ?? hits ?? count(usage.cached_tokens);
  if (cached !== undefined) quantities.cachedInputTokens = cached;
  const written = count(inputDetails.cache_write_tokens);
  if (written !== undefined) quantities.cacheWrite5mTokens = written;
  const audioInput = count(inputDetails.audio_tokens);
  if (audioInput !== undefined) quantities.audioInputTokens = audioInput;
  const imageInput = count(inputDetails.image_tokens);
  if (imageInput !== undefined) quantities.imageInputTokens = imageInput;
  if (reasoning !== undefined) quantities.reasoningTokens = reasoning;
  const audioOutput = count(outputDetails.audio_tokens);
  if (audioOutput !== undefined) quantities.audioOutputTokens = audioOutput;
  const imageOutput = count(outputDetails.image_tokens);
  if (imageOutput !== undefined) quantities.imageOutputTokens = imageOutput;
  return true;
}

/** Seconds, as a number with a fraction, in whole milliseconds. */
export function milliseconds(seconds: unknown): number | undefined {
  return typeof seconds === "number" ? count(Math.round(seconds * 1000)) : undefined;
}

function larger(left: unknown, right: unknown): number | undefined {
  const one = count(left);
  const other = count(right);
  return one === undefined || (other !== undefined && other > one) ? other : one;
}

function added(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined && right === undefined ? undefined : sum(left ?? 0, right ?? 0);
}
