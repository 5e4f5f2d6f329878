/** The schemas of limits and budgets, which apps, teams, upstreams, models and the whole gateway have alike. */
import * as z from "zod";
import { defaultConfig } from "./defaults.ts";
import { duration, quantity, timeZone } from "./fields.ts";
import { secretUrl } from "./values.ts";

const whenUnavailable = (meaning: string) => z.enum(["open", "closed"]).optional().describe(meaning);

const unavailable =
  "When Redis cannot be reached: `open` lets calls through, `closed` refuses them. Default: `limits.whenUnavailable`";

const rate = (what: string, span: string) => quantity().optional().describe(`Most ${what} in any ${span}.`);

/** `limits` of a scope. */
export const limits = z
  .strictObject({
    requestsPerSecond: rate("calls", "second"),
    requestsPerMinute: rate("calls", "minute").meta({ "x-example": 600 }),
    requestsPerHour: rate("calls", "hour"),
    requestsPerDay: rate("calls", "24 hours"),
    tokensPerSecond: rate("tokens, input and output,", "second"),
    tokensPerMinute: rate("tokens, input and output,", "minute").meta({ "x-example": "1M" }),
    tokensPerHour: rate("tokens, input and output,", "hour"),
    tokensPerDay: rate("tokens, input and output,", "24 hours"),
    concurrency: quantity().optional().describe("Most calls at a time."),
    whenUnavailable: whenUnavailable(`${unavailable}, else open.`),
  })
  .optional();

const period = {
  per: z.enum(["day", "week", "month"]).describe("The period it is for; a week begins on Monday."),
  timeZone: timeZone
    .default("UTC")
    .describe("Where the period begins at midnight.")
    .meta({ "x-example": "Asia/Shanghai" }),
  warnAt: z
    .array(z.number().positive().max(1))
    .default([0.8, 0.95])
    .describe("Shares of it at which a warning is logged, once a period each."),
  onExceeded: z
    .enum(["warn", "downgrade", "block"])
    .default("block")
    .describe(
      "What happens to a call that does not fit: only a `warn`ing; `downgrade` to the model `downgradeTo`; or `block` (429 `budget_exceeded`).",
    ),
  downgradeTo: z
    .string()
    .min(1, "must not be empty")
    .optional()
    .describe("The model that calls get instead, for `onExceeded: downgrade`.")
    .meta({ "x-example": "gemini-2.5-flash" }),
  whenUnavailable: whenUnavailable(
    `${unavailable}, else closed for a budget that blocks and open for another.`,
  ),
};

/** `budget` of a scope: money. */
export const budget = z
  .strictObject({
    usd: z.number().positive().optional().describe("Most dollars in a period."),
    cny: z.number().positive().optional().describe("Most yuan in a period; needs `usdPer`."),
    usdPer: z
      .number()
      .positive()
      .optional()
      .describe("What one yuan is worth in dollars, for `cny`.")
      .meta({ "x-example": 0.14 }),
    ...period,
    unpriced: z
      .enum(["refuse", "allow"])
      .default("refuse")
      .describe("Calls to models without a price, whose cost a budget that blocks cannot count."),
  })
  .optional();

/** `tokenBudget` of a scope. */
export const tokenBudget = z
  .strictObject({
    tokens: quantity().describe("Most tokens, input and output, in a period.").meta({ "x-example": "500M" }),
    ...period,
  })
  .optional();

/** What every scope may have. */
export const scope = {
  limits: limits.describe("Most calls and tokens in a time, and calls at a time."),
  budget: budget.describe("Most money in a period."),
  tokenBudget: tokenBudget.describe("Most tokens in a period."),
};

/** `queue` of the limits or of an app. */
export const queue = z.strictObject({
  wait: duration(2_000, { min: 0 }).describe(
    "How long a call waits at most for room under a limit, before it is refused; `0s`: not at all.",
  ),
  size: quantity()
    .default(100)
    .describe("Most calls of an app that wait at a time; those beyond are refused at once."),
});

/** `limits` at the top: where counters are kept, and what holds for all calls together. */
export const limitsSection = z.strictObject({
  redis: z
    .string()
    .refine((url) => url === "" || /^rediss?:\/\/\S+$/.test(url), "is not a URL; write redis://host:6379")
    .transform(secretUrl)
    .optional()
    .describe(
      "URL of the Redis or Valkey in which several gateways count together; empty or absent: each counts for itself.",
    )
    .meta({ "x-example": "redis://redis:6379" }),
  whenUnavailable: whenUnavailable(
    "When Redis cannot be reached: `open` lets calls through, `closed` refuses them. Default: closed for budgets that block, open for the rest.",
  ),
  assumedOutputTokens: quantity()
    .default(defaultConfig.limits.assumedOutputTokens)
    .describe(
      "Output tokens that a call without a maximum of its own is expected to need at most, for what is reserved before it is sent.",
    ),
  queue: queue
    .optional()
    .describe(
      "Lets calls wait a short while for room under a limit, apps in turns, instead of refusing them at once. Absent: no call waits.",
    ),
  all: z.strictObject(scope).prefault({}).describe("What holds for all calls together."),
});
