/** What a call cost, here and at list price. */
import type { Pico } from "../core/money.ts";
import type { Quantities } from "../core/quantities.ts";
import type { PriceBook } from "./book.ts";
import { costOf } from "./cost.ts";

/** What of a call its price depends on. */
export interface Billed {
  readonly upstream: string;
  /** The model that the upstream was asked for. */
  readonly modelSent: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

/** What of a call's outcome its price depends on. */
export interface BilledOutcome {
  readonly billable: boolean;
  readonly quantities: Quantities;
  readonly serviceTier: string;
}

/**
 * The price is that of the model the upstream was asked for; where that one has none (a relay's `auto`),
 * that of the model that answered. What is not billable costs nothing; what is unpriced stays undefined.
 */
export function bill(
  prices: PriceBook,
  call: Billed,
  outcome: BilledOutcome,
  modelAnswered: string,
  image: { readonly size: string; readonly quality: string } | undefined,
): { cost: Pico | undefined; listCost: Pico | undefined } {
  if (!outcome.billable) return { cost: 0n, listCost: 0n };
  const { upstream, modelSent, startedAt } = call;
  const entry =
    prices.price(upstream, modelSent, startedAt) ?? prices.price(upstream, modelAnswered, startedAt);
  const list = prices.listPrice(modelSent, startedAt) ?? prices.listPrice(modelAnswered, startedAt);
  const { serviceTier } = outcome;
  const context = image === undefined ? { serviceTier } : { serviceTier, image };
  const cost = entry && costOf(entry, outcome.quantities, context);
  return { cost, listCost: list === entry ? cost : list && costOf(list, outcome.quantities, context) };
}
