// @ts-check
/**
 * What a routing decision costs: with 50 rules that need no prompt, and with rules that do. Prints microseconds a
 * CPU a decision: the median of rounds in this process. `node bench/routing.mjs [--json]`.
 */
import { performance } from "node:perf_hooks";
import { bundled, scratchFolder } from "./ledger-bench.mjs";

const folder = scratchFolder();
process.on("exit", () => folder.remove());
const source = async (/** @type {string} */ file) => import(await bundled(folder.path, file));

const { parseConfig } = await source("src/config/parse.ts");
const { buildRoutingTable, plan, planAt } = await source("src/routing/plan.ts");
const { Router } = await source("src/routing/router.ts");
const { RouteFacts } = await source("src/routing/facts.ts");
const { patternMaker } = await source("src/routing/patterns.ts");
const { TrafficView } = await source("src/routing/traffic-view.ts");
const { recognise } = await source("src/usage/dialects/index.ts");
const { parseBody } = await source("src/usage/request-body.ts");

const upstreams = ["a", "b"].map((name) => ({ name, dialects: new Set(["openai-chat"]), owns: [] }));

/** 50 rules of which the last decides, each with the conditions that `when` gives for its number. */
const rulesOf = (/** @type {(n: number) => object} */ when) => [
  ...Array.from({ length: 49 }, (_, n) => ({
    name: `rule-${n}`,
    when: { model: "auto", ...when(n) },
    use: { model: "gpt-4.1" },
  })),
  { name: "rest", when: { model: "auto" }, use: { model: "gpt-4o-mini" } },
];

const plain = rulesOf((n) => {
  const kinds = [
    { app: `app-${n}` },
    { headers: { "x-tier": `tier-${n}` } },
    { endpoint: "messages" },
    { streaming: true, app: `app-${n}` },
    { time: { from: "03:00", to: "03:01", timeZone: "Asia/Shanghai" } },
    { team: `team-${n}*` },
    { inputTokens: { above: 100_000 } },
  ];
  return kinds[n % kinds.length] ?? {};
});
const cases = {
  "50 rules without prompt": { rules: plain, bytes: 1_000 },
  "50 rules, one with a pattern": {
    rules: [
      ...plain.slice(0, 48),
      { name: "p", when: { model: "auto", prompt: "\\b(code|bug)\\b" }, use: { model: "gpt-4.1" } },
      ...plain.slice(49),
    ],
    bytes: 1_000,
  },
  "50 rules with patterns": { rules: rulesOf((n) => ({ prompt: `word-${n}` })), bytes: 1_000 },
  "50 rules with keywords": { rules: rulesOf((n) => ({ keywords: [`word-${n}`] })), bytes: 1_000 },
  "50 rules with keywords, 64 KB": { rules: rulesOf((n) => ({ keywords: [`word-${n}`] })), bytes: 64_000 },
  "language, 1 KB": {
    rules: [
      { name: "de", when: { model: "auto", language: "de" }, use: { model: "gpt-4.1" } },
      ...plain.slice(-1),
    ],
    bytes: 1_000,
  },
  "input tokens, 64 KB": {
    rules: [
      { name: "long", when: { model: "auto", inputTokens: { above: 30_000 } }, use: { model: "gpt-4.1" } },
      ...plain.slice(-1),
    ],
    bytes: 64_000,
  },
};

/** @type {Record<string, number>} */
const results = {};
for (const [name, { rules, bytes }] of Object.entries(cases)) results[name] = await measure(rules, bytes);
const lines = Object.entries(results).map(([name, us]) => `${us.toFixed(2).padStart(8)} µs  ${name}`);
process.stdout.write(
  `${process.argv.includes("--json") ? JSON.stringify(results, null, 2) : lines.join("\n")}\n`,
);

/** @param {object[]} rules @param {number} bytes */
async function measure(rules, bytes) {
  const { config } = parseConfig(
    JSON.stringify({ models: { auto: { route: true } }, routes: rules }),
    "bench",
    {},
  );
  const table = buildRoutingTable(config.models, upstreams);
  const view = new TrafficView({ monotonic: () => performance.now() });
  const around = {
    random: Math.random,
    breaker: () => /** @type {const} */ ("closed"),
    budgetShare: () => undefined,
    cost: () => undefined,
    speed: () => undefined,
    inFlight: () => 0,
    watch: view.watch.bind(view),
  };
  const router = new Router({
    routes: config.routes,
    virtual: new Set(["auto"]),
    find: {
      plan: (request) => plan(request, table),
      planAt: (request, upstream) => planAt(request, upstream, table),
    },
    tools: {
      pattern: await patternMaker(config.routes),
      around,
      afterAlias: (model) => model,
      placesOf: () => [],
    },
  });
  const operation = recognise("POST", "/v1/chat/completions");
  if (operation === undefined) throw new Error("no operation");
  const content = "Which sheep leads the flock over the hill? ".repeat(Math.ceil(bytes / 43)).slice(0, bytes);
  const body = Buffer.from(JSON.stringify({ model: "auto", messages: [{ role: "user", content }] }));
  const parsed = parseBody(body, "application/json");
  const facts = operation.dialect.facts(operation, parsed);
  const headers = [
    "Content-Type",
    "application/json",
    "User-Agent",
    "bench",
    "Accept",
    "*/*",
    "X-Tier",
    "silver",
    "X-A",
    "1",
    "X-B",
    "2",
    "X-C",
    "3",
    "X-D",
    "4",
  ];
  const decide = () =>
    router.decide(
      new RouteFacts({
        operation,
        family: "openai",
        asked: "auto",
        facts,
        parsed,
        body,
        headers,
        app: "shop",
        team: "",
        at: Date.now(),
      }),
    );
  if (decide().route !== "rest") throw new Error(`decided by ${decide().route}`);
  const rounds = [];
  for (let round = 0; round < 15; round++) {
    const until = performance.now() + 60;
    let calls = 0;
    const began = process.cpuUsage();
    for (; performance.now() < until; calls += 20) for (let each = 0; each < 20; each++) decide();
    const { user, system } = process.cpuUsage(began);
    rounds.push((user + system) / calls);
  }
  return rounds.sort((a, b) => a - b)[7] ?? Number.NaN;
}
