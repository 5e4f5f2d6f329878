#!/usr/bin/env node
/**
 * `node bench/ledger-load.mjs [--rate 5000] [--seconds 15] [--watchers 5]`: the event loop of the data plane under load, with the
 * ledger and without, and with the page open in `--watchers` (5) places: how late a timer is (target: p99 at most 10 ms),
 * the latency that clients see, and the memory of the whole (target: at most 300 MB), what its processes share once.
 * The program is pinned to no core: the ledger's process has the other one, if nobody else does.
 */
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chatRequest, SMALL } from "./bodies.mjs";
import { openLoop } from "./load.mjs";
import {
  cpuSeconds,
  freePort,
  requireTools,
  sleep,
  start,
  stop,
  until,
  wholeBytes,
  workFolder,
} from "./machine.mjs";
import { median } from "./statistics.mjs";
import { startStaticUpstream } from "./upstreams.mjs";

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "5000" },
    seconds: { type: "string", default: "15" },
    watchers: { type: "string", default: "5" },
  },
});
const rate = Number(values.rate);
const seconds = Number(values.seconds);
const TARGET_MS = 10;
const TARGET_BYTES = 300e6;
const SAMPLE_MS = 500;
const KEY = "sk-bench";
const ROOT = new URL("..", import.meta.url).pathname;

/** Every page that is open hears the events, and asks for the newest calls and the month now and then. */
function watch(url, count) {
  const ending = new AbortController();
  const { signal } = ending;
  let events = 0;
  const listen = async () => {
    const response = await fetch(`${url}/api/events`, { signal });
    for await (const piece of response.body) {
      events += Buffer.from(piece).toString().split("event: overview").length - 1;
    }
  };
  const ask = async () => {
    for (const path of ["calls?limit=50", "reports/summary?from=1h", "upstreams"]) {
      await (await fetch(`${url}/api/${path}`, { signal })).arrayBuffer();
    }
  };
  const asking = setInterval(() => ask().catch(() => undefined), 5_000);
  for (let n = 0; n < count; n++) listen().catch(() => undefined);
  return () => {
    clearInterval(asking);
    ending.abort();
    return events;
  };
}

async function measure(enabled, upstream, watchers) {
  const cwd = mkdtempSync(join(workFolder, "ledger-"));
  const port = await freePort();
  const preload = new URL("preload/loop-delay.mjs", import.meta.url).href;
  const script = join(ROOT, "bin/bellwether.js");
  const { writeFileSync } = await import("node:fs");
  const configuration = {
    server: { port },
    upstreams: {
      bench: {
        baseUrl: `${upstream.url}/v1`,
        apiKey: KEY,
        prices: { "gpt-4.1-mini": { input: 0.4, output: 1.6 } },
      },
    },
    ledger: { enabled },
  };
  writeFileSync(join(cwd, "bellwether.yaml"), JSON.stringify(configuration));
  const child = start(process.execPath, ["--import", preload, script, "serve"], {
    cwd,
    ipc: true,
    output: join(workFolder, "bellwether.log"),
    env: { NODE_ENV: "production" },
  });
  const url = `http://127.0.0.1:${port}`;
  try {
    await until(async () => ((await ready(url)) ? true : undefined), "bellwether", { child });
    const target = { url, headers: { "Content-Type": "application/json" } };
    const body = chatRequest(SMALL);
    await openLoop(target, { body }, { rate, seconds: 5 });
    const unwatch = watch(url, watchers);
    await sleep(500);
    await take(child);
    const cpu = cpuSeconds(child.pid);
    const sizes = [];
    const sampling = setInterval(() => sizes.push(wholeBytes(child.pid)), SAMPLE_MS);
    const figures = await openLoop(target, { body }, { rate, seconds });
    const loop = await take(child);
    clearInterval(sampling);
    const used = (cpuSeconds(child.pid) - cpu) / seconds;
    const events = unwatch();
    await sleep(1_500);
    return { events, ...figures, loop, used, sizes, metrics: await ledgerMetrics(url) };
  } finally {
    await stop(child, 15_000);
  }
}

async function ready(url) {
  return (await fetch(`${url}/readyz`).catch(() => undefined))?.ok === true;
}

async function take(child) {
  child.send("take");
  const [answer] = await once(child, "message");
  return answer;
}

async function ledgerMetrics(url) {
  const page = await (await fetch(`${url}/metrics`)).text();
  return page.split("\n").filter((line) => /^bellwether_(ledger|journal)_/.test(line));
}

requireTools();
const upstream = await startStaticUpstream();
try {
  for (const [enabled, watchers] of [
    [false, 0],
    [true, 0],
    [true, Number(values.watchers)],
  ]) {
    const result = await measure(enabled, upstream, watchers);
    const { loop, p50, p99, failed, unfinished, used, sizes, metrics, events } = result;
    const most = Math.max(...sizes);
    const pages = watchers === 0 ? "" : ` and ${watchers} pages open (${events} events)`;
    process.stdout.write(
      `${enabled ? "with" : "without"} the ledger${pages} at ${rate}/s: event loop late p50 ${loop.p50.toFixed(2)} ms, ` +
        `p99 ${loop.p99.toFixed(2)}, p99.9 ${loop.p999.toFixed(2)}, max ${loop.max.toFixed(1)}; ` +
        `calls p50 ${(p50 / 1000).toFixed(2)} ms, p99 ${(p99 / 1000).toFixed(2)}; ` +
        `${used.toFixed(2)} cores; ${(median(sizes) / 1e6).toFixed(0)} MB, at most ${(most / 1e6).toFixed(0)}, ` +
        `of which the gateway ${(loop.rss / 1e6).toFixed(0)}; failed ${failed}, unfinished ${unfinished}\n`,
    );
    if (enabled) {
      process.stdout.write(`${metrics.join("\n")}\n`);
      process.stdout.write(
        `target: p99 at most ${TARGET_MS} ms: ${loop.p99 <= TARGET_MS ? "met" : "MISSED"}\n` +
          `target: memory at most ${TARGET_BYTES / 1e6} MB: ${most <= TARGET_BYTES ? "met" : "MISSED"}\n`,
      );
    }
  }
} finally {
  await stop(upstream.child);
}
