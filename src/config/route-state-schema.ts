/** The schema of `routes[].when.state`: how it goes at the moment, and how long before a rule believes it. */
import * as z from "zod";
import { defaultWatch } from "./defaults.ts";
import { duration, givenDuration, modelName, quantity } from "./fields.ts";

const name = z.string().min(1, "must not be empty");
const share = z.number().min(0).max(1);

const patience = {
  for: duration(defaultWatch.for, { min: 0 }).describe("So long it has to be above before the rule holds."),
  recover: duration(defaultWatch.recover, { min: 0 }).describe(
    "So long it has to be no more than `below`, or have too few calls to tell, before the rule holds no more.",
  ),
  minCalls: quantity()
    .default(defaultWatch.minCalls)
    .describe("With fewer calls in the last minute nothing is told from them."),
  trial: z
    .number()
    .min(0)
    .max(0.5)
    .default(defaultWatch.trial)
    .describe("While the rule holds, this share of its calls goes on as without it, to see how it is there."),
};

const slow = (what: string) =>
  z
    .strictObject({
      above: givenDuration().describe("More than this."),
      below: givenDuration()
        .optional()
        .describe("No more than this is well again. Default: four fifths of `above`."),
      ...patience,
    })
    .optional()
    .describe(`${what}, of the calls of the last minute.`);

export const routeState = z.strictObject({
  model: modelName.optional().describe("Whose state counts. Default: the model under `when`."),
  upstream: name.optional().describe("At this upstream only. Default: at all together."),
  p50: slow("The median time of calls"),
  p95: slow("The 95th percentile of the time of calls"),
  p99: slow("The 99th percentile of the time of calls").meta({ "x-example": { above: "10s", for: "2m" } }),
  firstToken: slow("The 95th percentile of the time to the first token of streams"),
  errors: z
    .strictObject({
      above: share.describe("More than this share."),
      below: share.optional().describe("No more than this is well again. Default: four fifths of `above`."),
      ...patience,
    })
    .optional()
    .describe("The share of calls that fail by the upstream's fault, of the calls of the last minute.")
    .meta({ "x-example": { above: 0.2 } }),
  breaker: z
    .enum(["closed", "half-open", "open"])
    .optional()
    .describe("The state of the circuit breaker; without `upstream`, of those at all the model's upstreams."),
  budget: z
    .strictObject({
      scope: z.enum(["app", "team", "upstream", "model", "all"]).describe("Whose budget."),
      name: name
        .optional()
        .describe("The app, team, upstream or model. Default: the call's own app, team or model."),
      above: share.describe("At least this share of it is used."),
    })
    .optional()
    .describe("How full a budget is; of several, the fullest.")
    .meta({ "x-example": { scope: "app", name: "shop", above: 0.8 } }),
});
