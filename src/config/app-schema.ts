/** The schema of an application: its keys, what it may use, and how much of it. */
import * as z from "zod";
import { APP_KEY_PATTERN, parseAppKey } from "./app-key.ts";
import { queue, scope } from "./control-schema.ts";
import { endpointNames } from "./defaults.ts";
import { label, modelName } from "./fields.ts";

/** The SHA-256 of nothing and of a lone newline: hashes of a variable that was not set. */
const EMPTY_HASHES = new Set([
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b",
]);

const appKey = z
  .string()
  .regex(
    APP_KEY_PATTERN,
    'is not `sha256:` and 64 hexadecimal digits, with ` until 2027-01-31` where it expires; write the key\'s hash, never the key (`bellwether keys create`, or printf %s "$KEY" | sha256sum)',
  )
  .refine(
    (text) => !APP_KEY_PATTERN.test(text) || parseAppKey(text) !== undefined,
    "expires on a date that does not exist",
  )
  .meta({ "x-type": "hash" })
  .transform((text) => text.slice(0, HASH_LENGTH).toLowerCase() + text.slice(HASH_LENGTH))
  .refine(
    (text) => !EMPTY_HASHES.has(parseAppKey(text)?.hash ?? ""),
    "is the hash of an empty key; was the variable set when it was hashed?",
  );

const HASH_LENGTH = "sha256:".length + 64;

/** One entry of `apps`. */
export const app = z.strictObject({
  name: label("an app", ["anonymous", "other", "probe"])
    .describe("The `app` label of its calls.")
    .meta({ "x-example": "shop" }),
  team: label("a team", [])
    .optional()
    .describe("Who it belongs to; `teams` may limit all apps of a team together.")
    .meta({ "x-example": "commerce" }),
  labels: z
    .record(
      z
        .string()
        .regex(/^[a-z][a-z0-9_]{0,31}$/, "is not a name for a label; write it as env or cost_centre")
        .refine((name) => name !== "team", "is taken by the app's `team`; choose another name"),
      z
        .string()
        .regex(/^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/, "must be 1 to 64 printable characters"),
    )
    .refine((labels) => Object.keys(labels).length <= 8, "has more than 8 labels")
    .optional()
    .describe(
      "What else is to be known of it, to group by in reports (`label:env`) and, with its team, in dashboards (`bellwether_app_label`).",
    )
    .meta({ "x-example": { env: "prod", owner: "web" } }),
  keys: z
    .array(appKey)
    .min(1, "must hold at least one key")
    .describe(
      "SHA-256 of its keys: `sha256:` and 64 hexadecimal digits, then ` until 2027-01-31` (that day included, UTC) where a key expires. `bellwether keys create` makes one.",
    )
    .meta({ "x-example": ["sha256:3a7d3110e95b727c4e43be8dd42e5db1be671fcccb596d44cddf640073d31706"] }),
  models: z
    .array(modelName)
    .min(1, "must name at least one model")
    .optional()
    .describe(
      "The models it may ask for, by the names that clients use; `*` stands for any text. Default: all.",
    )
    .meta({ "x-example": ["gpt-4.1", "gemini-*"] }),
  endpoints: z
    .array(z.enum(endpointNames))
    .min(1, "must name at least one endpoint")
    .optional()
    .describe("The kinds of call it may make. Default: all.")
    .meta({ "x-example": ["chat", "embeddings"] }),
  queue: queue.optional().describe("How its calls wait for room under a limit, in place of `limits.queue`."),
  ...scope,
});

/** One entry of `teams`. */
export const team = z.strictObject(scope);
