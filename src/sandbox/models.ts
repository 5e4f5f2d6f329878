/**
 * The models the sandbox sells and what it asks for them: enough of each kind for every API. The prices are
 * the simulated relay's own, exact, and exported so that a test can give the gateway the same list.
 */
import { type Pico, scaled } from "../core/money.ts";
import type { Quantities } from "../core/quantities.ts";

export type Kind = "text" | "embedding" | "image" | "speech" | "transcription" | "moderation";

/** Who made a model decides its extra fields and rate-limit headers. */
export type Maker = "openai" | "anthropic" | "google" | "deepseek" | "sandbox";

/** Decimal dollars as text: per million tokens unless the name says otherwise. */
export interface SandboxPrice {
  readonly input?: string;
  readonly cachedInput?: string;
  readonly cacheWrite5m?: string;
  readonly cacheWrite1h?: string;
  readonly output?: string;
  readonly perImage?: string;
  readonly perSecond?: string;
  readonly perMillionCharacters?: string;
}

export interface Model {
  readonly id: string;
  readonly kind: Kind;
  readonly maker: Maker;
  /** Thinks before it answers, and reports the tokens that took. */
  readonly reasons: boolean;
  readonly price: SandboxPrice;
}

const anthropicPrice = (input: string, cached: string, write5m: string, write1h: string, output: string) => ({
  input,
  cachedInput: cached,
  cacheWrite5m: write5m,
  cacheWrite1h: write1h,
  output,
});

const text = (id: string, maker: Maker, price: SandboxPrice, reasons = false): Model => ({
  id,
  kind: "text",
  maker,
  reasons,
  price,
});
const other = (id: string, kind: Kind, price: SandboxPrice, maker: Maker = "openai"): Model => ({
  id,
  kind,
  maker,
  reasons: false,
  price,
});

const catalogue: readonly Model[] = [
  text("gpt-4.1", "openai", { input: "2.00", cachedInput: "0.50", output: "8.00" }),
  text("gpt-4.1-mini", "openai", { input: "0.50", cachedInput: "0.125", output: "2.00" }),
  text("gpt-4.1-nano", "openai", { input: "0.10", cachedInput: "0.025", output: "0.40" }),
  text("gpt-4o", "openai", { input: "2.50", cachedInput: "1.25", output: "10.00" }),
  text("gpt-4o-mini", "openai", { input: "0.15", cachedInput: "0.075", output: "0.60" }),
  text("gpt-5", "openai", { input: "1.25", cachedInput: "0.125", output: "10.00" }, true),
  text("gpt-5-mini", "openai", { input: "0.25", cachedInput: "0.025", output: "2.00" }, true),
  text("o3", "openai", { input: "2.00", cachedInput: "0.50", output: "8.00" }, true),
  text("o4-mini", "openai", { input: "1.10", cachedInput: "0.275", output: "4.40" }, true),
  text("gpt-3.5-turbo", "openai", { input: "0.50", output: "1.50" }),
  text("gpt-3.5-turbo-instruct", "openai", { input: "1.50", output: "2.00" }),
  text("claude-opus-4", "anthropic", anthropicPrice("15.00", "1.50", "18.75", "30.00", "75.00")),
  text("claude-opus-4-1", "anthropic", anthropicPrice("15.00", "1.50", "18.75", "30.00", "75.00")),
  text("claude-sonnet-4.5", "anthropic", anthropicPrice("3.00", "0.30", "3.75", "6.00", "15.00")),
  text("claude-sonnet-4-5", "anthropic", anthropicPrice("3.00", "0.30", "3.75", "6.00", "15.00")),
  text("claude-haiku-4-5", "anthropic", anthropicPrice("1.00", "0.10", "1.25", "2.00", "5.00")),
  text("gemini-2.5-flash", "google", { input: "0.30", cachedInput: "0.03", output: "2.50" }, true),
  text("gemini-2.5-pro", "google", { input: "1.25", cachedInput: "0.125", output: "10.00" }, true),
  text("gemini-2.0-flash", "google", { input: "0.10", cachedInput: "0.025", output: "0.40" }),
  text("deepseek-v3.2", "deepseek", { input: "0.28", cachedInput: "0.028", output: "0.42" }),
  text("deepseek-chat", "deepseek", { input: "0.28", cachedInput: "0.028", output: "0.42" }),
  text("deepseek-reasoner", "deepseek", { input: "0.28", cachedInput: "0.028", output: "0.42" }, true),
  other("text-embedding-3-small", "embedding", { input: "0.02" }),
  other("text-embedding-3-large", "embedding", { input: "0.13" }),
  other("text-embedding-ada-002", "embedding", { input: "0.10" }),
  other("gemini-embedding-001", "embedding", { input: "0.15" }, "google"),
  other("gpt-image-1", "image", { input: "5.00", output: "40.00" }),
  other("dall-e-2", "image", { perImage: "0.02" }),
  other("dall-e-3", "image", { perImage: "0.04" }),
  other("tts-1", "speech", { perMillionCharacters: "15.00" }),
  other("tts-1-hd", "speech", { perMillionCharacters: "30.00" }),
  other("gpt-4o-mini-tts", "speech", { input: "0.60", output: "12.00" }),
  other("whisper-1", "transcription", { perSecond: "0.0001" }),
  other("gpt-4o-transcribe", "transcription", { input: "2.50", output: "10.00" }),
  other("gpt-4o-mini-transcribe", "transcription", { input: "1.25", output: "5.00" }),
  other("omni-moderation-latest", "moderation", { input: "0" }),
];

const byId = new Map(catalogue.map((model) => [model.id, model]));

/** Price of the models named `sandbox-…`, and of any name when the knob `anyModel` accepts it. */
const SANDBOX_PRICE: SandboxPrice = { input: "1.00", cachedInput: "0.10", output: "2.00" };

const DATE = /-(?:\d{4}-\d{2}-\d{2}|\d{8})$/;

/** The model of that name, with or without a date (`gpt-4.1-2025-04-14`); names beginning `sandbox-` all exist. */
export function findModel(id: string): Model | undefined {
  const known = byId.get(id) ?? byId.get(id.replace(DATE, ""));
  if (known !== undefined) return known.id === id ? known : { ...known, id };
  return id.startsWith("sandbox-") ? inventedModel(id, "text") : undefined;
}

/** A model that exists only because somebody asked for it. */
export function inventedModel(id: string, kind: Kind): Model {
  return { id, kind, maker: "sandbox", reasons: false, price: SANDBOX_PRICE };
}

/** What `/v1/models` lists. */
export function listedModels(): readonly Model[] {
  return catalogue;
}

/** The sandbox's price list, by model. */
export const sandboxPrices: Readonly<Record<string, SandboxPrice>> = Object.fromEntries(
  catalogue.map((model) => [model.id, model.price]),
);

/** Decimal dollars per million of something → pico-dollars for one of it. */
const perMillion = (price: string | undefined): bigint => (price === undefined ? 0n : scaled(price, 6));
/** Decimal dollars for one of something → pico-dollars. */
const perOne = (price: string | undefined): bigint => (price === undefined ? 0n : scaled(price, 12));

type Rates = readonly (readonly [keyof Quantities, bigint])[];

const ratesByPrice = new Map<SandboxPrice, Rates>();

/** Pico-dollars for one of each quantity; parts of the input as what they cost more or less than plain input. */
function ratesOf(price: SandboxPrice): Rates {
  const known = ratesByPrice.get(price);
  if (known !== undefined) return known;
  const input = perMillion(price.input);
  const part = (own: string | undefined): bigint => (own === undefined ? 0n : perMillion(own) - input);
  const all: Rates = [
    ["inputTokens", input],
    ["cachedInputTokens", part(price.cachedInput)],
    ["cacheWrite5mTokens", part(price.cacheWrite5m)],
    ["cacheWrite1hTokens", part(price.cacheWrite1h)],
    ["outputTokens", perMillion(price.output)],
    ["images", perOne(price.perImage)],
    ["characters", perMillion(price.perMillionCharacters)],
    ["audioMs", perOne(price.perSecond) / 1000n],
  ];
  const rates = all.filter(([, rate]) => rate !== 0n);
  ratesByPrice.set(price, rates);
  return rates;
}

/** What `model` costs for these quantities, exactly; the cached and written parts of the input at their own price. */
export function costOf(model: Model, quantities: Quantities): Pico {
  let cost = 0n;
  for (const [quantity, rate] of ratesOf(model.price)) {
    const amount = quantities[quantity];
    if (amount !== undefined && amount !== 0) cost += BigInt(amount) * rate;
  }
  return cost;
}
