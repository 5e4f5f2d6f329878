/**
 * The price book: what a model costs at each upstream, and what its vendor's list says. Answers come from
 * a bounded cache, so that a call costs one look-up, and invented model names cost no memory.
 */
import { type Entries, entriesOfListed, entriesOfOwn, inForce, type PriceEntry, withRules } from "./entry.ts";
import { type PriceLists, vendorOrder } from "./lists.ts";
import { type Candidate, candidates, MAX_NAME_LENGTH } from "./match.ts";
import type { Pricing } from "./pricing.ts";
import { type Factor, factor, ONE } from "./rates.ts";

export interface PricedUpstream {
  readonly name: string;
  readonly pricing: Pricing;
}

interface Shelf {
  readonly pricing: Pricing;
  /** By lower-case model name. */
  readonly own: ReadonlyMap<string, Entries>;
  /** multiplier × usdPer. */
  readonly factor: Factor;
  readonly cache: Map<string, Entries | undefined>;
}

/** Names remembered per upstream; when they are more, all are forgotten and looked up again. */
const CACHE_LIMIT = 2000;

/** Keeps every listed price within integers that are exact; see price-file-check.ts for the other half. */
const MAX_FACTOR = 100;

/** Sells models of others under `vendor/model` names. */
const RESELLER = "openrouter";

export class PriceBook {
  readonly #lists: PriceLists;
  readonly #shelves = new Map<string, Shelf>();
  readonly #listCache = new Map<string, Entries | undefined>();

  /** @throws Error naming the upstream and the model when a configured price is not usable. */
  constructor(lists: PriceLists, upstreams: Iterable<PricedUpstream>) {
    this.#lists = lists;
    for (const { name, pricing } of upstreams) this.#shelves.set(name, shelfOf(lists, name, pricing));
  }

  /**
   * The price of `model` at an upstream at `atMs` (milliseconds since the epoch): the user's own price; the
   * preset's list × multiplier; the vendor's list × multiplier; undefined when it is unpriced there.
   */
  price(upstream: string, model: string, atMs: number): PriceEntry | undefined {
    const shelf = this.#shelves.get(upstream);
    if (shelf === undefined || model.length > MAX_NAME_LENGTH) return undefined;
    const entries = remembered(shelf.cache, model, () => this.#lookUp(shelf, model));
    return entries && inForce(entries, atMs);
  }

  /** The vendor's own list price of `model`, or undefined when it is not known. */
  listPrice(model: string, atMs: number): PriceEntry | undefined {
    if (model.length > MAX_NAME_LENGTH) return undefined;
    const entries = remembered(this.#listCache, model, () => this.#atVendor(candidates(model), ONE, []));
    return entries && inForce(entries, atMs);
  }

  /** Every model name that has a price somewhere, in lower case, and own prices as they are written. */
  *knownModels(): Iterable<string> {
    for (const { pricing } of this.#shelves.values()) yield* Object.keys(pricing.own);
    yield* this.#lists.names();
  }

  #lookUp(shelf: Shelf, model: string): Entries | undefined {
    const { pricing } = shelf;
    const names = candidates(model);
    for (const candidate of names) {
      const own = shelf.own.get(candidate.name);
      if (own !== undefined && this.#sameModel(names, candidate)) return withRules(own, candidate.rules);
    }
    const notes =
      pricing.multiplier * pricing.usdPer === 1 ? [] : [`× ${pricing.multiplier} × ${pricing.usdPer} USD`];
    const list = pricing.list;
    if (list !== undefined) {
      for (const candidate of names) {
        const listed = this.#lists.find(list, candidate.name);
        if (listed === undefined || !this.#sameModel(names, candidate)) continue;
        return entriesOfListed(this.#lists, listed, "preset", candidate.rules, shelf.factor, notes);
      }
    }
    return this.#atVendor(names, shelf.factor, notes);
  }

  #atVendor(names: readonly Candidate[], by: Factor, notes: readonly string[]): Entries | undefined {
    const prefixed = names[0]?.name.includes("/") === true;
    for (const list of prefixed ? [...vendorOrder, RESELLER] : vendorOrder) {
      for (const { name, rules, vendor } of names) {
        if (vendor !== undefined && vendor !== list) continue;
        const listed = this.#lists.find(list, name);
        if (listed !== undefined) return entriesOfListed(this.#lists, listed, "list", rules, by, notes);
      }
    }
    return undefined;
  }

  /**
   * Whether a looser name still means the model that was asked for. A vendor may sell a dated release at
   * another price than its successor (`gpt-4o-2024-05-13`): then the price of `gpt-4o` is not its price.
   */
  #sameModel(names: readonly Candidate[], candidate: Candidate): boolean {
    const exact = names.find(({ vendor }) => vendor === candidate.vendor);
    if (exact === undefined) return true;
    const asked = this.#lists.findAtVendor(exact.name);
    if (asked === undefined) return true;
    if (candidate.vendor !== undefined && candidate.vendor !== asked.list && candidate.vendor !== RESELLER)
      return false;
    return exact === candidate || asked === this.#lists.find(asked.list, candidate.name);
  }
}

function shelfOf(lists: PriceLists, name: string, pricing: Pricing): Shelf {
  const { list, multiplier, usdPer } = pricing;
  if (list !== undefined && !lists.listNames().has(list)) {
    throw new Error(
      `upstream ${name}: there is no price list ${list}; known are ${[...lists.listNames()].join(", ")}`,
    );
  }
  try {
    const own = new Map<string, Entries>();
    for (const [model, price] of Object.entries(pricing.own)) {
      own.set(model.toLowerCase(), ownEntries(model, price, pricing));
    }
    if (!(multiplier * usdPer <= MAX_FACTOR)) {
      throw new RangeError(`priceMultiplier × usdPer must be at most ${MAX_FACTOR}`);
    }
    return { pricing, own, factor: factor(multiplier, usdPer), cache: new Map() };
  } catch (error) {
    throw new Error(`upstream ${name}: ${(error as Error).message}`, { cause: error });
  }
}

function ownEntries(model: string, price: Pricing["own"][string], pricing: Pricing): Entries {
  try {
    return entriesOfOwn(model, price, factor(pricing.usdPer), pricing);
  } catch (error) {
    throw new RangeError(`price of ${model}: ${(error as Error).message}`, { cause: error });
  }
}

function remembered<Value>(cache: Map<string, Value>, key: string, compute: () => Value): Value {
  const known = cache.get(key);
  if (known !== undefined || cache.has(key)) return known as Value;
  const value = compute();
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(key, value);
  return value;
}
