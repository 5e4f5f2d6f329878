/** The schema of `routes`: which calls a rule is for, and where it sends them. */
import * as z from "zod";
import { defaultRoute, efforts, endpointNames, languageNames, strategyNames, weekdays } from "./defaults.ts";
import { label, modelName, quantity, timeZone } from "./fields.ts";
import { routeState } from "./route-state-schema.ts";

/** One value, or a list of which one is enough. */
const oneOf = <Item extends z.ZodType>(item: Item, what: string) =>
  z.union([item, z.array(item).min(1, `must name at least one ${what}`)]).optional();

const name = z.string().min(1, "must not be empty");

const bounds = z
  .strictObject({
    above: quantity().optional().describe("More than this many."),
    below: quantity().optional().describe("Fewer than this many."),
  })
  .optional();

const clockTime = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, "is not a time of day; write it as 09:00");

const time = z
  .strictObject({
    from: clockTime.default("00:00").describe("From this time of day on.").meta({ "x-example": "09:00" }),
    to: clockTime
      .default("24:00")
      .describe("Until this time of day; one that is earlier than `from` is on the next day.")
      .meta({ "x-example": "18:00" }),
    days: z
      .array(z.enum(weekdays))
      .min(1, "must name at least one day")
      .optional()
      .describe("On these days; the hours after midnight belong to the day they began on. Default: all.")
      .meta({ "x-example": ["mon", "tue", "wed", "thu", "fri"] }),
    timeZone: timeZone
      .default("UTC")
      .describe("Where the clock hangs.")
      .meta({ "x-example": "Asia/Shanghai" }),
  })
  .optional();

const place = {
  model: modelName
    .optional()
    .describe("Ask for this model instead; without it the model stays.")
    .meta({ "x-example": "gpt-4.1" }),
  upstream: name.optional().describe("At this upstream, and no other.").meta({ "x-example": "holysheep" }),
};

/** One entry of `routes`. */
export const route = z.strictObject({
  name: label("a route", [...defaultRoute.reserved])
    .describe("What the decision is called in headers, metrics and the ledger.")
    .meta({ "x-example": "code" }),
  priority: z
    .int()
    .min(-1_000_000)
    .max(1_000_000)
    .default(defaultRoute.priority)
    .describe("Rules of a higher priority are asked first; those of the same in the order of the file."),
  when: z
    .strictObject({
      model: oneOf(modelName, "model")
        .describe("The model that the client asks for; `*` stands for any text.")
        .meta({ "x-example": "auto" }),
      app: oneOf(name, "app")
        .describe("The app that calls; `anonymous` where no key tells.")
        .meta({ "x-example": "shop" }),
      team: oneOf(name, "team").describe("The app's team.").meta({ "x-example": "commerce" }),
      endpoint: oneOf(z.enum(endpointNames), "endpoint").describe("The kind of call."),
      headers: z
        .record(
          z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "is not a header's name"),
          z.union([z.string(), z.array(z.string()).min(1, "must name at least one value")]),
        )
        .optional()
        .describe(
          "Request headers and what they hold; `*` stands for any text. Headers that carry a key are never looked at.",
        )
        .meta({ "x-example": { "x-tier": "gold" } }),
      prompt: oneOf(name, "pattern")
        .describe(
          "A regular expression (RE2 syntax) that is found in what the user wrote, of which the first and the last 8,192 characters are looked at. `(?i)` before it ignores case.",
        )
        .meta({ "x-example": "\\b(code|function|bug)\\b" }),
      keywords: oneOf(name, "keyword")
        .describe("Words, or texts, that occur in what the user wrote, in any case.")
        .meta({ "x-example": ["invoice", "refund"] }),
      language: oneOf(z.enum(languageNames), "language").describe(
        "The language of what the user wrote last.",
      ),
      inputTokens: bounds
        .describe("How long the whole prompt is, estimated from its length.")
        .meta({ "x-example": { above: 20_000 } }),
      tools: z.boolean().optional().describe("Whether tools are offered."),
      images: z.boolean().optional().describe("Whether images are shown."),
      json: z.boolean().optional().describe("Whether an answer in JSON, or by a schema, is asked for."),
      streaming: z.boolean().optional().describe("Whether the answer is to be streamed."),
      reasoning: z
        .union([
          z.boolean(),
          z.enum(efforts),
          z.array(z.enum(efforts)).min(1, "must name at least one effort"),
        ])
        .optional()
        .describe("The reasoning effort asked for; `true` for any, `false` for none."),
      time: time.describe("The time of day at which the call arrives."),
      state: routeState.optional().describe("How it goes at the moment. All that is given must hold."),
    })
    .prefault({})
    .describe("Which calls it is for: all of these must hold. Without any it is for all calls."),
  use: z
    .strictObject({
      ...place,
      split: z
        .array(
          z.strictObject({
            ...place,
            weight: z.number().min(0).max(1e6).describe("Its share, in proportion to the others'."),
          }),
        )
        .min(1, "must name at least one place")
        .optional()
        .describe("Share calls out among these.")
        .meta({
          "x-example": [
            { model: "gpt-4.1", weight: 9 },
            { model: "gpt-4.1-mini", weight: 1 },
          ],
        }),
      stickyBy: z
        .string()
        .regex(
          /^(app|user|header:[!#$%&'*+.^_`|~0-9A-Za-z-]+)$/,
          "is not what calls can be told apart by; write app, user, or header: and a header's name",
        )
        .optional()
        .describe(
          "Of a `split`: calls that have this in common go to the same place. `user` is the end user that the request names.",
        )
        .meta({ "x-example": "header:x-user-id" }),
      strategy: z
        .enum(strategyNames)
        .optional()
        .describe(
          "Choose among `of`: the one that costs least for a call of this length, that has been fastest lately, that has the fewest calls in flight, or the first that is well.",
        ),
      of: z
        .array(z.union([modelName, z.strictObject(place)]))
        .min(1, "must name at least one place")
        .optional()
        .describe(
          "Candidates of the `strategy`: models, or models and upstreams. A model alone stands for each of its upstreams.",
        )
        .meta({ "x-example": ["deepseek-v3.2", "gemini-2.5-flash"] }),
      measure: z
        .enum(["firstToken", "total"])
        .optional()
        .describe(`Of \`fastest\`: which time counts. Default: ${defaultRoute.measure}.`),
      explore: z
        .number()
        .min(0)
        .max(0.5)
        .optional()
        .describe(
          `Of \`fastest\`: the share of calls that others than the fastest get, so that it is seen when they become faster. Default: ${defaultRoute.explore}.`,
        ),
    })
    .describe("Where such a call goes."),
});

export const routes = z
  .array(route)
  .default([])
  .describe(
    "Rules that choose model and upstream by what is asked for, by whom and when. The first that holds decides. See docs/routing.md.",
  );
