/** A price entry: what one model costs at one place and time, as integers, with where that is known from. */

import type { ListedModel, PriceLists } from "./lists.ts";
import type { Price, PriceVariant } from "./price-file.ts";
import type { Pricing } from "./pricing.ts";
import { type Factor, type Rates, ratesOf, times } from "./rates.ts";

/** Rates by length of the context. */
export interface Schedule {
  readonly base: Rates;
  /** Ascending; the last one whose `above` is below the call's total input holds for the whole call. */
  readonly tiers: readonly { readonly above: number; readonly rates: Rates }[];
  /** More total input than this has no price under this service tier. */
  readonly limit: number | undefined;
  /** Where a service tier's prices are from, with date, when not from where the entry is. */
  readonly source: string | undefined;
}

/** Which price counted: the user's own, the list of the upstream's preset, or the vendor's list. */
export type Layer = "own" | "preset" | "list";

export interface PriceEntry {
  /** The model as the price list names it. */
  readonly model: string;
  /** How the name that was asked for led to it; empty when it was exact. */
  readonly rules: readonly string[];
  readonly layer: Layer;
  /** Name of the price list; `configuration` for the user's own prices. */
  readonly list: string;
  readonly source: string;
  /** As precise as known (`2026`, `2026-03-13`), or "". */
  readonly date: string;
  readonly notes: readonly string[];
  /** Tokens, when known. */
  readonly contextWindow: number | undefined;
  /** When this price is in force; undefined where it is not limited. */
  readonly from: string | undefined;
  readonly between: readonly [string, string] | undefined;
  /** `from` in milliseconds since the epoch. */
  readonly fromMs: number;
  /** `between` in minutes of the UTC day. */
  readonly minutes: readonly [number, number] | undefined;
  readonly standard: Schedule;
  readonly serviceTiers: ReadonlyMap<string, Schedule>;
  /** One price whatever the service tier. */
  readonly flat: boolean;
}

/** The entries of one model at one place: usually one, several where the price depends on date or hour. */
export type Entries = readonly [PriceEntry, ...PriceEntry[]];

/** The last entry that is in force at `atMs` (milliseconds since the epoch), else the first. */
export function inForce(entries: Entries, atMs: number): PriceEntry {
  for (let index = entries.length - 1; index > 0; index--) {
    const entry = entries[index];
    if (entry !== undefined && applies(entry, atMs)) return entry;
  }
  return entries[0];
}

export function entriesOfListed(
  lists: PriceLists,
  listed: ListedModel,
  layer: Layer,
  rules: readonly string[],
  by: Factor,
  notes: readonly string[],
): Entries {
  return entriesOf(listed.model.prices, (variant) => ({
    model: listed.key,
    rules,
    layer,
    list: listed.list,
    source: listed.source,
    date: listed.date,
    notes: [...listed.notes, ...notes],
    contextWindow: listed.model.contextWindow,
    ...timesOf(variant),
    standard: scheduleOf(variant, by),
    serviceTiers: tierSchedules(lists, listed, variant, by),
    flat: listed.flat,
  }));
}

/** @throws RangeError when a price is not usable. */
export function entriesOfOwn(model: string, price: Price, by: Factor, pricing: Pricing): Entries {
  const abroad = pricing.currency !== "USD" || pricing.usdPer !== 1;
  return entriesOf([price], () => ({
    model,
    rules: [],
    layer: "own",
    list: "configuration",
    source: "your own prices in the configuration",
    date: "",
    notes: abroad ? [`in ${pricing.currency}, at ${pricing.usdPer} USD each`] : [],
    contextWindow: undefined,
    ...timesOf({}),
    standard: scheduleOf(price, by),
    serviceTiers: new Map(),
    flat: true,
  }));
}

/** The same price as found by another spelling of the name. */
export function withRules(entries: Entries, rules: readonly string[]): Entries {
  if (rules.length === 0) return entries;
  const [first, ...rest] = entries;
  return [{ ...first, rules }, ...rest.map((entry) => ({ ...entry, rules }))];
}

function entriesOf(variants: readonly PriceVariant[], entry: (variant: PriceVariant) => PriceEntry): Entries {
  const [first, ...rest] = variants;
  if (first === undefined) throw new RangeError("a model needs at least one price");
  return [entry(first), ...rest.map(entry)];
}

type Scheduled = Price & Pick<PriceVariant, "tiers">;

function scheduleOf(price: Scheduled, by: Factor, limit?: number, source?: string): Schedule {
  const { tiers = [], ...base } = price;
  return {
    base: ratesOf(base, by),
    tiers: tiers
      .map(({ above, ...rates }) => ({ above, rates: ratesOf({ ...base, ...rates }, by) }))
      .sort((left, right) => left.above - right.above),
    limit,
    source,
  };
}

/**
 * Service tiers of one variant, the more specific statement first: the variant's own, the list's for this
 * model, the list's factor. A tier's price says nothing of a long context that costs more elsewhere.
 */
function tierSchedules(
  lists: PriceLists,
  listed: ListedModel,
  variant: PriceVariant,
  by: Factor,
): ReadonlyMap<string, Schedule> {
  const result = new Map<string, Schedule>();
  const limit = variant.tiers && Math.min(...variant.tiers.map(({ above }) => above));
  const add = (tier: string, price: Scheduled | undefined, factor: Factor, source?: string) => {
    if (price === undefined || result.has(tier)) return;
    result.set(tier, scheduleOf(price, factor, price.tiers === undefined ? limit : undefined, source));
  };
  for (const [tier, price] of Object.entries(variant.serviceTiers ?? {})) add(tier, price, by);
  for (const { tier, stated, source } of lists.serviceTiers(listed.list)) {
    if (typeof stated === "number") add(tier, variant, times(by, stated), source);
    else add(tier, stated[listed.key], by, source);
  }
  return result;
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

function timesOf({ from, between }: Pick<PriceVariant, "from" | "between">) {
  return {
    from,
    between,
    fromMs: from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(`${from}T00:00:00Z`),
    minutes: between && ([minuteOfDay(between[0]), minuteOfDay(between[1])] as const),
  };
}

function minuteOfDay(time: string): number {
  return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
}

function applies({ fromMs, minutes }: PriceEntry, atMs: number): boolean {
  if (atMs < fromMs) return false;
  if (minutes === undefined) return true;
  const minute = Math.floor((atMs % DAY_MS) / MINUTE_MS);
  const [start, end] = minutes;
  return start <= end ? minute >= start && minute < end : minute >= start || minute < end;
}
