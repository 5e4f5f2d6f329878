/** The `model` label of the names that clients write: bounded by the models that are known. */
import type { BoundedLabels } from "../metrics/bounded-labels.ts";
import type { PriceBook } from "./book.ts";
import { canonicalModel } from "./match.ts";

/** Labels models by a known name: one that has a price, or one of `names`. */
export function modelLabels(
  labels: BoundedLabels,
  prices: PriceBook,
  names: readonly string[],
): (model: string) => string {
  const known = new Set<string>(prices.knownModels());
  for (const name of names) known.add(name);
  labels.allow(known);
  const isKnown = (name: string): boolean => known.has(name);
  return (model) => labels.value(model === "" ? "" : (canonicalModel(model, isKnown) ?? model));
}
