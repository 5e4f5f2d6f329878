/**
 * The configuration's schema: every key with its type, default and meaning. JSON Schema, the documentation
 * and the errors' suggestions come from it. Only what works is here; any other key is refused.
 */
import * as z from "zod";
import { alerts, slo } from "./alert-schema.ts";
import { app, team } from "./app-schema.ts";
import { channels, notifyRoute } from "./channel-schema.ts";
import { limitsSection, scope } from "./control-schema.ts";
import { defaultConfig } from "./defaults.ts";
import { duration, label, modelName, size } from "./fields.ts";
import { ledger } from "./ledger-schema.ts";
import { probes } from "./probe-schema.ts";
import { routes } from "./route-schema.ts";
import { upstream } from "./upstream-schema.ts";
import { type FileText, Secret } from "./values.ts";

const upstreamName = label("an upstream", ["none", "other"]);

export const configSchema = z.strictObject({
  server: z
    .strictObject({
      host: z
        .string()
        .regex(/^\S+$/, "must be an address or a host name")
        .default(defaultConfig.server.host)
        .describe("Address to listen on. Other than loopback it needs `auth`."),
      port: z
        .number()
        .int()
        .min(0)
        .max(65535)
        .default(defaultConfig.server.port)
        .describe("Port to listen on; 0 takes any free one."),
      auth: z
        .enum(["none", "passthrough", "keys"])
        .default(defaultConfig.server.auth)
        .describe(
          "Who may call: `none` (anybody, loopback only), `passthrough` (the client's own key goes upstream), `keys` (the keys of `apps`).",
        ),
      adminToken: z
        .string()
        .min(12, "must be at least 12 characters long")
        .transform((text) => new Secret(text))
        .optional()
        .describe(
          "Opens the page and the admin API to whoever shows it. Without one they are open on this machine only. `file:` and a path reads it from a file.",
        )
        .meta({ "x-type": "secret", "x-example": `\${BELLWETHER_ADMIN_TOKEN}` }),
      bodyLimit: size(defaultConfig.server.bodyLimit, { min: 1, max: 512 * 2 ** 20 }).describe(
        "Largest request body; a larger one is answered with 413.",
      ),
      headersLimit: size(defaultConfig.server.headersLimit, { min: 2 ** 10, max: 2 ** 20 }).describe(
        "Largest request head; a larger one is answered with 431.",
      ),
      requestTimeout: duration(defaultConfig.server.requestTimeout).describe(
        "How long a request may take to arrive; a slower one is answered with 408.",
      ),
      shutdown: z
        .strictObject({
          drain: duration(defaultConfig.server.shutdown.drain, { min: 0 }).describe(
            "How long running calls may go on after SIGTERM before they are cut.",
          ),
        })
        .prefault({})
        .describe("How it stops."),
      cors: z
        .strictObject({
          origins: z
            .array(
              z
                .string()
                .regex(
                  /^(\*|[a-z][a-z0-9+.-]*:\/\/[^/\s]+)$/,
                  'is not an origin; write scheme and host, as https://app.example, or "*"',
                ),
            )
            .default([])
            .describe("Origins of web pages that may call, or `*`. None: CORS is off.")
            .meta({ "x-example": ["https://app.example"] }),
          maxAge: duration(defaultConfig.server.cors.maxAge, { min: 0 }).describe(
            "How long a browser may remember the answer to a preflight.",
          ),
        })
        .prefault({})
        .describe("Calls from web pages."),
    })
    .prefault({})
    .describe("Where Bellwether listens, and to whom."),
  upstreams: z
    .record(upstreamName, upstream)
    .default({})
    .describe(
      "The relays and vendors that calls go to, by a name of your choice. None: every preset whose key is in the environment, else the simulated relay.",
    ),
  models: z
    .record(
      modelName,
      z.strictObject({
        alias: modelName
          .optional()
          .describe("The upstream is asked for this model instead.")
          .meta({ "x-example": "gemini-2.5-flash" }),
        route: z
          .literal(true)
          .optional()
          .describe("No upstream knows it: clients ask for it, and `routes` choose a model for each call.")
          .meta({ "x-example": true }),
        upstreams: z
          .array(z.string())
          .min(1, "must name at least one upstream")
          .optional()
          .describe("The upstreams that serve it: the first that speaks the call's API is used.")
          .meta({ "x-example": ["holysheep", "openai"] }),
        fallback: z
          .array(modelName)
          .min(1, "must name at least one model")
          .optional()
          .describe(
            "The models to go on at when none of its upstreams answers, in this order; then what these fall back to. Only where they are served in the API that the call speaks.",
          )
          .meta({ "x-example": ["deepseek-v3.2"] }),
        ...scope,
      }),
    )
    .default({})
    .describe(
      "Models by the name that clients use. A model that is not here goes to the upstream whose vendor makes it, else to the first that speaks the call's API.",
    ),
  routes,
  apps: z.array(app).default([]).describe("Applications with keys of their own, for `server.auth: keys`."),
  teams: z
    .record(label("a team", []), team)
    .default({})
    .describe("What holds for the apps of a team together."),
  limits: limitsSection
    .prefault({})
    .describe("Where limits and budgets are counted, and those of all calls together."),
  prices: z
    .strictObject({
      files: z
        .array(z.string().min(1, "must not be empty"))
        .default([])
        .describe(
          "Price files (`bellwether prices import` writes them) that come before the built-in lists, the first one first; relative to this file.",
        )
        .meta({ "x-example": ["./prices.json"] }),
    })
    .prefault({})
    .describe("Further price lists for all upstreams."),
  slo,
  alerts,
  probes: probes
    .optional()
    .describe(
      "Bellwether's own calls, which see whether upstreams are well. Without this section `serve` makes none, and `bellwether exporter` those of the defaults.",
    ),
  channels,
  notify: z
    .array(notifyRoute)
    .default([])
    .describe(
      "Which alerts are told where: the first route that fits takes an alert. None: every channel is told everything.",
    ),
  ledger: ledger.prefault({}).describe("One row for every call, for reports."),
  metrics: z
    .strictObject({
      buckets: z
        .record(
          z.string().regex(/^[a-z][a-z0-9_]*$/, "is not a metric's name"),
          z
            .array(z.number().positive())
            .min(1, "must hold at least one bound")
            .max(100)
            .refine(
              (bounds) => bounds.every((bound, i) => i === 0 || bound > (bounds[i - 1] ?? 0)),
              "must rise from each bound to the next",
            ),
        )
        .default({})
        .describe(
          "Upper bounds of a histogram's buckets in its own unit, by metric, with or without `bellwether_`.",
        )
        .meta({ "x-example": { request_duration_seconds: [0.1, 0.5, 1, 5, 30] } }),
      maxModels: z
        .number()
        .int()
        .min(1)
        .max(10_000)
        .default(defaultConfig.metrics.maxModels)
        .describe("At most this many values of the `model` label; further models are counted as `other`."),
    })
    .prefault({})
    .describe("What `/metrics` shows."),
  log: z
    .strictObject({
      level: z
        .enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"])
        .default(defaultConfig.log.level)
        .describe("The least severe messages to write."),
      format: z
        .enum(["auto", "json", "pretty"])
        .default(defaultConfig.log.format)
        .describe("`auto` is pretty on a terminal and JSON elsewhere."),
    })
    .prefault({})
    .describe("What is logged, and how."),
});

type Immutable<T> = T extends Secret | FileText
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Immutable<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: Immutable<T[Key]> }
      : T;

/** The configuration in force: complete, in milliseconds and bytes. */
export type Config = Immutable<z.output<typeof configSchema>>;
export type UpstreamConfig = Config["upstreams"][string];
export type ProbesConfig = NonNullable<Config["probes"]>;
export type ModelConfig = Config["models"][string];
export type RouteConfig = Config["routes"][number];
export type AppConfig = Config["apps"][number];
export type AlertsConfig = Config["alerts"];
/** What may be limited: an app, a team, an upstream, a model, or all calls. */
export type ScopeConfig = Config["limits"]["all"];
export type ChannelConfig = Config["channels"][string];
export type ChannelType = ChannelConfig["type"];
export type ChannelOf<Type extends ChannelType> = Extract<ChannelConfig, { type: Type }>;
export type NotifyRoute = Config["notify"][number];
