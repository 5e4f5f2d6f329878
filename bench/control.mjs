#!/usr/bin/env node
/**
 * `node bench/control.mjs [--seconds 2] [--windows 5] [--rounds 3]`: what keys, limits, a budget and 50 routing rules cost
 * together: throughput and CPU per call of one core, against the same gateway without them. The rules look at headers,
 * endpoint, streaming, tools, time and length; the last one decides. Without a ledger: its process would be busy with the
 * calls of one gateway while the other is measured, and the share would look smaller.
 */
import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { bellwetherAt, CLIENT_KEY } from "./contenders.mjs";
import { describeMachine, leaveContenderCpu, requireTools } from "./machine.mjs";
import { measurePaired } from "./measures/paired.mjs";
import { machineLine, table } from "./report.mjs";
import { median } from "./statistics.mjs";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "2" },
    windows: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
  },
});

const conditionsOf = (n) =>
  [
    { streaming: true, inputTokens: { above: 100_000 - n } },
    { headers: { "x-tier": `tier-${n}` } },
    { endpoint: "messages", headers: { "x-tenant": `tenant-${n}` } },
    { streaming: true, headers: { "x-tenant": `tenant-${n}` } },
    {
      time: { from: "03:00", to: "03:01", timeZone: "Asia/Shanghai" },
      headers: { "x-tenant": `tenant-${n}` },
    },
    { tools: true, headers: { "x-tenant": `tenant-${n}` } },
    { inputTokens: { above: 200_000 - n } },
  ][n % 7];

const routes = [
  ...Array.from({ length: 49 }, (_, n) => ({
    name: `rule-${n}`,
    when: { model: "gpt-4.1-mini", ...conditionsOf(n) },
    use: { model: "gpt-4.1" },
  })),
  { name: "rest", when: { model: "gpt-4.1-mini" }, use: { model: "gpt-4.1-mini", upstream: "bench" } },
];

const most = 1_000_000_000;
const app = {
  name: "bench",
  team: "speed",
  keys: [`sha256:${createHash("sha256").update(CLIENT_KEY).digest("hex")}`],
  limits: { requestsPerMinute: most, tokensPerMinute: most, concurrency: 10_000 },
  budget: { usd: 1_000_000, per: "month" },
};

const base = bellwetherAt(new URL("..", import.meta.url).pathname);
const variant = (name, configuration) => ({
  ...base,
  name,
  spawn: (upstreamUrl) =>
    base.spawn(upstreamUrl, { configuration: { ledger: { enabled: false }, ...configuration } }),
});
const off = variant("without", { server: { auth: "none" }, apps: [] });
const on = variant("with", { apps: [app], routes });

requireTools();
leaveContenderCpu();
const results = await measurePaired({
  contenders: [off, on],
  seconds: Number(values.seconds),
  windows: Number(values.windows),
  rounds: Number(values.rounds),
  warmUp: 4,
});
for (const [size, rows] of Object.entries(results)) {
  const of = (name) => rows.find((row) => row.name === name);
  const share = (field) => {
    const ratios = of("with").windows.map((each, at) => each[field] / of("without").windows[at][field]);
    return `${((median(ratios) - 1) * 100).toFixed(1)} %`;
  };
  const row = (name) => [
    name,
    of(name).callsPerSecond.toFixed(0),
    of(name).cpuMicrosecondsPerCall.toFixed(1),
  ];
  process.stdout.write(
    `${table({
      title: `Control, ${size} requests (target: at most 15 % less throughput)`,
      columns: ["", "calls/s", "CPU µs/call"],
      rows: [
        row("without"),
        row("with"),
        ["difference, by pairs", share("callsPerSecond"), share("cpuMicrosecondsPerCall")],
      ],
    })}\n\n`,
  );
}
process.stdout.write(`${machineLine(describeMachine())}\n`);
process.exit(0);
