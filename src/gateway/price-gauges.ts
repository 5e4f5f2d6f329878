/** Keeps the price gauges: a model's price at an upstream is shown from the first call for it on. */
import { OTHER } from "../metrics/bounded-labels.ts";
import { catalogue } from "../metrics/catalogue.ts";
import type { Registry } from "../metrics/registry.ts";
import type { PriceBook } from "../prices/book.ts";
import { displayPrices } from "../prices/cost.ts";
import type { Call, Recorder } from "../usage/usage.ts";

export class PriceGauges implements Recorder {
  readonly #gauge;
  readonly #prices: () => PriceBook;
  #shown = new Map<string, Set<string>>();

  /** `prices` gives the book in force. */
  constructor(registry: Registry, prices: () => PriceBook) {
    this.#gauge = registry.gauge(catalogue.price);
    this.#prices = prices;
  }

  started({ upstream, modelLabel, modelSent, startedAt }: Call): void {
    let models = this.#shown.get(upstream);
    if (models === undefined) {
      models = new Set();
      this.#shown.set(upstream, models);
    }
    // `other` stands for many models, and has no one price.
    if (models.has(modelLabel) || modelLabel === OTHER) return;
    models.add(modelLabel);
    const entry = this.#prices().price(upstream, modelSent, startedAt);
    if (entry === undefined) return;
    for (const [kind, usd] of Object.entries(displayPrices(entry))) {
      if (typeof usd === "number") this.#gauge.with([upstream, modelLabel, kind]).set(usd);
    }
  }

  settled(): void {
    // Prices do not change with a call.
  }

  /** Prices have changed: they are shown anew as calls come. */
  reset(): void {
    this.#shown = new Map();
    this.#gauge.clear();
  }
}
