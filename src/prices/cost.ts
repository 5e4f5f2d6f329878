/**
 * What a call costs: quantities × rates, exactly.
 *
 * Input and output tokens are totals. Their subsets are charged at their own rate where there is one, and
 * else at the rate they fall back to; what is left of the total is charged at the base rate. Subsets count
 * as disjoint and are cut to what is left of the total, in the order below, so that a report that cannot
 * be (more cached than input) never makes money negative.
 *
 *   cached input → input rate       audio, image input → input rate      reasoning → output rate
 *   cache write 5m → input rate     audio, image output → output rate
 *   cache write 1h → cache write 5m → input rate
 *
 * A context tier, chosen by total input, holds for the whole call. Images, seconds and characters are charged
 * only where the call did not report tokens of that side that have a price: they measure the same thing twice.
 */
import { PICO_PER_USD, type Pico, roundedDivide } from "../core/money.ts";
import type { Quantities } from "../core/quantities.ts";
import type { PriceEntry, Schedule } from "./entry.ts";
import type { Rates } from "./rates.ts";

/** What else the price of a call depends on. */
export interface CostContext {
  /** As the answer names it, or "". */
  readonly serviceTier: string;
  /** What was asked for, in models priced per image. */
  readonly image?: { readonly size: string; readonly quality: string };
  /** When the quantities are the sums of several calls: how many. Context tiers then go by their average. */
  readonly calls?: number;
}

/** What is charged for; each has one unit. */
export type ChargeKind =
  | "input"
  | "cachedInput"
  | "cacheWrite5m"
  | "cacheWrite1h"
  | "audioInput"
  | "imageInput"
  | "output"
  | "reasoning"
  | "audioOutput"
  | "imageOutput"
  | "image"
  | "character"
  | "audioMs"
  | "request";

/** One line of a bill. */
export interface Charge {
  readonly kind: ChargeKind;
  /** Tokens, images, characters, milliseconds of audio, requests. */
  readonly quantity: number;
  /** Pico-dollars per token, image, character, *hour* of audio, request; undefined when it has no price. */
  readonly rate: number | undefined;
  /** Whose rate it is: the kind itself or what it falls back to. */
  readonly from: ChargeKind;
}

/** Names of ordinary service. `scale` is prepaid capacity, for which no price per token is published. */
const ordinaryTiers: ReadonlySet<string> = new Set([
  ...["", "default", "standard", "auto", "on_demand", "standard_only", "scale"],
]);

/** An hour in milliseconds: rates of audio are per hour, its quantity is in milliseconds. */
const HOUR_MS = 3_600_000n;

/**
 * The rates under a service tier; undefined when the tier has no price here. A relay's own list and the
 * user's own prices are flat: there the tier changes nothing.
 */
export function scheduleOf(entry: PriceEntry, serviceTier: string): Schedule | undefined {
  if (ordinaryTiers.has(serviceTier)) return entry.standard;
  const tier = serviceTier.toLowerCase();
  if (ordinaryTiers.has(tier)) return entry.standard;
  return entry.serviceTiers.get(tier) ?? (entry.flat ? entry.standard : undefined);
}

/** The cost in pico-dollars; undefined when nothing that the call used has a price, or its service tier has none. */
export function costOf(entry: PriceEntry, quantities: Quantities, context: CostContext): Pico | undefined {
  const plain = plainCost(entry, quantities, context);
  if (plain !== undefined) return plain;
  const bill = charges(entry, quantities, context);
  return bill && total(bill);
}

/**
 * The same without a bill for most calls: those of tokens that all cost what input and output cost. Undefined when
 * it takes a bill to know.
 */
function plainCost(entry: PriceEntry, q: Quantities, { serviceTier, calls }: CostContext): Pico | undefined {
  const schedule = scheduleOf(entry, serviceTier);
  const { inputTokens: input, outputTokens: output } = q;
  if (schedule === undefined || schedule.limit !== undefined || calls !== undefined) return undefined;
  if (input === undefined || output === undefined) return undefined;
  const inputParts = q.cachedInputTokens || q.cacheWrite5mTokens || q.cacheWrite1hTokens;
  const outputParts = q.reasoningTokens || q.audioOutputTokens || q.imageOutputTokens;
  const otherParts = q.audioInputTokens || q.imageInputTokens || q.images || q.characters || q.audioMs;
  if (inputParts || outputParts || otherParts) return undefined;
  const rates = ratesFor(schedule, input);
  if (rates.input === undefined || rates.output === undefined || rates.request !== undefined)
    return undefined;
  const sum = input * rates.input + output * rates.output;
  return sum <= Number.MAX_SAFE_INTEGER ? BigInt(sum) : undefined;
}

/** The bill, line by line; undefined when the service tier has no price. Lines without a price are part of it. */
export function charges(
  entry: PriceEntry,
  quantities: Quantities,
  context: CostContext,
): readonly Charge[] | undefined {
  const schedule = scheduleOf(entry, context.serviceTier);
  if (schedule === undefined) return undefined;
  const inputTotal = totalInput(quantities);
  const calls = context.calls ?? 1;
  const inputOfOne = inputTotal / calls;
  if (schedule.limit !== undefined && inputOfOne > schedule.limit) return undefined;
  const rates = ratesFor(schedule, inputOfOne);
  const bill: Charge[] = [];
  const inputBilled = addInput(bill, rates, quantities, inputTotal);
  const outputBilled = addOutput(bill, rates, quantities);
  if (quantities.images !== undefined && !outputBilled) {
    bill.push(charge("image", quantities.images, imageRate(rates, context.image), "image"));
  }
  if (quantities.characters !== undefined && !inputBilled) {
    bill.push(charge("character", quantities.characters, rates.character, "character"));
  }
  if (quantities.audioMs !== undefined && !inputBilled) {
    bill.push(charge("audioMs", quantities.audioMs, rates.hour, "audioMs"));
  }
  if (rates.request !== undefined && bill.length > 0)
    bill.push(charge("request", calls, rates.request, "request"));
  return bill;
}

/** The exact sum of a bill's priced lines; undefined when of what was used nothing has a price. */
export function total(bill: readonly Charge[]): Pico | undefined {
  let sum = 0;
  let used = false;
  let usedPriced = false;
  let anyPriced = false;
  for (const line of bill) {
    if (line.quantity > 0) used = true;
    if (line.rate === undefined) continue;
    anyPriced = true;
    if (line.quantity === 0) continue;
    usedPriced = true;
    // Products and sums below 2⁵³ are exact; anything larger, or with a fraction, is summed below.
    sum += line.kind === "audioMs" ? Number.POSITIVE_INFINITY : line.rate * line.quantity;
  }
  if (!(used ? usedPriced : anyPriced)) return undefined;
  if (sum <= Number.MAX_SAFE_INTEGER) return BigInt(sum);
  return bill.reduce((amount, line) => amount + (amountOf(line) ?? 0n), 0n);
}

/** What one line costs; undefined when it has no price. */
export function amountOf({ kind, quantity, rate }: Charge): Pico | undefined {
  if (rate === undefined) return undefined;
  const product = BigInt(quantity) * BigInt(rate);
  return kind === "audioMs" ? roundedDivide(product, HOUR_MS) : product;
}

/** USD per million tokens, for display only; what has no price is left out. Cached input shows what it costs. */
export function displayPrices(entry: PriceEntry): {
  input?: number;
  output?: number;
  cached_input?: number;
} {
  const { input, output, cachedInput = input } = entry.standard.base;
  const usd = (rate: number) => (rate * 1e6) / Number(PICO_PER_USD);
  return {
    ...(input === undefined ? {} : { input: usd(input) }),
    ...(output === undefined ? {} : { output: usd(output) }),
    ...(cachedInput === undefined ? {} : { cached_input: usd(cachedInput) }),
  };
}

function charge(kind: ChargeKind, quantity: number, rate: number | undefined, from: ChargeKind): Charge {
  return { kind, quantity, rate, from };
}

/** Total input tokens; when an upstream reported only parts, at least those. */
function totalInput(q: Quantities): number {
  return (
    q.inputTokens ??
    (q.cachedInputTokens ?? 0) +
      (q.cacheWrite5mTokens ?? 0) +
      (q.cacheWrite1hTokens ?? 0) +
      (q.audioInputTokens ?? 0) +
      (q.imageInputTokens ?? 0)
  );
}

function totalOutput(q: Quantities): number {
  return q.outputTokens ?? (q.reasoningTokens ?? 0) + (q.audioOutputTokens ?? 0) + (q.imageOutputTokens ?? 0);
}

function ratesFor(schedule: Schedule, inputTotal: number): Rates {
  let rates = schedule.base;
  for (const tier of schedule.tiers) {
    if (inputTotal <= tier.above) break;
    rates = tier.rates;
  }
  return rates;
}

/** Adds the lines of input tokens; true when any were used and have a price. */
function addInput(bill: Charge[], rates: Rates, q: Quantities, inputTotal: number): boolean {
  if (inputTotal === 0 && q.inputTokens === undefined) return false;
  const before = bill.length;
  let left = inputTotal;
  left = addPart(bill, "cachedInput", q.cachedInputTokens, left, rates.cachedInput, "input", rates.input);
  left = addPart(bill, "cacheWrite5m", q.cacheWrite5mTokens, left, rates.cacheWrite5m, "input", rates.input);
  left =
    rates.cacheWrite5m === undefined
      ? addPart(bill, "cacheWrite1h", q.cacheWrite1hTokens, left, rates.cacheWrite1h, "input", rates.input)
      : addPart(
          bill,
          "cacheWrite1h",
          q.cacheWrite1hTokens,
          left,
          rates.cacheWrite1h,
          "cacheWrite5m",
          rates.cacheWrite5m,
        );
  left = addPart(bill, "audioInput", q.audioInputTokens, left, rates.audioInput, "input", rates.input);
  left = addPart(bill, "imageInput", q.imageInputTokens, left, rates.imageInput, "input", rates.input);
  bill.push(charge("input", left, rates.input, "input"));
  return billed(bill, before);
}

function addOutput(bill: Charge[], rates: Rates, q: Quantities): boolean {
  const outputTotal = totalOutput(q);
  if (outputTotal === 0 && q.outputTokens === undefined) return false;
  const before = bill.length;
  let left = outputTotal;
  left = addPart(bill, "reasoning", q.reasoningTokens, left, rates.reasoning, "output", rates.output);
  left = addPart(bill, "audioOutput", q.audioOutputTokens, left, rates.audioOutput, "output", rates.output);
  left = addPart(bill, "imageOutput", q.imageOutputTokens, left, rates.imageOutput, "output", rates.output);
  bill.push(charge("output", left, rates.output, "output"));
  return billed(bill, before);
}

/** Adds the line of a subset, cut to what is left of its total, and returns what is left then. */
function addPart(
  bill: Charge[],
  kind: ChargeKind,
  reported: number | undefined,
  left: number,
  rate: number | undefined,
  base: ChargeKind,
  baseRate: number | undefined,
): number {
  if (reported === undefined || reported === 0 || left === 0) return left;
  const quantity = Math.min(reported, left);
  bill.push(rate === undefined ? charge(kind, quantity, baseRate, base) : charge(kind, quantity, rate, kind));
  return left - quantity;
}

function billed(bill: readonly Charge[], start: number): boolean {
  for (let index = start; index < bill.length; index++) {
    const line = bill[index];
    if (line !== undefined && line.quantity > 0 && line.rate !== undefined) return true;
  }
  return false;
}

/** A model with prices by size or quality has none for a size or quality that it does not list. */
function imageRate(rates: Rates, image: CostContext["image"]): number | undefined {
  if (rates.images === undefined || image === undefined) return rates.image;
  const size = image.size === "auto" ? "" : image.size;
  const quality = image.quality === "auto" || image.quality === "standard" ? "" : image.quality;
  if (size === "" && quality === "") return rates.image;
  return rates.images.get(size === "" || quality === "" ? quality + size : `${quality}/${size}`);
}
