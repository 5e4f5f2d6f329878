/**
 * Model names: which other spellings mean the same model at the same price. Only what is certain counts:
 * letter case, a vendor's prefix, a release date, `-latest`, and Claude's two ways to write a version.
 * Anything else (`gpt-4.1-ultra`, `:free`, `-0613`, `-thinking`) is another model with its own price.
 */

/** A name under which the price of a model may be found, and how it came from the name that was asked for. */
export interface Candidate {
  /** Lower case. */
  readonly name: string;
  /** Empty when the name is exact. */
  readonly rules: readonly string[];
  /** The list the name must be looked up in, when a prefix named the vendor (`openai/gpt-4.1`). */
  readonly vendor: string | undefined;
}

/** Longer names are nobody's model; not looking at them bounds the work a client can cause. */
export const MAX_NAME_LENGTH = 200;

/** Prefixes that say whose model it is, as relays, OpenRouter, LiteLLM and the Gemini API write them. */
const vendorPrefixes: ReadonlyMap<string, string> = new Map([
  ["openai", "openai"],
  ["anthropic", "anthropic"],
  ["google", "google"],
  ["gemini", "google"],
  ["models", "google"],
  ["deepseek", "deepseek"],
  ["deepseek-ai", "deepseek"],
  ["mistral", "mistral"],
  ["mistralai", "mistral"],
  ["x-ai", "x-ai"],
  ["xai", "x-ai"],
  ["moonshot", "moonshotai"],
  ["moonshotai", "moonshotai"],
  ["z-ai", "zai"],
  ["zai", "zai"],
  ["minimax", "minimax"],
  ["cohere", "cohere"],
  ["perplexity", "perplexity"],
  ["openrouter", "openrouter"],
]);

/** `-2025-04-14`, `-20250514`, and Vertex's `@20250514`; only dates that can be. */
const DATE = /[-@]20\d\d(-?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])$/;
const LATEST = /-latest$/;
/** Gemini's stable versions (`gemini-2.0-flash-001`). */
const GEMINI_VERSION = /^(gemini-.*)-00\d$/;
const CLAUDE = /^claude-/;

/** Every name to look for, the exact one first, the most remote last. */
export function candidates(model: string): readonly Candidate[] {
  if (model.length > MAX_NAME_LENGTH) return [];
  const lower = model.toLowerCase();
  const exact: Candidate = { name: lower, rules: lower === model ? [] : ["letter case"], vendor: undefined };
  const result = variants(exact);
  const bare = withoutPrefix(exact);
  if (bare !== undefined) result.push(...variants(bare));
  return result;
}

/**
 * Maps a model name to a known one, to bound metric labels: a known name to itself, another spelling of it
 * to the known spelling, anything else to undefined.
 */
export function canonicalModel(name: string, known: (name: string) => boolean): string | undefined {
  if (name.length > MAX_NAME_LENGTH) return undefined;
  if (known(name)) return name;
  return candidates(name).find((candidate) => known(candidate.name))?.name;
}

function withoutPrefix(from: Candidate): Candidate | undefined {
  const slash = from.name.indexOf("/");
  const vendor = slash < 0 ? undefined : vendorPrefixes.get(from.name.slice(0, slash));
  if (vendor === undefined) return undefined;
  const rules = [...from.rules, `prefix ${from.name.slice(0, slash + 1)}`];
  return { name: from.name.slice(slash + 1), rules, vendor };
}

function variants(from: Candidate): Candidate[] {
  const stems = [from];
  const date = DATE.exec(from.name)?.[0];
  if (date !== undefined) stems.push(shortened(from, date, "date"));
  if (LATEST.test(from.name)) stems.push(shortened(from, "-latest", "suffix"));
  const version = GEMINI_VERSION.exec(from.name)?.[1];
  if (version !== undefined) stems.push(shortened(from, from.name.slice(version.length), "version"));
  return stems.flatMap((stem) => (CLAUDE.test(stem.name) ? [stem, ...respelled(stem)] : [stem]));
}

function shortened(from: Candidate, ending: string, what: string): Candidate {
  return {
    ...from,
    name: from.name.slice(0, -ending.length),
    rules: [...from.rules, `${what} ${ending.replace(/^[-@]/, "")}`],
  };
}

/** `claude-sonnet-4.5` is `claude-sonnet-4-5`, and `claude-3-5-haiku` is `claude-3.5-haiku`. */
function respelled(from: Candidate): Candidate[] {
  const dashed = from.name.replace(/-(\d)\.(\d)(?=-|$)/, "-$1-$2");
  const dotted = from.name.replace(/-(\d)-(\d)(?=-|$)/, "-$1.$2");
  return [dashed, dotted]
    .filter((name) => name !== from.name)
    .map((name) => ({ ...from, name, rules: [...from.rules, "version spelling"] }));
}
