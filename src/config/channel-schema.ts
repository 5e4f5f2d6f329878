/** The schema of `channels` and `notify`: where alerts are told, and which goes where. */
import * as z from "zod";
import { severities } from "../core/alert.ts";
import { notifyDefaults } from "./defaults.ts";
import { duration, label } from "./fields.ts";
import { FileText, Secret } from "./values.ts";

const secret = (meaning: string, example: string) =>
  z
    .string()
    .min(1, "must not be empty")
    .transform((text) => new Secret(text))
    .describe(`${meaning} \`file:\` and a path reads it from a file.`)
    .meta({ "x-type": "secret", "x-example": example });

/** An address that is a secret, because whoever knows it may post. */
const address = (meaning: string, example: string) =>
  z
    .string()
    .regex(/^(https?:\/\/\S+|file:.+)$/, "is not an address; write it with https://")
    .transform((text) => new Secret(text))
    .describe(`${meaning} \`file:\` and a path reads it from a file.`)
    .meta({ "x-type": "secret", "x-example": example });

const otherAddress = address(
  "In place of the vendor's address, as for a proxy of your own.",
  "https://robots.internal/hook",
).optional();

const language = z.enum(["en", "zh", "de", "vi"]).default("en").describe("The language it is told in.");

const channel = <Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) =>
  z.strictObject({ type: z.literal(type).describe("The kind of channel."), ...shape, language });

const slack = channel("slack", {
  url: address("The incoming webhook's address.", `\${SLACK_WEBHOOK}`),
});
const wecom = channel("wecom", {
  key: secret("The group robot's key: what follows `key=` in its address.", `\${WECOM_KEY}`),
  url: otherAddress,
});
const dingtalk = channel("dingtalk", {
  token: secret(
    "The group robot's token: what follows `access_token=` in its address.",
    `\${DINGTALK_TOKEN}`,
  ),
  secret: secret("The robot's signing secret.", `\${DINGTALK_SECRET}`).optional(),
  url: otherAddress,
});
const feishu = channel("feishu", {
  key: secret("The custom bot's key: the last part of its address.", `\${FEISHU_KEY}`),
  secret: secret("The bot's signing secret.", `\${FEISHU_SECRET}`).optional(),
  url: otherAddress,
});
const telegram = channel("telegram", {
  token: secret("The bot's token.", `\${TELEGRAM_TOKEN}`),
  chatId: z
    .string()
    .regex(/^(-?\d+|@\w+)$/, "is not a chat; write its number in quotes, or @ and the channel's name")
    .describe("The chat that is told.")
    .meta({ "x-example": "-1001234567890" }),
  url: otherAddress,
});
const pagerduty = channel("pagerduty", {
  routingKey: secret("The integration key of an Events API v2 integration.", `\${PD_KEY}`),
  url: otherAddress,
});
const email = channel("email", {
  smtp: z
    .string()
    .regex(
      /^(smtps?:\/\/[^\s/]+\/?|file:.+)$/,
      "is not a mail server; write it as smtp://USER:PASSWORD@host:587",
    )
    .transform((text) => new Secret(text))
    .describe(
      "The mail server: `smtp://` (STARTTLS, port 587) or `smtps://` (TLS, port 465), with user and password. `file:` and a path reads it from a file.",
    )
    .meta({ "x-type": "secret", "x-example": `\${SMTP_URL}` }),
  from: z
    .string()
    .regex(/^[^@\r\n]+@[^@\s]+$/, "is not a mail address")
    .describe("The sender's address.")
    .meta({ "x-example": "bellwether@shop.example" }),
  to: z
    .array(z.string().regex(/^[^@\r\n]+@[^@\s]+$/, "is not a mail address"))
    .min(1, "must name at least one address")
    .describe("Who is told.")
    .meta({ "x-example": ["oncall@shop.example"] }),
  starttls: z
    .enum(["required", "opportunistic", "off"])
    .default("required")
    .describe("Whether a connection by `smtp://` must become a TLS one before anything is said."),
  ca: z
    .string()
    .min(1, "must not be empty")
    .transform((path) => new FileText(path))
    .optional()
    .describe("PEM file of certificate authorities to trust; relative to this file.")
    .meta({ "x-example": "/etc/ssl/mail-ca.pem" }),
});
const webhook = channel("webhook", {
  url: address(
    "Where Alertmanager's webhook payload (version 4) is posted.",
    "https://hooks.internal/alerts",
  ),
  headers: z
    .record(
      z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "is not a header's name"),
      z
        .string()
        .transform((text) => new Secret(text))
        .meta({ "x-type": "secret" }),
    )
    .default({})
    .describe("Further headers; `file:` and a path reads a value from a file.")
    .meta({ "x-example": { authorization: `Bearer \${HOOK_TOKEN}` } }),
});

export const channels = z
  .record(
    label("a channel", []),
    z.discriminatedUnion("type", [slack, wecom, dingtalk, feishu, telegram, pagerduty, email, webhook]),
  )
  .default({})
  .describe("Where alerts are told, by a name of your choice.");

const matcher = z.union([z.string(), z.array(z.string()).min(1, "must name at least one value")]);

export const notifyRoute = z.strictObject({
  when: z
    .strictObject({
      severity: z
        .union([z.enum(severities), z.array(z.enum(severities)).min(1, "must name at least one severity")])
        .optional()
        .describe("Only alerts of this severity, or of one of these."),
      alert: matcher
        .optional()
        .describe("Only the alert of this name, or of one of these; `*` stands for any text.")
        .meta({ "x-example": "upstream-*" }),
      labels: z
        .record(z.string().regex(/^[a-zA-Z_]\w*$/, "is not a label's name"), matcher)
        .default({})
        .describe("Only alerts with these labels; `*` stands for any text.")
        .meta({ "x-example": { upstream: "holysheep" } }),
    })
    .prefault({})
    .describe("Which alerts it is for; without it, all that no route before it took."),
  to: z
    .array(z.string())
    .min(1, "must name at least one channel")
    .describe("The channels that are told.")
    .meta({ "x-example": ["oncall", "ops-wecom"] }),
  groupBy: z
    .array(z.string().regex(/^[a-zA-Z_]\w*$/, "is not a label's name"))
    .default(notifyDefaults.groupBy)
    .describe("Alerts that have the same of these are told together; `alert` is the alert's name."),
  groupWait: duration(notifyDefaults.groupWait, { min: 0 }).describe(
    "How long the first alert of a group waits for others, so that they are told at once.",
  ),
  groupInterval: duration(notifyDefaults.groupInterval).describe(
    "The shortest time between two messages about a group.",
  ),
  repeatEvery: duration(notifyDefaults.repeatEvery).describe(
    "After this long an alert that still fires is told again.",
  ),
  continue: z
    .boolean()
    .default(notifyDefaults.continue)
    .describe("Whether the routes after this one are asked too."),
});
