/** What a call cost, here and at list price. */
import type { Pico } from "../core/money.ts";
import type { PriceBook } from "../prices/book.ts";
import { costOf } from "../prices/cost.ts";
import type { PriceEntry } from "../prices/entry.ts";
import type { RequestFacts } from "../usage/dialect.ts";
import type { Call } from "../usage/usage.ts";
import type { Outcome } from "./evidence.ts";

/**
 * The price is that of the model the upstream was asked for; where that one has none (a relay's `auto`),
 * that of the model that answered. What is not billable costs nothing; what is unpriced stays undefined.
 */
export function price(
  prices: PriceBook,
  call: Call,
  outcome: Outcome,
  modelAnswered: string,
  image: RequestFacts["image"],
): { cost: Pico | undefined; listCost: Pico | undefined } {
  if (!outcome.billable) return { cost: 0n, listCost: 0n };
  const { upstream, modelSent, startedAt } = call;
  const entry =
    prices.price(upstream, modelSent, startedAt) ?? prices.price(upstream, modelAnswered, startedAt);
  const list = prices.listPrice(modelSent, startedAt) ?? prices.listPrice(modelAnswered, startedAt);
  const context = { serviceTier: outcome.serviceTier, ...(image === undefined ? {} : { image }) };
  const cost = (of: PriceEntry | undefined): Pico | undefined =>
    of === undefined ? undefined : costOf(of, outcome.quantities, context);
  return { cost: cost(entry), listCost: cost(list) };
}
