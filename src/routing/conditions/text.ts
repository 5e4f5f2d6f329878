/** Conditions on the prompt: its length, expressions and words in it, and its language. */
import { type Condition, type ConditionTools, either, listed } from "../condition.ts";
import { type Language, languageOf } from "../language.ts";

type Texts = string | readonly string[];

interface Bounds {
  readonly above?: number | undefined;
  readonly below?: number | undefined;
}

export function inputTokensCondition({ above, below }: Bounds): Condition {
  const parts = [
    ...(above === undefined ? [] : [`more than ${above}`]),
    ...(below === undefined ? [] : [`fewer than ${below}`]),
  ];
  return {
    key: "inputTokens",
    wants: parts.join(" and "),
    holds: (facts) => {
      // A short body settles it without being read.
      if (above !== undefined && (facts.mostInputTokens <= above || facts.inputTokens <= above)) return false;
      return below === undefined || facts.mostInputTokens < below || facts.inputTokens < below;
    },
    found: (facts) => `about ${facts.inputTokens}`,
  };
}

export function promptCondition(sources: Texts, { pattern }: ConditionTools): Condition {
  const patterns = listed(sources).map((source) => ({ source, compiled: pattern(source) }));
  return {
    key: "prompt",
    wants: either(patterns.map(({ source }) => source)),
    holds: (facts) => patterns.some(({ compiled }) => compiled.test(facts.prompt)),
    found: (facts) => {
      const found = patterns.filter(({ compiled }) => compiled.test(facts.prompt));
      return found.length === 0 ? "not found" : `found: ${found.map(({ source }) => source).join(", ")}`;
    },
  };
}

export function keywordsCondition(words: Texts): Condition {
  const finders = listed(words).map((word) => ({ word, finds: wordFinder(word) }));
  return {
    key: "keywords",
    wants: either(listed(words)),
    holds: (facts) => {
      const text = facts.lowerPrompt;
      return finders.some(({ finds }) => finds(text));
    },
    found: (facts) => {
      const text = facts.lowerPrompt;
      const found = finders.filter(({ finds }) => finds(text)).map(({ word }) => word);
      return found.length === 0 ? "none of them" : found.join(", ");
    },
  };
}

export function languageCondition(languages: Language | readonly Language[]): Condition {
  const wanted = new Set<string>(listed(languages));
  return {
    key: "language",
    wants: either([...wanted]),
    holds: (facts) => wanted.has(languageOf(facts.lastText) ?? ""),
    found: (facts) => languageOf(facts.lastText) ?? "not clear",
  };
}

/** Finds a word where no letter or digit is next to it; Chinese, Japanese and Thai put nothing between words. */
function wordFinder(word: string): (lowerText: string) => boolean {
  const wanted = word.toLowerCase();
  const [first = "", last = ""] = [[...wanted].at(0), [...wanted].at(-1)];
  const open = BOUNDED.test(first);
  const closed = BOUNDED.test(last);
  return (text) => {
    for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + 1)) {
      const before = at === 0 ? "" : text.charAt(at - 1);
      const after = text.charAt(at + wanted.length);
      if (!(open && BOUNDED.test(before)) && !(closed && BOUNDED.test(after))) return true;
    }
    return false;
  };
}

/** Letters and digits of scripts that separate words. */
const BOUNDED = /^(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}])[\p{L}\p{N}_]$/u;
