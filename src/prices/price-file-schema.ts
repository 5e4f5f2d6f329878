/** Validates price files that come from outside, with errors that name the model and the key. */
import { z } from "zod";
import type { PriceFile } from "./price-file.ts";

/** With an upstream's factor of at most 100, no price can then exceed the integers that are exact. */
const MAX_PER_MILLION = 9e6;
const MAX_PER_UNIT = 90;
const SECONDS_PER_HOUR = 3600;

const perMillion = z.number().nonnegative().max(MAX_PER_MILLION).optional();
const perUnit = z.number().nonnegative().max(MAX_PER_UNIT).optional();

const price = {
  input: perMillion,
  cachedInput: perMillion,
  cacheWrite5m: perMillion,
  cacheWrite1h: perMillion,
  output: perMillion,
  reasoning: perMillion,
  audioInput: perMillion,
  audioOutput: perMillion,
  imageInput: perMillion,
  imageOutput: perMillion,
  perMillionCharacters: perMillion,
  perImage: perUnit,
  perHour: perUnit,
  perSecond: z
    .number()
    .nonnegative()
    .max(MAX_PER_UNIT / SECONDS_PER_HOUR)
    .optional(),
  perRequest: perUnit,
  images: z.record(z.string(), z.number().nonnegative().max(MAX_PER_UNIT)).optional(),
};

const tiers = z.array(z.strictObject({ above: z.number().int().positive(), ...price })).optional();
const date = z.iso.date("must be a date such as 2026-03-13");
const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "must be a time such as 16:30");
const lowerCase = z.string().min(1).max(200).lowercase("must be in lower case");

const variant = z.strictObject({
  ...price,
  tiers,
  from: date.optional(),
  between: z.tuple([time, time]).optional(),
  serviceTiers: z.record(lowerCase, z.strictObject({ ...price, tiers })).optional(),
});

const model = z.strictObject({
  names: z.array(lowerCase).optional(),
  contextWindow: z.number().int().positive().optional(),
  source: z.string().optional(),
  date: z.string().optional(),
  note: z.string().optional(),
  prices: z.array(variant).min(1),
});

const list = z.strictObject({
  source: z.string().optional(),
  date: z.string().optional(),
  flat: z.boolean().optional(),
  serviceTiers: z
    .record(lowerCase, z.union([z.number().nonnegative().max(1), z.record(lowerCase, z.strictObject(price))]))
    .optional(),
  models: z.record(lowerCase, model),
});

export const priceFileSchema = z.strictObject({
  format: z.literal(1),
  source: z.string().min(1),
  date: z.string(),
  url: z.string().optional(),
  licence: z.string().optional(),
  generated: z.string().optional(),
  note: z.string().optional(),
  lists: z.record(lowerCase, list),
});

/** @throws Error saying where in `origin` what is wrong; at most five faults at once. */
export function parsePriceFile(text: string, origin: string): PriceFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(`price file ${origin} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const result = priceFileSchema.safeParse(json);
  if (result.success) return result.data as PriceFile;
  const faults = result.error.issues
    .slice(0, 5)
    .map(({ path, message }) => `  ${path.join(" → ")}: ${message}`);
  throw new Error(
    `price file ${origin} is not in Bellwether's price format (write one with \`bellwether prices import\`):\n${faults.join("\n")}`,
  );
}
