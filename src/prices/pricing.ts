/** How an upstream charges, as configured. Prices become integers when the price book is built. */

/**
 * How this upstream charges. Its nominal price of a model is, first found: `own[model]`; the preset's
 * price list × multiplier; the vendor's list price × multiplier. USD = nominal × usdPer.
 */
export interface Pricing {
  /** Name of a price list in prices/data (the preset's own), if it has one. */
  readonly list: string | undefined;
  /** The user's own prices, final: no multiplier. Per million tokens in `currency`, as written. */
  readonly own: Readonly<Record<string, OwnPrice>>;
  /** Decimal text or number. */
  readonly multiplier: number;
  readonly currency: string;
  /** What one unit of `currency` costs in USD at this upstream. */
  readonly usdPer: number;
}

/** Decimal prices as the user writes them: per million tokens unless the key says otherwise. */
export interface OwnPrice {
  readonly input?: number;
  readonly cachedInput?: number;
  readonly cacheWrite5m?: number;
  readonly cacheWrite1h?: number;
  readonly output?: number;
  readonly audioInput?: number;
  readonly audioOutput?: number;
  readonly perImage?: number;
  readonly perSecond?: number;
  readonly perMillionCharacters?: number;
}

/** The keys of `OwnPrice`, in the order people write them. */
export const ownPriceKeys = [
  "input",
  "cachedInput",
  "cacheWrite5m",
  "cacheWrite1h",
  "output",
  "audioInput",
  "audioOutput",
  "perImage",
  "perSecond",
  "perMillionCharacters",
] as const satisfies readonly (keyof OwnPrice)[];
