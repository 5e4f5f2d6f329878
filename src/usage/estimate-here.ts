/** Counts tokens in the thread that asks. The tokenizer's tables, some 60 MB, are loaded by the first estimate. */
import { COUNTED_CHARACTERS, type Estimator, roughTokens, scaledTokens } from "./estimate.ts";
import { countTokens } from "./tokenizer.ts";

/** Counts in the thread that asks, in slices between which other work goes on. */
export function inThreadEstimator(): Estimator {
  let closed = false;
  return {
    async tokens(text, totalCharacters, model) {
      const counted = text.slice(0, COUNTED_CHARACTERS);
      try {
        if (!closed) return scaledTokens(await countTokens(counted, model), counted.length, totalCharacters);
      } catch {
        // The tokenizer could not be loaded, or choked on the text.
      }
      return roughTokens(text, totalCharacters);
    },
    close() {
      closed = true;
    },
  };
}
