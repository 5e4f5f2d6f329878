/**
 * Turns LiteLLM's `model_prices_and_context_window.json` into a price file of ours. Its prices are floats in
 * USD per token; they are read by their decimal text, so 2e-06 becomes exactly 2 per million.
 */
import { candidates, MAX_NAME_LENGTH } from "./match.ts";
import type { ModelPrices, Price, PriceFile, PriceVariant } from "./price-file.ts";
import { priceFileFaults } from "./price-file-check.ts";

/** LiteLLM's keys, ours, and the power of ten between their units. */
const keys: ReadonlyMap<string, { readonly key: PlainKey; readonly shift: number }> = new Map([
  ["input_cost_per_token", { key: "input", shift: 6 }],
  ["cache_read_input_token_cost", { key: "cachedInput", shift: 6 }],
  ["cache_creation_input_token_cost", { key: "cacheWrite5m", shift: 6 }],
  ["cache_creation_input_token_cost_above_1hr", { key: "cacheWrite1h", shift: 6 }],
  ["input_cost_per_audio_token", { key: "audioInput", shift: 6 }],
  ["input_cost_per_image_token", { key: "imageInput", shift: 6 }],
  ["output_cost_per_token", { key: "output", shift: 6 }],
  ["output_cost_per_reasoning_token", { key: "reasoning", shift: 6 }],
  ["output_cost_per_audio_token", { key: "audioOutput", shift: 6 }],
  ["output_cost_per_image_token", { key: "imageOutput", shift: 6 }],
  ["input_cost_per_character", { key: "perMillionCharacters", shift: 6 }],
  ["input_cost_per_second", { key: "perSecond", shift: 0 }],
  ["output_cost_per_image", { key: "perImage", shift: 0 }],
  ["input_cost_per_request", { key: "perRequest", shift: 0 }],
]);

/** LiteLLM's providers whose list has another name here. */
const listNames: ReadonlyMap<string, string> = new Map([
  ["text-completion-openai", "openai"],
  ["gemini", "google"],
  ["xai", "x-ai"],
  ["moonshot", "moonshotai"],
  ["dashscope", "alibaba"],
  ["cohere_chat", "cohere"],
  ["voyage", "voyageai"],
  ["together_ai", "together"],
  ["fireworks_ai", "fireworks"],
]);

const SERVICE_TIER = /_(priority|flex|batches)$/;
const CONTEXT_TIER = /_above_(\d+)k_tokens$/;
/** `hd/1024-x-1792/dall-e-3`: one size and quality of a model that is priced per image. */
const IMAGE_VARIANT = /^(?:([a-z]+)\/)?(\d+)-x-(\d+)\/([^/]+)$/;

/** The prices of a model that are plain numbers. */
type PlainKey = Exclude<keyof Price, "images">;
type Prices = Partial<Record<PlainKey, number>>;
type Tiers = Map<number, Prices>;
type Lists = Record<string, { models: Record<string, ModelPrices> }>;

export interface Imported {
  readonly file: PriceFile;
  /** Entries without a price in USD of a kind that Bellwether meters, or with only zeros: they stay unpriced. */
  readonly skipped: readonly string[];
}

/**
 * @param text the file's content
 * @param date when these prices were known to hold (`2026-03-13`)
 * @throws Error naming the entry and the key when a price is not a number
 */
export function importLiteLlm(text: string, date: string): Imported {
  const lists: Lists = {};
  const skipped: string[] = [];
  const images: [list: string, model: string, variant: string, price: number][] = [];
  for (const [name, entry] of entriesOf(text)) {
    const provider = providerOf(name, entry);
    const list = listNames.get(provider) ?? provider.toLowerCase();
    const model = (name.startsWith(`${provider}/`) ? name.slice(provider.length + 1) : name).toLowerCase();
    const image = IMAGE_VARIANT.exec(model);
    const variant = variantOf(name, entry, image);
    if (variant === undefined || model.length > MAX_NAME_LENGTH) skipped.push(name);
    else if (image !== null && variant.perImage !== undefined) {
      const [, quality = "standard", width, height, base = ""] = image;
      images.push([
        list,
        base,
        `${quality === "standard" ? "" : `${quality}/`}${width}x${height}`,
        variant.perImage,
      ]);
    } else {
      const models = modelsOf(lists, list);
      models[model] ??= { ...contextWindow(entry), prices: [variant] };
    }
  }
  for (const [list, model, variant, price] of images) {
    addImage(modelsOf(lists, list), model, variant, price);
  }
  for (const list of Object.values(lists)) foldSpellings(list.models);
  const source = "LiteLLM model_prices_and_context_window.json";
  const file: PriceFile = { format: 1, source, url: "https://github.com/BerriAI/litellm", date, lists };
  const faults = priceFileFaults(file);
  if (faults.length > 0) throw new Error(`these prices cannot be right:\n  ${faults.join("\n  ")}`);
  return { file, skipped };
}

function providerOf(name: string, entry: Record<string, unknown>): string {
  const provider = entry.litellm_provider;
  if (typeof provider === "string" && provider !== "") return provider;
  throw new Error(`${name}: litellm_provider is missing; is this LiteLLM's price file?`);
}

function modelsOf(lists: Lists, list: string): Record<string, ModelPrices> {
  const known = lists[list] ?? { models: {} };
  lists[list] = known;
  return known.models;
}

function entriesOf(text: string): [string, Record<string, unknown>][] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(`not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (!isObject(json)) throw new Error("not an object of models: this is not LiteLLM's price file");
  return Object.entries(json)
    .filter(([name]) => name !== "sample_spec")
    .map(([name, entry]) => {
      if (!isObject(entry)) throw new Error(`${name}: must be an object`);
      return [name, entry];
    });
}

function variantOf(
  name: string,
  entry: Record<string, unknown>,
  image: RegExpExecArray | null,
): PriceVariant | undefined {
  if (entry.currency !== undefined && entry.currency !== "USD") return undefined;
  const base: Prices = {};
  const tiers: Tiers = new Map();
  const services = new Map<string, { base: Prices; tiers: Tiers }>();
  for (const [key, value] of Object.entries(entry)) {
    // Elsewhere it is the price of rented capacity.
    if (key === "input_cost_per_second" && entry.mode !== "audio_transcription") continue;
    const service = SERVICE_TIER.exec(key)?.[1];
    const ordinary = service === undefined ? key : key.slice(0, -service.length - 1);
    const above = CONTEXT_TIER.exec(ordinary);
    const mapped = keys.get(above === null ? ordinary : ordinary.slice(0, above.index));
    if (mapped === undefined || value === null || value === undefined) continue;
    const price = shifted(number(name, key, value), mapped.shift);
    // Apart from whole input and output, zero is LiteLLM's way to say "not priced like this".
    if (price === 0 && mapped.key !== "input" && mapped.key !== "output") continue;
    const tier = service === "batches" ? "batch" : service;
    const place: { base: Prices; tiers: Tiers } = tier === undefined ? { base, tiers } : slot(services, tier);
    if (above === null) place.base[mapped.key] = price;
    else {
      const start = Number(above[1]) * 1000;
      place.tiers.set(start, { ...place.tiers.get(start), [mapped.key]: price });
    }
  }
  addRanges(name, entry.tiered_pricing, base, tiers);
  const perImage = base.perImage ?? imagePrice(name, entry, image);
  if (perImage !== undefined) base.perImage = perImage;
  const priced = Object.values(base).some((price) => price !== 0);
  if (!priced && !(name.endsWith(":free") && base.input === 0)) return undefined;
  return {
    ...base,
    ...tierList(tiers),
    ...(services.size === 0
      ? {}
      : {
          serviceTiers: Object.fromEntries(
            [...services].map(([tier, price]) => [
              tier,
              { ...base, ...price.base, ...tierList(price.tiers) },
            ]),
          ),
        }),
  };
}

/** `tiered_pricing: [{ range: [0, 32000], … }, { range: [32000, 128000], … }]`. */
function addRanges(name: string, ranges: unknown, base: Prices, tiers: Tiers): void {
  if (!Array.isArray(ranges)) return;
  for (const range of ranges as unknown[]) {
    const bounds = isObject(range) ? range.range : undefined;
    if (!isObject(range) || !Array.isArray(bounds)) continue;
    const start = number(name, "tiered_pricing.range", bounds[0]);
    const prices: Prices = {};
    for (const [key, value] of Object.entries(range)) {
      const mapped = keys.get(key);
      if (mapped !== undefined) prices[mapped.key] = shifted(number(name, key, value), mapped.shift);
    }
    if (start === 0) Object.assign(base, prices);
    else tiers.set(start, prices);
  }
}

/** Older entries price an image where its input should be, or by the pixel. */
function imagePrice(
  name: string,
  entry: Record<string, unknown>,
  image: RegExpExecArray | null,
): number | undefined {
  const { input_cost_per_image: perImage, input_cost_per_pixel: perPixel } = entry;
  if (entry.mode === "image_generation" && perImage !== undefined) {
    return number(name, "input_cost_per_image", perImage) || undefined;
  }
  if (image === null || perPixel === undefined) return undefined;
  const usd = number(name, "input_cost_per_pixel", perPixel) * Number(image[2]) * Number(image[3]);
  // The price per pixel is itself rounded from a price per image.
  return Number(usd.toPrecision(3)) || undefined;
}

function addImage(models: Record<string, ModelPrices>, name: string, variant: string, price: number): void {
  const model = models[name];
  const [first, ...rest] = model?.prices ?? [{}];
  const plain = variant === "1024x1024" ? { perImage: first?.perImage ?? price } : {};
  const images = { ...first?.images, [variant]: price };
  models[name] = { ...model, prices: [{ ...first, ...plain, images }, ...rest] };
}

/** A dated or respelled name with the same prices as its base is another name of the same model. */
function foldSpellings(models: Record<string, ModelPrices>): void {
  for (const [name, model] of Object.entries(models)) {
    const base = candidates(name).find(
      (candidate) =>
        candidate.name !== name &&
        candidate.vendor === undefined &&
        JSON.stringify(models[candidate.name]?.prices) === JSON.stringify(model.prices),
    );
    const target = base && models[base.name];
    if (base === undefined || target === undefined) continue;
    models[base.name] = { ...target, names: [...(target.names ?? []), name, ...(model.names ?? [])] };
    delete models[name];
  }
}

function contextWindow(entry: Record<string, unknown>): { contextWindow?: number } {
  const tokens = entry.max_input_tokens ?? entry.max_tokens;
  return typeof tokens === "number" && Number.isInteger(tokens) && tokens > 0
    ? { contextWindow: tokens }
    : {};
}

function slot(services: Map<string, { base: Prices; tiers: Tiers }>, tier: string) {
  const known: { base: Prices; tiers: Tiers } = services.get(tier) ?? { base: {}, tiers: new Map() };
  services.set(tier, known);
  return known;
}

function tierList(tiers: Tiers): Pick<PriceVariant, "tiers"> {
  if (tiers.size === 0) return {};
  return { tiers: [...tiers].sort(([a], [b]) => a - b).map(([above, prices]) => ({ above, ...prices })) };
}

function number(name: string, key: string, value: unknown): number {
  if (typeof value === "number" && value >= 0 && Number.isFinite(value)) return value;
  throw new Error(`${name}: ${key} must be a number that is not negative, but is ${JSON.stringify(value)}`);
}

/** `value` × 10^`places`, moved in its decimal text so that nothing is rounded. */
function shifted(value: number, places: number): number {
  const [mantissa = "0", exponent = "0"] = String(value).split("e");
  return Number(`${mantissa}e${Number(exponent) + places}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
