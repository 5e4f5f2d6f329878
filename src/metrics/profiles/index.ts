/** The table of profiles, and what follows from all of them together. */
import type { Definition } from "../catalogue.ts";
import { aiApi } from "./ai-api.ts";
import { type Buckets, bellwether } from "./bellwether.ts";
import { genai } from "./genai.ts";
import { holysheep } from "./holysheep.ts";
import { llm } from "./llm.ts";
import type { Profile } from "./profile.ts";

/** The profiles, the default first. `buckets` are the configured bounds by metric name. */
export function profiles(buckets: Buckets): readonly Profile[] {
  return [bellwether(buckets), holysheep, aiApi, llm, genai];
}

/**
 * The bounds to keep for a histogram so that each profile's buckets are exact: the union of all that any
 * profile shows of it, in the unit it is kept in.
 */
export function keptBounds(table: readonly Profile[], definition: Definition): readonly number[] {
  const all = table.flatMap(({ metrics }) =>
    metrics
      .filter(({ inputs }) => inputs.some(({ from }) => from === definition.name))
      .flatMap(({ bounds = [], scale = 1 }) => bounds.map((bound) => bound / scale)),
  );
  return [...new Set(all)].sort((a, b) => a - b);
}

/** A scraper asked for a profile that does not exist: its fault, so HTTP answers 400. */
export class UnknownProfileError extends Error {
  override readonly name = "UnknownProfileError";
  readonly code = "unknown_profile";

  constructor(profile: string, known: readonly string[]) {
    super(
      `There is no metrics profile ${JSON.stringify(profile.slice(0, 64))}. Ask for one of: ${known.join(", ")}.`,
    );
  }
}
