/**
 * How long a scrape takes, and how long it holds up everything else: many models are called once each, plain and
 * streaming, until /metrics is large enough; then it is scraped while light requests come at a fixed rate.
 */
import { once } from "node:events";
import { Agent, request } from "node:http";
import { chatRequest, SMALL } from "../bodies.mjs";
import { startContender, stopContender } from "../contenders.mjs";
import { openLoop } from "../load.mjs";
import { progress, sleep, stop } from "../machine.mjs";
import { median } from "../statistics.mjs";
import { startStreamSource } from "../upstreams.mjs";

/** Configured models are in the metrics from the start, so each size has a configuration of its own. */
const SIZES = [
  { what: "10,000 samples", models: 150, enough: ({ samples }) => samples >= 10_000 },
  { what: "10,000 histogram series", models: 4000, enough: ({ histograms }) => histograms >= 10_000 },
];
const BATCH = 10;
const CONNECTIONS = 16;
const SCRAPES = 10;
const PAUSE_MS = 100;
/** Light requests a second while scraping: a stall of 1 ms or more is seen. */
const RATE = 1000;

const modelName = (i) => `bench-model-${String(i).padStart(5, "0")}`;

const configuration = (names) => ({
  models: Object.fromEntries(names.map((name) => [name, { upstreams: ["bench"] }])),
  metrics: { maxModels: names.length + 100 },
});

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

/** Reads a whole answer and throws it away; `keep` returns its text instead of its length. */
function exchange(url, { method = "GET", headers = {}, body, keep = false }) {
  return new Promise((resolve, reject) => {
    const call = request(url, { method, headers, agent }, (response) => {
      const pieces = [];
      let bytes = 0;
      response.on("data", (piece) => {
        bytes += piece.length;
        if (keep) pieces.push(piece);
      });
      response.once("error", reject);
      response.once("end", () => {
        if (response.statusCode === 200) resolve(keep ? Buffer.concat(pieces).toString() : bytes);
        else reject(new Error(`${method} ${url} answered ${response.statusCode}`));
      });
    });
    call.once("error", reject);
    call.end(body);
  });
}

async function callModels(started, from, to) {
  const url = `${started.url}/v1/chat/completions`;
  const calls = [];
  for (let i = from; i < to; i++) {
    for (const extra of [{}, { stream: true, max_tokens: 2 }]) {
      const body = chatRequest(SMALL, extra, modelName(i));
      calls.push(exchange(url, { method: "POST", headers: started.headers, body }));
    }
  }
  await Promise.all(calls);
}

/** Samples are lines; a histogram series is one label set with all its buckets. */
async function count(started) {
  const text = await exchange(`${started.url}/metrics`, { keep: true });
  let samples = 0;
  let histograms = 0;
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    samples++;
    if (line.includes('le="+Inf"')) histograms++;
  }
  return { samples, histograms };
}

async function scrapes(started, headers) {
  const times = [];
  let bytes = 0;
  for (let i = 0; i < SCRAPES; i++) {
    const begin = performance.now();
    bytes = await exchange(`${started.url}/metrics`, { headers });
    times.push(performance.now() - begin);
    await sleep(PAUSE_MS);
  }
  return { medianMs: median(times), slowestMs: Math.max(...times), bytes };
}

/** The longest that the contender's own event loop was held since asked last, as seen from inside. */
async function longestStall(started) {
  started.child.send("take");
  const [{ longestStallMs }] = await once(started.child, "message");
  return longestStallMs;
}

const light = (started, seconds) =>
  openLoop(started, { method: "GET", path: "/healthz" }, { rate: RATE, seconds, connections: 16 });

async function watchedScrapes(started) {
  const kinds = {};
  for (const [kind, headers] of [
    ["plain", {}],
    ["gzip", { "Accept-Encoding": "gzip" }],
  ]) {
    const alone = await scrapes(started, headers);
    await longestStall(started);
    const seconds = Math.ceil((SCRAPES * (alone.medianMs * 1.5 + PAUSE_MS)) / 1000) + 1;
    const [watched] = await Promise.all([light(started, seconds), scrapes(started, headers)]);
    const insideMs = await longestStall(started);
    kinds[kind] = { ...alone, outsideMs: watched.max / 1000, outsideP99Ms: watched.p99 / 1000, insideMs };
  }
  return kinds;
}

async function oneSize(contender, { what, models, enough }) {
  const names = Array.from({ length: models }, (_, i) => modelName(i));
  const source = await startStreamSource(1);
  const started = await startContender(contender, source.url, {
    configuration: configuration(names),
    nodeOptions: ["--import", new URL("../preload/loop-stall.mjs", import.meta.url).href],
    ipc: true,
  });
  try {
    let called = 0;
    let size = await count(started);
    while (!enough(size) && called < models) {
      const next = Math.min(models, called + Math.max(BATCH, called >> 2));
      await callModels(started, called, next);
      called = next;
      size = await count(started);
    }
    progress(`scrape: ${what}: ${size.samples} samples, ${size.histograms} histogram series`);
    const quiet = await light(started, 2);
    await longestStall(started);
    const kinds = await watchedScrapes(started);
    return { what, ...size, quietMaxMs: quiet.max / 1000, quietP99Ms: quiet.p99 / 1000, ...kinds };
  } finally {
    agent.destroy();
    await stopContender(started);
    await stop(source.child);
  }
}

export const scrape = {
  name: "scrape",
  async run({ contenders }) {
    const contender = contenders.find(({ name }) => name === "bellwether");
    const rows = [];
    for (const size of contender === undefined ? [] : SIZES) rows.push(await oneSize(contender, size));
    return { rows };
  },
  tables({ rows }) {
    if (rows.length === 0) return [];
    const quiet = (field) => rows.map((row) => row[field].toFixed(2)).join(" and ");
    return [
      {
        title: "Scraping /metrics, on one core (ms)",
        columns: [
          "",
          "samples",
          "histograms",
          "coding",
          "MB",
          "median",
          "slowest",
          "light call p99",
          "light call max",
          "loop held, inside",
        ],
        rows: rows.flatMap((row) =>
          ["plain", "gzip"].map((kind) => [
            row.what,
            String(row.samples),
            String(row.histograms),
            kind,
            (row[kind].bytes / 1e6).toFixed(2),
            row[kind].medianMs.toFixed(1),
            row[kind].slowestMs.toFixed(1),
            row[kind].outsideP99Ms.toFixed(2),
            row[kind].outsideMs.toFixed(2),
            row[kind].insideMs.toFixed(2),
          ]),
        ),
        notes: [
          `Light calls are GET /healthz at ${RATE}/s, timed from when due; without scrapes their p99 is ${quiet("quietP99Ms")} ms and their maximum ${quiet("quietMaxMs")} ms.`,
          "“Inside” is the longest that a 1 ms timer in the process was late; it includes garbage collection and those light calls.",
        ],
      },
    ];
  },
  verdicts({ rows }) {
    return rows
      .filter((row) => row.what === "10,000 histogram series")
      .map((row) => ({
        what: "event loop held while rendering 10,000 histogram series, ms",
        value: row.plain.insideMs,
        target: 5,
        digits: 2,
      }));
  },
};
