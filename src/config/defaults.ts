/**
 * The defaults, as plain data in the form the program uses (milliseconds, bytes). The schema takes its
 * defaults from here; and a start without a file needs nothing else, so that it never loads zod or yaml.
 */

/** The dialects' names, all of them; src/upstreams/presets.ts checks that they are the ones that exist. */
export const dialectNames = [
  "openai-chat",
  "openai-completions",
  "openai-responses",
  "openai-embeddings",
  "openai-images",
  "openai-audio",
  "openai-models",
  "anthropic-messages",
  "gemini-generate",
  "other",
] as const;

/** The endpoints' names, all of them; src/limits/rules.ts checks that they are the ones that exist. */
export const endpointNames = [
  "chat",
  "completions",
  "responses",
  "embeddings",
  "images",
  "audio",
  "messages",
  "generate",
  "models",
  "other",
] as const;

/** An upstream of which nothing is said. */
export const defaultUpstream = {
  timeouts: { connect: 5_000, firstByte: 120_000, idle: 60_000, total: 600_000 },
  breaker: {
    enabled: true,
    failures: 0.5,
    minCalls: 10,
    window: 30_000,
    consecutive: 5,
    openFor: 5_000,
    trials: 3,
  },
  onClientGone: "cancel",
  drain: { bytes: 2 ** 20, time: 30_000 },
  priceMultiplier: 1,
  currency: "USD",
  prices: {},
  headers: {},
} as const;

/** What probes there are; src/probes/index.ts checks that they are the ones that exist. */
export const probeModules = ["models", "chat", "embeddings", "images", "balance", "tls", "dns"] as const;

/** The kinds of account whose balance can be read; src/probes/balances/index.ts checks them. */
export const balancePollers = [
  "billing",
  "one-api",
  "new-api",
  "openrouter",
  "deepseek",
  "siliconflow",
  "moonshot",
  "openai-costs",
  "custom",
] as const;

/** Probes of which nothing is said. */
export const defaultProbes = {
  modules: ["models", "chat", "balance", "tls"],
  interval: 60_000,
  jitter: 2_000,
  timeout: 30_000,
  concurrency: 8,
  spendPerDay: { usd: 0.5 },
  models: {},
  overrides: {},
} as const;

/** A routing rule of which nothing is said; and names of decisions that are no rule's. */
export const defaultRoute = {
  priority: 0,
  reserved: ["default", "none"],
  explore: 0.05,
  measure: "total",
} as const;

/** A watch over live state of which only the bound is given. */
export const defaultWatch = { for: 60_000, recover: 300_000, minCalls: 10, trial: 0.05 } as const;

/** Ways to choose among candidates; src/routing/strategies/index.ts checks that they are the ones there are. */
export const strategyNames = ["cheapest", "fastest", "least-busy", "priority"] as const;

/** Reasoning efforts, the least first. */
export const efforts = ["none", "minimal", "low", "medium", "high", "xhigh"] as const;

export const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

/** The languages that prompts are told apart by; src/routing/language.ts checks that they are the ones it knows. */
export const languageNames = [
  ...["en", "de", "fr", "es", "pt", "it", "nl", "pl", "tr", "vi", "id"],
  ...["zh", "ja", "ko", "ru", "uk", "ar", "he", "hi", "th", "el"],
] as const;

/** A route of alerts of which nothing is said but where it leads. */
export const notifyDefaults = {
  when: { labels: {} },
  groupBy: ["alert", "upstream"],
  groupWait: 30_000,
  groupInterval: 300_000,
  repeatEvery: 4 * 3_600_000,
  continue: false,
};

/** Alerts of which nothing is said. */
export const defaultAlerts = {
  defaults: "on",
  overrides: {},
  custom: [],
  sender: "bellwether",
  interval: 15_000,
  statePath: "./data/alerts.json",
  externalUrl: undefined,
} as const;

/** The configuration of an empty file, or of none. */
export const defaultConfig = {
  server: {
    host: "127.0.0.1",
    port: 8000,
    auth: "none",
    adminToken: undefined,
    bodyLimit: 32 * 2 ** 20,
    headersLimit: 32 * 2 ** 10,
    requestTimeout: 300_000,
    shutdown: { drain: 30_000 },
    cors: { origins: [], maxAge: 600_000 },
  },
  upstreams: {},
  models: {},
  routes: [],
  apps: [],
  teams: {},
  limits: { assumedOutputTokens: 4096, all: {} },
  prices: { files: [] },
  slo: undefined,
  alerts: defaultAlerts,
  channels: {},
  notify: [],
  ledger: {
    enabled: true,
    path: "./data/ledger.duckdb",
    memory: 96 * 2 ** 20,
    journal: { path: undefined, maxBytes: 2 ** 30, whenFull: "drop-oldest" },
    content: "off",
  },
  metrics: { buckets: {}, maxModels: 200 },
  log: { level: "info", format: "auto" },
} as const;

/** What `ledger.clickhouse` leaves out. */
export const defaultClickhouse = { database: "bellwether", user: "default" } as const;
