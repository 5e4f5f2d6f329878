/** The schema of one upstream: where it is, how it is spoken to, and what it charges. */
import * as z from "zod";
import { scope } from "./control-schema.ts";
import { defaultUpstream, dialectNames } from "./defaults.ts";
import { duration, modelName, size } from "./fields.ts";
import { balance } from "./probe-schema.ts";
import { DURATION_PATTERN, MAX_DURATION_MS, parseDuration } from "./units.ts";
import { FileText, Secret, secretUrl } from "./values.ts";

const price = (meaning: string) => z.number().nonnegative().optional().describe(meaning);

const ownPrice = z.strictObject({
  input: price("Input tokens."),
  cachedInput: price("Input tokens read from a prompt cache."),
  cacheWrite5m: price("Input tokens written to a prompt cache kept for five minutes."),
  cacheWrite1h: price("Input tokens written to a prompt cache kept for one hour."),
  output: price("Output tokens."),
  audioInput: price("Input tokens that are audio."),
  audioOutput: price("Output tokens that are audio."),
  perImage: price("One generated image."),
  perSecond: price("One second of audio."),
  perMillionCharacters: price("A million characters of speech input."),
});

const HOP_BY_HOP =
  /^(connection|content-length|expect|host|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/i;

const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "is not a header's name")
  .refine((name) => !HOP_BY_HOP.test(name), "is a header that the connection itself decides; remove it");

const secret = z
  .string()
  .transform((text) => new Secret(text))
  .meta({ "x-type": "secret" });

/** One of these quantiles, or a fixed time. */
const quantiles = ["p90", "p95", "p99"] as const;

const quantileOrDuration = z
  .string()
  .regex(
    new RegExp(`^(${quantiles.join("|")})$|${DURATION_PATTERN.source}`),
    `must be ${quantiles.join(", ")}, or a duration, as 2s`,
  )
  .transform((text, context) => {
    const quantile = quantiles.find((each) => each === text);
    if (quantile !== undefined) return quantile;
    const ms = parseDuration(text);
    if (ms !== undefined && ms >= 1 && ms <= MAX_DURATION_MS) return ms;
    context.addIssue({ code: "custom", message: "must be between 1ms and 24d" });
    return z.NEVER;
  })
  .meta({ "x-type": "duration" });

const outlier = z.strictObject({
  errors: z
    .number()
    .positive()
    .max(1)
    .default(0.2)
    .describe("So much larger a share of its calls fails than of the others'."),
  slower: z
    .number()
    .min(1.1)
    .max(1_000)
    .default(3)
    .describe("Its answers begin after so many times as long as the others' (medians of the last minute)."),
  minCalls: z
    .int()
    .min(5)
    .max(100_000)
    .default(20)
    .describe("Of fewer calls in the last minute, its own or another's, nothing is told."),
  ejectFor: duration(30_000, { min: 100 }).describe(
    "How long it is left alone the first time; as much longer each further time, up to twenty times as long.",
  ),
  share: z
    .number()
    .positive()
    .max(1)
    .default(0.5)
    .describe("At most this share of the model's upstreams is left alone at a time; one always stays."),
});

/** One entry of `upstreams`. */
export const upstream = z.strictObject({
  preset: z
    .string()
    .optional()
    .describe("A vendor or relay that is known by name: its base URL, dialects, models and price list.")
    .meta({ "x-example": "holysheep" }),
  baseUrl: z
    .string()
    .optional()
    .describe(
      "What an OpenAI client would use as its base URL; `/v1` is added when there is no path. Default: the preset's.",
    )
    .meta({ "x-example": "https://relay.example/v1" }),
  apiKey: secret
    .optional()
    .describe(
      "The key sent to this upstream; `file:` and a path reads it from a file. Default: the preset's environment variable. Not needed with `server.auth: passthrough`.",
    )
    .meta({ "x-example": `\${HOLYSHEEP_API_KEY}` }),
  apiKeys: z
    .array(secret)
    .min(2, "must name at least two keys; `apiKey` takes a single one")
    .max(100)
    .optional()
    .describe(
      "Several keys in place of `apiKey`, used in turn: one that is refused (401, 403) or at its rate limit (429) rests, and the call is repeated with another.",
    )
    .meta({ "x-example": [`\${OPENAI_API_KEY}`, "file:/run/secrets/openai-2"] }),
  dialects: z
    .array(z.enum(dialectNames))
    .min(1, "must name at least one dialect")
    .optional()
    .describe("The APIs it speaks. Default: the preset's, else all.")
    .meta({ "x-example": ["openai-chat", "openai-models"] }),
  timeouts: z
    .strictObject({
      connect: duration(defaultUpstream.timeouts.connect).describe("To open a connection, TLS included."),
      firstByte: duration(defaultUpstream.timeouts.firstByte).describe(
        "From the end of the request to the first byte of the answer.",
      ),
      idle: duration(defaultUpstream.timeouts.idle).describe("Between two pieces of an answer."),
      total: duration(defaultUpstream.timeouts.total).describe("For the whole call."),
    })
    .prefault({})
    .describe("How long to wait for this upstream."),
  retries: z
    .strictObject({
      attempts: z.int().min(1).max(10).default(3).describe("Most attempts, the first one included."),
      backoff: duration(1_000).describe(
        "The pause before the second attempt; doubled before each further one. A random part of it is waited, at least what `retry-after` asks for (up to 30s).",
      ),
      on: z
        .array(z.union([z.enum(["connect", "reset"]), z.int().min(400).max(599)]))
        .default([408, 409, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529, "connect"])
        .describe(
          "After which failures: statuses; `connect` (no connection); `reset` (it broke before an answer, though the call may have been worked on).",
        ),
    })
    .optional()
    .describe(
      "Repeating calls that failed before their answer began, at most one retry in ten calls. Absent: the client is told at once; official SDKs repeat by themselves.",
    ),
  hedge: z
    .strictObject({
      after: quantileOrDuration
        .prefault("p95")
        .describe(
          "When: after a fixed time; or at `p90`, `p95` or `p99`, when an answer is later to begin than so many of that model's answers there in the last five minutes.",
        )
        .meta({ "x-example": "p95" }),
      minCalls: z
        .int()
        .min(5)
        .max(100_000)
        .default(20)
        .describe("Of fewer calls within five minutes no share is told, and nothing is hedged."),
    })
    .optional()
    .describe(
      "A second attempt beside a text call whose answer is late to begin, at the model's next upstream (else here): the first to begin is the client's answer, the other one is cancelled. At most one call in ten, and what is cancelled may cost its input.",
    ),
  breaker: z
    .strictObject({
      enabled: z.boolean().default(defaultUpstream.breaker.enabled).describe("Whether there is one."),
      failures: z
        .number()
        .positive()
        .max(1)
        .default(defaultUpstream.breaker.failures)
        .describe("It opens when this share of the calls to a model fails by the upstream's fault."),
      minCalls: z
        .int()
        .min(1)
        .max(100_000)
        .default(defaultUpstream.breaker.minCalls)
        .describe("Of fewer calls within the window no share is told."),
      window: duration(defaultUpstream.breaker.window, { min: 1_000 }).describe("How far back it looks."),
      consecutive: z
        .int()
        .min(1)
        .max(100_000)
        .default(defaultUpstream.breaker.consecutive)
        .describe("So many failures one after the other open it too."),
      openFor: duration(defaultUpstream.breaker.openFor, { min: 100 }).describe(
        "After this long, or up to a quarter less, a few calls try whether it is well again.",
      ),
      trials: z
        .int()
        .min(1)
        .max(1_000)
        .default(defaultUpstream.breaker.trials)
        .describe("How many try at a time, and have to succeed."),
      outlier: outlier
        .optional()
        .describe(
          "It opens, too, when this upstream fares far worse than the others that are asked for the same model. Absent: it is not compared.",
        ),
    })
    .prefault({})
    .describe(
      "The circuit breaker of each of its models: while it is open, calls that could go elsewhere do so at once.",
    ),
  onClientGone: z
    .enum(["cancel", "drain"])
    .default(defaultUpstream.onClientGone)
    .describe(
      "When the client leaves amid an answer: `cancel` the call upstream, or `drain` (read on, within limits, so that the usage is exact).",
    ),
  drain: z
    .strictObject({
      bytes: size(defaultUpstream.drain.bytes, { min: 1, max: 2 ** 30 }).describe(
        "At most this much is read on.",
      ),
      time: duration(defaultUpstream.drain.time).describe("At most for this long."),
    })
    .prefault({})
    .describe("Limits of `onClientGone: drain`."),
  includeUsage: z
    .boolean()
    .optional()
    .describe(
      "It knows `stream_options.include_usage`. Default: the preset's, else true. When false, the tokens of streams that do not report them are estimated.",
    ),
  priceMultiplier: z
    .number()
    .positive()
    .default(defaultUpstream.priceMultiplier)
    .describe("What it charges, as a multiple of the list prices. Own `prices` are not multiplied.")
    .meta({ "x-example": 1.2 }),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, "is not a currency; write its three capital letters, as CNY")
    .default(defaultUpstream.currency)
    .describe("The currency of `prices` and of its price list."),
  usdPer: z
    .number()
    .positive()
    .optional()
    .describe(
      "What one unit of `currency` costs in USD at this upstream. Needed when the currency is not USD.",
    )
    .meta({ "x-example": 0.14 }),
  prices: z
    .record(modelName, ownPrice)
    .default(defaultUpstream.prices)
    .describe(
      "Its prices by model, in `currency`: per million tokens, unless the key says otherwise. They come before every list.",
    ),
  balance: balance.optional().describe("Where it tells what is left on its account. Default: the preset's."),
  headers: z
    .record(headerName, secret)
    .default({})
    .describe("Further headers for every request to it; `file:` and a path reads a value from a file.")
    .meta({ "x-example": { "x-team": "search" } }),
  proxy: z
    .string()
    .transform(secretUrl)
    .optional()
    .describe("URL of an HTTP proxy to reach it through.")
    .meta({ "x-example": "http://proxy.internal:3128" }),
  ca: z
    .string()
    .min(1, "must not be empty")
    .transform((path) => new FileText(path))
    .optional()
    .describe("PEM file of certificate authorities to trust besides the system's; relative to this file.")
    .meta({ "x-example": "/etc/ssl/relay-ca.pem" }),
  ...scope,
});
