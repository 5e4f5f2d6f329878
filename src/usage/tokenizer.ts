/** Counts tokens with gpt-tokenizer. Its tables take some 60 MB and 0.3 s to load, so they wait for the first use. */

/** A text is counted in slices of this many characters: a very long word costs the square of its length. */
const SLICE_CHARACTERS = 2048;

type Count = (text: string) => number;

/** Models of before GPT-4o use the smaller vocabulary. */
const OLD_MODEL = /(?:^|\/)(?:gpt-3\.5|gpt-4(?![.o\d])|text-embedding-|davinci-002|babbage-002)/;

let recent: Promise<Count> | undefined;
let old: Promise<Count> | undefined;

/**
 * Tokens of `text` in the vocabulary of `model` (unknown models: that of the latest OpenAI models).
 * Words at the borders of slices may count one more. Rejects when the tables cannot be loaded.
 */
export async function countTokens(text: string, model: string): Promise<number> {
  const count = await (OLD_MODEL.test(model) ? loadOld() : loadRecent());
  let tokens = 0;
  for (let at = 0; at < text.length; at += SLICE_CHARACTERS) {
    if (at > 0) await nextTurn();
    tokens += count(text.slice(at, at + SLICE_CHARACTERS));
  }
  return tokens;
}

/** Markers such as `<|endoftext|>` in a text are counted as the plain text they are there. */
const PLAIN = { disallowedSpecial: new Set<string>() };

function loadRecent(): Promise<Count> {
  recent ??= import("gpt-tokenizer/encoding/o200k_base").then(
    (encoding) => (text: string) => encoding.countTokens(text, PLAIN),
  );
  return recent;
}

function loadOld(): Promise<Count> {
  old ??= import("gpt-tokenizer/encoding/cl100k_base").then(
    (encoding) => (text: string) => encoding.countTokens(text, PLAIN),
  );
  return old;
}

/** Lets other work go on. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
