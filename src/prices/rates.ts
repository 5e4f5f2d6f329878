/**
 * Rates: prices as integers, ready to be multiplied by quantities. A decimal price × the upstream's
 * multiplier × its exchange rate is computed exactly and rounded once, half up, to whole pico-dollars.
 */
import { roundedDivide, scaled } from "../core/money.ts";
import type { Price } from "./price-file.ts";

/**
 * Pico-dollars per unit; undefined where there is no price. Every field is present, so that all rates
 * have one shape and reading them stays fast.
 */
export interface Rates {
  /** Per token. */
  readonly input: number | undefined;
  readonly cachedInput: number | undefined;
  readonly cacheWrite5m: number | undefined;
  readonly cacheWrite1h: number | undefined;
  readonly audioInput: number | undefined;
  readonly imageInput: number | undefined;
  readonly output: number | undefined;
  readonly reasoning: number | undefined;
  readonly audioOutput: number | undefined;
  readonly imageOutput: number | undefined;
  readonly character: number | undefined;
  /** Per hour: a price per hour is no whole number of pico-dollars per millisecond. */
  readonly hour: number | undefined;
  readonly request: number | undefined;
  readonly image: number | undefined;
  /** Per image by `quality/size`; see price-file.ts. */
  readonly images: ReadonlyMap<string, number> | undefined;
}

/** A decimal number without loss: `mantissa` / 10^`places`. */
export interface Factor {
  readonly mantissa: bigint;
  readonly places: number;
}

/** More than the digits of any number JavaScript prints without an exponent. */
const PLACES = 20;

/** USD per million tokens is micro-dollars per token: times 10⁶ it is pico-dollars per token. */
const PER_MILLION = 6;
const PER_UNIT = 12;
const SECONDS_PER_HOUR = 3600;

/** The exact product of decimal numbers. @throws RangeError when one is negative or not a number. */
export function factor(...numbers: readonly number[]): Factor {
  let mantissa = 1n;
  for (const number of numbers) mantissa *= decimal(number);
  return { mantissa, places: PLACES * numbers.length };
}

export const ONE: Factor = factor();

export function times(left: Factor, right: number): Factor {
  return { mantissa: left.mantissa * decimal(right), places: left.places + PLACES };
}

/** @throws RangeError when a price is negative, not a number, or beyond 2⁵³ pico-dollars a unit. */
export function ratesOf(price: Price, by: Factor): Rates {
  const perMillion = (value: number | undefined) => rate(value, by, PER_MILLION);
  const perUnit = (value: number | undefined) => rate(value, by, PER_UNIT);
  return {
    input: perMillion(price.input),
    cachedInput: perMillion(price.cachedInput),
    cacheWrite5m: perMillion(price.cacheWrite5m),
    cacheWrite1h: perMillion(price.cacheWrite1h),
    audioInput: perMillion(price.audioInput),
    imageInput: perMillion(price.imageInput),
    output: perMillion(price.output),
    reasoning: perMillion(price.reasoning),
    audioOutput: perMillion(price.audioOutput),
    imageOutput: perMillion(price.imageOutput),
    character: perMillion(price.perMillionCharacters),
    hour: price.perHour === undefined ? perHourOfSecond(price.perSecond, by) : perUnit(price.perHour),
    request: perUnit(price.perRequest),
    image: perUnit(price.perImage),
    images:
      price.images &&
      new Map(Object.entries(price.images).map(([key, value]) => [key, rate(value, by, PER_UNIT)])),
  };
}

function perHourOfSecond(perSecond: number | undefined, by: Factor): number | undefined {
  return rate(perSecond, times(by, SECONDS_PER_HOUR), PER_UNIT);
}

function rate(value: number, by: Factor, places: number): number;
function rate(value: number | undefined, by: Factor, places: number): number | undefined;
function rate(value: number | undefined, by: Factor, places: number): number | undefined {
  if (value === undefined) return undefined;
  const exact = roundedDivide(decimal(value) * by.mantissa, 10n ** BigInt(PLACES + by.places - places));
  const result = Number(exact);
  if (!Number.isSafeInteger(result)) throw new RangeError(`a price of ${value} is too large to be exact`);
  return result;
}

function decimal(value: number): bigint {
  const result = scaled(value, PLACES);
  if (result < 0n) throw new RangeError(`a price cannot be negative: ${value}`);
  return result;
}
