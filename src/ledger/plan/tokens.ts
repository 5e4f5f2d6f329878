/** Numbers of tokens as people write them. */

const SUFFIX: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, b: 1e9, g: 1e9 };
const MAX_TOKENS = 1e15;

/** `50M`, `1.5b`, `200k`, `1_000_000` as a number of tokens, or undefined. */
export function parseTokens(text: string): number | undefined {
  const [, amount, suffix = ""] = /^(\d[\d_]*(?:\.\d+)?)\s?([kmbg]?)$/i.exec(text.trim()) ?? [];
  const value = Math.round(
    Number(amount?.replaceAll("_", "")) * (SUFFIX[suffix.toLowerCase()] ?? Number.NaN),
  );
  return value >= 1 && value <= MAX_TOKENS ? value : undefined;
}
