/**
 * A server for the demo alone: simulated upstreams, applications with keys, budgets, probes, and a ledger with weeks of
 * invented history, all in a temporary folder that goes with it.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "../../main.ts";
import { PriceBook } from "../../prices/book.ts";
import { loadPriceLists } from "../../prices/data.ts";
import type { Pricing } from "../../prices/pricing.ts";
import { Random } from "../../sandbox/random.ts";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../../sandbox/server.ts";
import { openStore } from "../../store/open-store.ts";
import type { Phase } from "./day.ts";
import { history } from "./history.ts";
import { DEMO_APPS } from "./workloads.ts";

export interface OwnServerOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly seed: number;
  /** Days of history; 0: none. */
  readonly historyDays: number;
}

export interface OwnServer {
  readonly url: string;
  /** Calls of history in its ledger. */
  readonly historyCalls: number;
  key(app: string): string;
  /** How the upstream of the incident is from now on. */
  enter(phase: Phase): void;
  /** Ends the server and removes its folder. */
  close(): Promise<void>;
}

/** A little more than a week's shape needs, and enough for the month before this one. */
export const HISTORY_DAYS = 42;
const CALLS_PER_HOUR = 14;
const LEDGER_MEMORY = 128 * 2 ** 20;
const BATCH = 4_096;

/** The upstreams, with what they ask for a call compared with the vendor's list price, and how fast they are. */
const UPSTREAMS = {
  relay: { priceMultiplier: 0.8, latency: "lognormal(160,600)", tokensPerSecond: 95 },
  vendor: { priceMultiplier: 1, latency: "lognormal(280,1100)", tokensPerSecond: 75 },
  backup: { priceMultiplier: 0.95, latency: "lognormal(350,1500)", tokensPerSecond: 60 },
} as const;
type UpstreamName = keyof typeof UPSTREAMS;

/** What has no list price per token. */
const OWN_PRICES = { "tts-1": { perMillionCharacters: 15 }, "whisper-1": { perSecond: 0.0001 } } as const;

/** Who serves a model, in the order in which they are asked. */
const MODELS: Readonly<Record<string, readonly UpstreamName[]>> = {
  "gpt-4.1": ["relay", "backup"],
  "gpt-4.1-mini": ["relay", "backup"],
  "claude-sonnet-4-5": ["vendor", "backup"],
  "gpt-5-mini": ["vendor", "backup"],
  "gemini-2.5-flash": ["vendor", "backup"],
  "deepseek-v3.2": ["relay"],
  "text-embedding-3-small": ["relay", "backup"],
  "gpt-3.5-turbo-instruct": ["relay"],
  "gpt-image-1": ["vendor"],
  "tts-1": ["vendor"],
  "whisper-1": ["vendor"],
};

/** What the page's rule tester has to try, and how traffic leaves the upstream of the incident. */
const ROUTES = [
  {
    name: "questions",
    when: { model: "auto", keywords: ["query", "explain"] },
    use: { model: "gpt-5-mini" },
  },
  {
    name: "rest",
    when: { model: "auto" },
    use: { strategy: "cheapest", of: ["deepseek-v3.2", "gpt-4.1-mini"] },
  },
  ...["gpt-4.1", "gpt-4.1-mini"].map((model) => ({
    name: `failing-${model}`,
    when: { model, state: { errors: { above: 0.25 }, upstream: "relay" } },
    use: { upstream: "backup" },
  })),
  {
    name: "saving",
    when: { model: "gpt-4.1", state: { budget: { scope: "app", above: 0.9 } } },
    use: { model: "gpt-4.1-mini" },
  },
];

/** What the upstream of the incident does in each phase; every phase sets what the others set. */
const INCIDENT: Readonly<Record<Phase, Readonly<Record<string, string | number>>>> = {
  well: { ...knobsOf("relay"), failRate: 0 },
  slow: { latency: "lognormal(1800,6000)", tokensPerSecond: 25, failRate: 0.02, failWith: "503" },
  failing: { latency: "lognormal(900,4000)", tokensPerSecond: 25, failRate: 0.75, failWith: "503" },
  recovering: { latency: "lognormal(500,2000)", tokensPerSecond: 60, failRate: 0.1, failWith: "503" },
};

/** Starts it. @throws the system's error when it cannot listen */
export async function startOwnServer(options: OwnServerOptions): Promise<OwnServer> {
  const folder = await mkdtemp(join(tmpdir(), "bellwether-demo-"));
  const sandboxes: Sandbox[] = [];
  const clean = async (): Promise<void> => {
    await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const names = Object.keys(UPSTREAMS) as UpstreamName[];
    for (const [index, name] of names.entries()) {
      sandboxes.push(await startSandbox({ seed: options.seed + index, knobs: knobsOf(name) }));
    }
    const keys = new Map(
      Object.keys(DEMO_APPS).map((app) => [app, `demo-${app}-${randomBytes(12).toString("hex")}`]),
    );
    const historyCalls = options.historyDays > 0 ? await fillLedger(folder, options) : 0;
    const file = join(folder, "bellwether.yaml");
    const urls = names.map((name, index) => [name, sandboxes[index]?.url ?? ""] as const);
    // JSON is YAML.
    await writeFile(file, JSON.stringify(configuration(options, urls, keys), null, 2));
    const running = await serve({
      configFile: file,
      cwd: folder,
      env: {},
      logLevel: "silent",
      simulated: true,
    });
    const [relay] = sandboxes;
    return {
      url: running.url,
      historyCalls,
      key: (app) => keys.get(app) ?? "",
      enter: (phase) => relay?.set(INCIDENT[phase]),
      async close() {
        await running.close();
        await clean();
      },
    };
  } catch (error) {
    await clean();
    throw error;
  }
}

function knobsOf(name: UpstreamName): Readonly<Record<string, string | number>> {
  const { latency, tokensPerSecond } = UPSTREAMS[name];
  return { latency, tokensPerSecond, failRate: 0.006, failWith: "503" };
}

function configuration(
  { host, port }: OwnServerOptions,
  urls: readonly (readonly [UpstreamName, string])[],
  keys: ReadonlyMap<string, string>,
): object {
  const budgets: Readonly<Record<string, object>> = {
    shop: { usd: 400, per: "month", warnAt: [0.8, 0.95] },
    research: { usd: 2, per: "day", warnAt: [0.5, 0.9] },
  };
  return {
    server: { host, port, auth: "keys", shutdown: { drain: "2s" } },
    upstreams: Object.fromEntries(
      urls.map(([name, url]) => [
        name,
        {
          baseUrl: `${url}/v1`,
          apiKey: SANDBOX_KEY,
          includeUsage: true,
          priceMultiplier: UPSTREAMS[name].priceMultiplier,
          prices: OWN_PRICES,
          balance: { poller: "one-api" },
        },
      ]),
    ),
    models: {
      auto: { route: true },
      ...Object.fromEntries(Object.entries(MODELS).map(([model, upstreams]) => [model, { upstreams }])),
    },
    routes: ROUTES,
    apps: [...keys].map(([name, key]) => ({
      name,
      team: DEMO_APPS[name]?.team,
      keys: [`sha256:${createHash("sha256").update(key).digest("hex")}`],
      ...(budgets[name] === undefined ? {} : { budget: budgets[name] }),
    })),
    ledger: { path: "./ledger.duckdb" },
    probes: { modules: ["models", "chat", "balance"], interval: "15s", models: { chat: "gpt-4.1-mini" } },
  };
}

/** The number of calls that were invented. */
async function fillLedger(folder: string, { seed, historyDays }: OwnServerOptions): Promise<number> {
  const pricing = (name: UpstreamName): Pricing => ({
    ...{ list: undefined, own: OWN_PRICES, currency: "USD", usdPer: 1 },
    multiplier: UPSTREAMS[name].priceMultiplier,
  });
  const names = Object.keys(UPSTREAMS) as UpstreamName[];
  const rows = history({
    now: Date.now(),
    days: historyDays,
    callsPerHour: CALLS_PER_HOUR,
    random: new Random(seed),
    prices: new PriceBook(
      loadPriceLists(),
      names.map((name) => ({ name, pricing: pricing(name) })),
    ),
    upstreams: (model) => MODELS[model] ?? ["relay"],
  });
  const store = await openStore({ path: join(folder, "ledger.duckdb"), memoryBytes: LEDGER_MEMORY });
  try {
    await store.migrate();
    for (let at = 0; at < rows.length; at += BATCH) await store.insert(rows.slice(at, at + BATCH));
  } finally {
    await store.close();
  }
  return rows.length;
}
