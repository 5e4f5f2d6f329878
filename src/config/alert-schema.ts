/** The schema of `alerts` and `slo`: which alerts there are, and from when on they fire. */
import * as z from "zod";
import { severities } from "../core/alert.ts";
import { defaultAlerts } from "./defaults.ts";
import { duration } from "./fields.ts";
import { parseDuration } from "./units.ts";

const MS_PER_SECOND = 1000;

/** A threshold in the alert's own unit: seconds, a ratio, dollars or a count. */
export interface Threshold {
  readonly unit: "number" | "seconds" | "ratio" | "usd";
  readonly value: number;
}

/** `0.5s`, `5%`, `{ usd: 100 }` or a plain number. */
const threshold = z
  .union([
    z.number(),
    z
      .string()
      .regex(
        /^(\d+(\.\d+)?\s*%|\d+(\.\d+)?(ms|s|m|h|d))$/,
        "is not a threshold; write a number, a duration as 2.5s, or a share as 5%",
      ),
    z.strictObject({ usd: z.number().nonnegative().describe("US dollars.") }),
  ])
  .transform((written): Threshold => {
    if (typeof written === "number") return { unit: "number", value: written };
    if (typeof written === "object") return { unit: "usd", value: written.usd };
    if (written.endsWith("%")) return { unit: "ratio", value: Number.parseFloat(written) / 100 };
    return { unit: "seconds", value: (parseDuration(written) ?? 0) / MS_PER_SECOND };
  });

const aboveOrBelow = {
  above: threshold
    .optional()
    .describe(
      "It fires above this: a duration as 2.5s, a share as 5%, { usd: 100 } or a number, as the alert's unit is.",
    )
    .meta({ "x-example": "2.5s" }),
  below: threshold.optional().describe("It fires below this, where it is about too little."),
};

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,63}$/, "is not an alert's name; use small letters, digits and -");

const severity = z.enum(severities);

export const alerts = z
  .strictObject({
    defaults: z
      .enum(["on", "off"])
      .default(defaultAlerts.defaults)
      .describe("The alerts that are there without any configuration (docs/runbooks/ lists them)."),
    overrides: z
      .record(
        name,
        z.strictObject({
          enabled: z.boolean().default(true).describe("Whether the alert is there at all."),
          ...aboveOrBelow,
          for: duration(0, { min: 0 })
            // Not 0 where it is left out, but the alert's own.
            .unwrap()
            .optional()
            .describe("How long it must hold before the alert fires.")
            .meta({ "x-example": "5m" }),
          severity: severity.optional().describe("Its severity."),
        }),
      )
      .default({})
      .describe("Changes to the default alerts, by name.")
      .meta({ "x-example": { "high-latency": { above: "2.5s", severity: "critical" } } }),
    custom: z
      .array(
        z.strictObject({
          name: name.describe("Its name.").meta({ "x-example": "claude-cost" }),
          metric: z
            .enum(["cost", "calls", "tokens", "errors", "error-rate", "latency", "first-token"])
            .describe(
              "What is looked at: cost in dollars, calls, tokens, errors, their share, or a quantile of a time.",
            ),
          where: z
            .strictObject({
              model: z.string().optional().describe("The model."),
              upstream: z.string().optional().describe("The upstream."),
              app: z.string().optional().describe("The app; known for cost, calls and tokens."),
              endpoint: z.string().optional().describe("The endpoint; known for calls, errors and times."),
            })
            .prefault({})
            .describe("Only calls with these labels; `*` stands for any text.")
            .meta({ "x-example": { model: "*claude*" } }),
          by: z
            .array(z.enum(["model", "upstream", "app"]))
            .default([])
            .describe("One alert for each value of these labels; none: one over all."),
          quantile: z.number().gt(0).lt(1).default(0.95).describe("Which quantile of a time."),
          ...aboveOrBelow,
          window: duration(300_000, { min: 10_000 }).describe("How far back it looks."),
          for: duration(0, { min: 0 }).describe("How long it must hold before the alert fires."),
          keep: duration(60_000, { min: 0 }).describe(
            "How long it must not hold before the alert is resolved, so that it does not flap.",
          ),
          severity: severity.default("warning").describe("Its severity."),
        }),
      )
      .default([])
      .describe("Alerts of your own."),
    sender: z
      .enum(["bellwether", "alertmanager", "grafana"])
      .default(defaultAlerts.sender)
      .describe(
        "Who tells the channels, so that nobody is told twice: `bellwether` itself, or `alertmanager` or `grafana` as `bellwether stack` sets them up. With several gateways it must be one of these two, which see them together.",
      ),
    interval: duration(defaultAlerts.interval, { min: 1_000 }).describe(
      "How often the alerts are evaluated in process.",
    ),
    statePath: z
      .string()
      .min(1, "must not be empty")
      .default(defaultAlerts.statePath)
      .describe("File that keeps what has been told, silences and the recent past over a restart."),
    externalUrl: z
      .string()
      .regex(/^https?:\/\/\S+$/, "is not an address; write it with https://")
      .optional()
      .describe("Where people reach Bellwether's page, for links in alerts. Default: where it listens.")
      .meta({ "x-example": "https://bellwether.shop.example" }),
  })
  .prefault({})
  .describe("When somebody is to be told; `channels` and `notify` say who.");

export const slo = z
  .strictObject({
    objective: z
      .number()
      .gt(0)
      .lt(100)
      .describe("Per cent of calls that must not fail by the upstream's or Bellwether's fault.")
      .meta({ "x-example": 99.9 }),
    latency: z
      .strictObject({
        quantile: z
          .number()
          .gt(0)
          .lt(1)
          .optional()
          .describe("The quantile that `objective` means: 0.95 is 95 per cent."),
        below: duration(2_500).describe(
          "What a call may take; one of the bounds of bellwether_request_duration_seconds.",
        ),
        objective: z
          .number()
          .gt(0)
          .lt(100)
          .optional()
          .describe("Per cent of calls that must be faster. Default: as `quantile` says."),
      })
      .optional()
      .describe("How fast calls must be."),
  })
  .optional()
  .describe("Service level objectives over 30 days; alerts on the rate at which their error budget burns.");
