/** The schema of the ledger: where each call's row is kept, and what happens when that fails. */
import * as z from "zod";
import { defaultClickhouse, defaultConfig } from "./defaults.ts";
import { size } from "./fields.ts";
import { Secret } from "./values.ts";

const defaults = defaultConfig.ledger;

const path = z.string().min(1, "must not be empty");

/** `ledger`. */
export const ledger = z.strictObject({
  enabled: z
    .boolean()
    .default(defaults.enabled)
    .describe("Keep a row of every call. When false there are metrics and log lines only."),
  path: path
    .default(defaults.path)
    .describe("DuckDB file with one row a call; relative to this file, made when it is missing."),
  memory: size(defaults.memory, { min: 64 * 2 ** 20, max: 2 ** 40 }).describe(
    "Most memory the database takes for inserts and reports.",
  ),
  journal: z
    .strictObject({
      path: path
        .optional()
        .describe(
          "Folder of the files that calls are written to first; relative to this file. Default: `journal` beside `ledger.path`.",
        )
        .meta({ "x-example": "./data/journal" }),
      maxBytes: size(defaults.journal.maxBytes, { min: 64 * 2 ** 10, max: 2 ** 42 }).describe(
        "Most space these files take while the database cannot have the rows.",
      ),
      whenFull: z
        .enum(["drop-oldest", "reject"])
        .default(defaults.journal.whenFull)
        .describe(
          "Then: `drop-oldest` loses the oldest rows, counted in `bellwether_journal_dropped_calls_total`; `reject` answers new calls with 503 `ledger_full`.",
        ),
    })
    .prefault({})
    .describe("What keeps rows from being lost when the process is killed or the database is away."),
  retentionDays: z
    .number()
    .int()
    .min(1)
    .max(36_500)
    .optional()
    .describe(
      "Days (UTC) that stay in the database; older ones go to `archive` beside `ledger.path`, one Parquet file each. Default: all stay.",
    )
    .meta({ "x-example": 90 }),
  clickhouse: z
    .strictObject({
      url: z
        .string()
        .regex(/^https?:\/\/[^\s@/]+(\/\S*)?$/, "must be an http(s) URL without a user or password")
        .describe("Address of its HTTP interface.")
        .meta({ "x-example": "http://clickhouse:8123" }),
      database: z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be letters, digits and _")
        .default(defaultClickhouse.database)
        .describe("Database there; it is made when it is missing."),
      user: z.string().default(defaultClickhouse.user).describe("Who Bellwether is there."),
      password: z
        .string()
        .transform((text) => new Secret(text))
        .optional()
        .describe("The user's password; `file:` and a path reads it from a file.")
        .meta({ "x-type": "secret", "x-example": `\${CLICKHOUSE_PASSWORD}` }),
    })
    .optional()
    .describe("Keep the ledger in this ClickHouse (18.16 or newer) instead of in the file."),
  content: z
    .enum(["off"])
    .default(defaults.content)
    .describe("Prompts and completions are never stored; `off` is the only choice."),
});
