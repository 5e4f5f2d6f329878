/**
 * All price lists together, looked up by list and model name. Built once from the price files and shared
 * by every price book, so that reloading the configuration does not read them again.
 */
import type { ModelPrices, PriceFile, PriceList } from "./price-file.ts";

/** A model as one list knows it. Two names mean the same model exactly when they find the same object. */
export interface ListedModel {
  readonly list: string;
  /** The model's key in its list. */
  readonly key: string;
  readonly model: ModelPrices;
  readonly source: string;
  readonly date: string;
  readonly notes: readonly string[];
  readonly flat: boolean;
}

/** Vendors in the order in which a bare name is looked up: whoever makes a model comes before who resells it. */
export const vendorOrder: readonly string[] = [
  ...[
    "openai",
    "anthropic",
    "google",
    "deepseek",
    "mistral",
    "x-ai",
    "moonshotai",
    "alibaba",
    "zai",
    "minimax",
  ],
  ...["cohere", "voyageai", "perplexity"],
];

/** What one file says of a service tier: a factor on every price of the list, or prices by model key. */
export interface TierStatement {
  readonly tier: string;
  readonly stated: NonNullable<PriceList["serviceTiers"]>[string];
  /** With its date. */
  readonly source: string;
}

export class PriceLists {
  readonly #files: readonly PriceFile[];
  /** By list, built when first asked for: most processes never look at most lists. */
  readonly #indices = new Map<string, ReadonlyMap<string, ListedModel>>();

  /** Where files price the same model of the same list, the first one counts. */
  constructor(files: readonly PriceFile[]) {
    this.#files = files;
  }

  /** `name` in lower case. */
  find(list: string, name: string): ListedModel | undefined {
    return this.#index(list).get(name);
  }

  /** The model of that name at the vendor that makes it. */
  findAtVendor(name: string): ListedModel | undefined {
    for (const vendor of vendorOrder) {
      const found = this.find(vendor, name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** What a list's files say of service tiers; the first statement that fits a model counts. */
  serviceTiers(list: string): readonly TierStatement[] {
    return this.#files.flatMap((file) => {
      const prices = file.lists[list];
      const source = `${prices?.source ?? file.source}, ${prices?.date ?? file.date}`;
      return Object.entries(prices?.serviceTiers ?? {}).map(([tier, stated]) => ({ tier, stated, source }));
    });
  }

  listNames(): ReadonlySet<string> {
    return new Set(this.#files.flatMap((file) => Object.keys(file.lists)));
  }

  /** Every model of a list, once. */
  models(list: string): Iterable<ListedModel> {
    return new Set(this.#index(list).values());
  }

  /** Every name of every model of a list. */
  modelNames(list: string): Iterable<string> {
    return this.#index(list).keys();
  }

  /** Every name of every model of every list, without looking models up; some come more than once. */
  *names(): Iterable<string> {
    for (const file of this.#files) {
      for (const { models } of Object.values(file.lists)) {
        for (const key in models) {
          yield key;
          yield* models[key]?.names ?? [];
        }
      }
    }
  }

  #index(list: string): ReadonlyMap<string, ListedModel> {
    const known = this.#indices.get(list);
    if (known !== undefined) return known;
    const index = new Map<string, ListedModel>();
    for (const file of this.#files) {
      const prices = file.lists[list];
      if (prices !== undefined) addList(index, file, list, prices);
    }
    this.#indices.set(list, index);
    return index;
  }
}

function addList(index: Map<string, ListedModel>, file: PriceFile, list: string, prices: PriceList): void {
  for (const [key, model] of Object.entries(prices.models)) {
    // An earlier file that prices this model takes over all names that a later file gives it.
    const listed = index.get(key) ?? {
      list,
      key,
      model,
      source: model.source ?? prices.source ?? file.source,
      date: model.date ?? prices.date ?? file.date,
      notes: [model.note, file.note].filter((note) => note !== undefined),
      flat: prices.flat === true,
    };
    for (const name of [key, ...(model.names ?? [])]) {
      if (!index.has(name)) index.set(name, listed);
    }
  }
}
