/**
 * Our price file format: what src/prices/data holds, what `prices import` writes, and what `prices.files`
 * in the configuration names. Types only; price-file-check.ts validates files from outside.
 */
import type { OwnPrice } from "./pricing.ts";

/** Decimal USD: per million tokens unless the key says otherwise. */
export interface Price extends OwnPrice {
  readonly imageInput?: number;
  readonly imageOutput?: number;
  readonly reasoning?: number;
  readonly perHour?: number;
  /** Charged once per call, besides what the call used. */
  readonly perRequest?: number;
  /**
   * Per image by what was asked for: `size`, `quality` or `quality/size`; the quality `standard` is not
   * written. `perImage` is then the price when neither was asked for.
   */
  readonly images?: Readonly<Record<string, number>>;
}

/** One variant of a model's price. The last of a model's variants that applies at a time is in force. */
export interface PriceVariant extends Price {
  /**
   * The prices of a call whose total input is above so many tokens; they hold for the whole call. What a
   * tier does not price costs as below it.
   */
  readonly tiers?: readonly ({ readonly above: number } & Price)[];
  /** In force from this UTC date (`2026-03-13`). */
  readonly from?: string;
  /** In force every day from the first to before the second time, UTC (`["16:30", "00:30"]`). */
  readonly between?: readonly [string, string];
  /** Complete prices of this model under another service tier (`priority`). */
  readonly serviceTiers?: Readonly<Record<string, Price & Pick<PriceVariant, "tiers">>>;
}

export interface ModelPrices {
  /** Other names of the same model, as exact as the key. Lower case. */
  readonly names?: readonly string[];
  /** Tokens. */
  readonly contextWindow?: number;
  readonly source?: string;
  readonly date?: string;
  readonly note?: string;
  readonly prices: readonly PriceVariant[];
}

/** The price list of one vendor or relay. */
export interface PriceList {
  readonly source?: string;
  readonly date?: string;
  /**
   * One price whatever the service tier: a relay's own list. Otherwise a tier that has no price leaves
   * the call unpriced.
   */
  readonly flat?: boolean;
  /** By tier: a factor on every price of this list, or the prices of single models by their key. */
  readonly serviceTiers?: Readonly<Record<string, number | Readonly<Record<string, Price>>>>;
  /** By model name, lower case. */
  readonly models: Readonly<Record<string, ModelPrices>>;
}

export interface PriceFile {
  readonly format: 1;
  readonly source: string;
  readonly date: string;
  readonly url?: string;
  readonly licence?: string;
  readonly generated?: string;
  readonly note?: string;
  /** By name of the vendor or relay. */
  readonly lists: Readonly<Record<string, PriceList>>;
}
