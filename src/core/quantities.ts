/**
 * What a vendor counts and bills, in one normal form for all APIs.
 * Prices, usage, metrics and the ledger all speak of these quantities; each dialect translates into them.
 */

/**
 * Every field is a non-negative integer and absent when the upstream did not report it.
 *
 * `inputTokens` and `outputTokens` are totals. The others named "…Tokens" are overlapping *subsets* of
 * them (a cached input token is also an input token), whatever the vendor's own arithmetic: Anthropic's
 * `input_tokens` excludes its cache and Gemini's candidates exclude its thoughts, so the dialect adds
 * them up first.
 */
export interface Quantities {
  inputTokens?: number;
  /** Subset of input: read from a prompt cache. */
  cachedInputTokens?: number;
  /** Subset of input: written to a prompt cache kept for five minutes (also when no duration is given). */
  cacheWrite5mTokens?: number;
  /** Subset of input: written to a prompt cache kept for one hour. */
  cacheWrite1hTokens?: number;
  /** Subset of input: audio. */
  audioInputTokens?: number;
  /** Subset of input: images. */
  imageInputTokens?: number;
  outputTokens?: number;
  /** Subset of output: spent on thinking. */
  reasoningTokens?: number;
  /** Subset of output: audio. */
  audioOutputTokens?: number;
  /** Subset of output: images. */
  imageOutputTokens?: number;
  /** Generated images, for models priced per image. */
  images?: number;
  /** Characters (Unicode code points) of speech input, for models priced per character. */
  characters?: number;
  /** Milliseconds of audio, for models priced per second or minute. */
  audioMs?: number;
}

export type Quantity = keyof Quantities;

/** No call uses more of anything. Whoever reports it is not believed, for one such figure would drown all others. */
const MOST = 1_000_000_000;

/** Reads a reported count: a non-negative number, rounded down; anything else, or absurd, is "not reported". */
export function count(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 && value <= MOST ? Math.floor(value) : undefined;
}
