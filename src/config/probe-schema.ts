/** The schema of `probes`, and of an upstream's `balance`: what is watched, how often, and for how much. */
import * as z from "zod";
import { balancePollers, defaultProbes, probeModules } from "./defaults.ts";
import { duration, modelName } from "./fields.ts";
import { Secret } from "./values.ts";

/** The least interval: probes are calls to somebody else's service. */
const MIN_INTERVAL_MS = 1_000;

const moduleName = z.enum(probeModules);

/** A duration that has no default of its own. */
const otherDuration = (min: number) => duration(min, { min }).unwrap().optional();

const overrides = z.strictObject({
  interval: otherDuration(MIN_INTERVAL_MS).describe("In place of `probes.interval`."),
  jitter: otherDuration(0).describe("In place of `probes.jitter`."),
  timeout: otherDuration(1).describe("In place of `probes.timeout`."),
});

const models = z.strictObject({
  chat: modelName
    .optional()
    .describe("The model that the chat probe asks. Default: a cheap one of the upstream's preset.")
    .meta({ "x-example": "gpt-4o-mini" }),
  embeddings: modelName
    .optional()
    .describe("The model that the embeddings probe asks.")
    .meta({ "x-example": "text-embedding-3-small" }),
  images: modelName
    .optional()
    .describe("The model that the images probe asks.")
    .meta({ "x-example": "gpt-image-1-mini" }),
});

/** The section as it is when it is there; without it nothing is probed on its own. */
export const probes = z.strictObject({
  modules: z
    .array(moduleName)
    .min(1, "must name at least one module; remove `probes` to probe nothing")
    .default([...defaultProbes.modules])
    .describe(
      "What is done: `models` (the list of models), `chat` (a tiny streamed completion), `embeddings`, `images` (costs more), `balance`, `tls` (handshake and certificate), `dns`.",
    ),
  interval: duration(defaultProbes.interval, { min: MIN_INTERVAL_MS }).describe("How often."),
  jitter: duration(defaultProbes.jitter, { min: 0 }).describe(
    "Each run is put off by a random time up to this, so that many installations do not ask at once.",
  ),
  timeout: duration(defaultProbes.timeout).describe("How long one may take."),
  concurrency: z
    .number()
    .int()
    .min(1)
    .max(100)
    .default(defaultProbes.concurrency)
    .describe("At most so many run at a time."),
  spendPerDay: z
    .strictObject({
      usd: z
        .number()
        .nonnegative()
        .default(defaultProbes.spendPerDay.usd)
        .describe(
          "US dollars that all probes together may cost in a day (UTC); past it those that cost wait.",
        ),
    })
    .prefault({})
    .describe("What probes may cost."),
  models: models.prefault({}).describe("The models that probes ask, of every upstream that may know them."),
  overrides: z
    .partialRecord(moduleName, overrides)
    .default({})
    .describe("Other times for some modules.")
    .meta({ "x-example": { chat: { interval: "5m" } } }),
});

const pointer = (meaning: string, example: string) =>
  z
    .string()
    .regex(/^(\/[^\s]*)$/, "is not a JSON Pointer; it begins with a slash, as /data/balance")
    .optional()
    .describe(meaning)
    .meta({ "x-example": example });

/** Where an upstream tells what is left. */
export const balance = z.strictObject({
  poller: z
    .enum([...balancePollers, "none"])
    .default("custom")
    .describe("The kind of account; `custom` reads any JSON by `url` and `pointer`, `none` reads nothing."),
  url: z
    .string()
    .regex(
      /^(https?:\/\/\S+|\/\S*)$/,
      "is not an address; write it with https://, or as a path that begins with /",
    )
    .optional()
    .describe("Where it is read: a whole address, or a path at the upstream. Default: the poller's own.")
    .meta({ "x-example": "/v1/billing" }),
  pointer: pointer("JSON Pointer to what is left.", "/data/remaining"),
  usedPointer: pointer("JSON Pointer to what has been used.", "/data/used"),
  limitPointer: pointer("JSON Pointer to what there was in all.", "/data/total"),
  unit: z
    .number()
    .positive()
    .optional()
    .describe("How many of the numbers read are one of `currency`: 100 for cents. Default: 1.")
    .meta({ "x-example": 100 }),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, "is not a currency; write its three capital letters, as CNY")
    .optional()
    .describe("The currency it is told in. Default: the poller's own, else USD.")
    .meta({ "x-example": "CNY" }),
  apiKey: z
    .string()
    .transform((text) => new Secret(text))
    .optional()
    .describe(
      "The key to read it with, where it is not the upstream's own; `file:` and a path reads it from a file.",
    )
    .meta({ "x-type": "secret", "x-example": `\${OPENAI_ADMIN_KEY}` }),
});
