/**
 * Estimates of tokens, for calls whose usage nobody reported: the text is counted with OpenAI's
 * tokenizer, which is close enough for other vendors' models: by the gateway in a thread of its own
 * (estimate-thread.ts), elsewhere in the thread that asks (estimate-here.ts).
 */
export interface Estimator {
  /**
   * Tokens of a text of `totalCharacters` (UTF-16 units) of which `text` is the beginning; the count of
   * the beginning is scaled up to the whole. Never rejects: where counting fails or would take too long,
   * the result is `roughTokens`.
   */
  tokens(text: string, totalCharacters: number, model: string): Promise<number>;
  /** Frees what the estimator holds. Estimates asked for later are rough. */
  close(): void;
}

/** Texts are counted up to this length (UTF-16 units) and scaled up from there. */
export const COUNTED_CHARACTERS = 32 * 1024;

/** Scales the tokens counted in the first `counted` characters up to `totalCharacters`. */
export function scaledTokens(tokens: number, counted: number, totalCharacters: number): number {
  return counted === 0 || totalCharacters <= counted
    ? tokens
    : Math.round((tokens * totalCharacters) / counted);
}

/** Characters a token takes: Latin text about four; Chinese, Japanese and Korean about one and a half. */
const LATIN_PER_TOKEN = 4;
const CJK_PER_TOKEN = 1.5;
/** How much of a text is looked at to learn what script it is written in. */
const LOOKED_AT = 1024;

/** Tokens by length and script alone. */
export function roughTokens(text: string, totalCharacters: number): number {
  const looked = Math.min(text.length, LOOKED_AT);
  let cjk = 0;
  for (let at = 0; at < looked; at++) if (isCjk(text.charCodeAt(at))) cjk++;
  const share = looked === 0 ? 0 : cjk / looked;
  const length = Math.max(totalCharacters, text.length);
  return Math.ceil(length * (share / CJK_PER_TOKEN + (1 - share) / LATIN_PER_TOKEN));
}

/** Kana, ideographs, Hangul and their full-width forms (Unicode blocks of the basic plane). */
function isCjk(unit: number): boolean {
  return (
    (unit >= 0x3040 && unit <= 0x30ff) ||
    (unit >= 0x3400 && unit <= 0x9fff) ||
    (unit >= 0xac00 && unit <= 0xd7af) ||
    (unit >= 0xf900 && unit <= 0xfaff) ||
    (unit >= 0xff00 && unit <= 0xffef)
  );
}
