/**
 * What the meter library costs an app: CPU per call and per chunk of a stream, beside the bare `fetch` of the same
 * answers. `node bench/meter.mjs [--json] [--against DIST]`, after `npm run build`; `--against` measures the build in
 * another folder in turn with this one.
 *
 * Both get their answers from a `fetch` that makes them in their own process, so that the difference is the meter and
 * not the network, and both do the same with them: parse them as SDKs do, or take the text. Each has a process of its
 * own, as an app is metered or is not: in one process each would run code that was optimised for both. The two work
 * in turn, so that a noisy machine hits both, and start anew each round, because how a process is laid out in
 * memory alone makes it faster or slower than the next; what one adds is taken turn by turn. The last two rows have a real server in another process, for
 * the share of a whole call.
 */
import { fork } from "node:child_process";
import { createServer } from "node:http";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const TARGETS = { call: 15, "call with a signal": 15, "call read as text": 15, chunk: 3 };
/** Stands for no meter where a meter's folder is named. */
const BARE = "bare";
const at = process.argv.indexOf("--against");
const AGAINST = at === -1 ? undefined : resolve(process.argv[at + 1] ?? "");
const METERS = [join(root, "dist"), ...(AGAINST === undefined ? [] : [AGAINST])];
const ROUNDS = Number(process.env.ROUNDS ?? 5);
/** Turns of each process, of some 25 ms; those to warm up do not count. */
const TURNS = 16;
const WARM_UP = 15;
const CHUNKS = 500;
const ADDRESS = "https://api.openai.com";

const usage = '"usage":{"prompt_tokens":321,"completion_tokens":87,"total_tokens":408}';
const answer = `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4.1","choices":[{"index":0,"message":{"role":"assistant","content":"${"yes ".repeat(130)}"},"finish_reason":"stop"}],${usage}}`;
const event = (text) =>
  `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4.1","choices":[{"index":0,"delta":{"content":"${text}"},"finish_reason":null}]}\n\n`;
const encoder = new TextEncoder();
const chunk = encoder.encode(event(" word"));
const last = encoder.encode(`data: {"model":"gpt-4.1","choices":[],${usage}}\n\ndata: [DONE]\n\n`);
const chat = JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content: "x".repeat(900) }] });
const streamed = JSON.stringify({
  ...JSON.parse(chat),
  stream: true,
  stream_options: { include_usage: true },
});
const request = (body) => ({
  method: "POST",
  headers: { "content-type": "application/json", authorization: "Bearer sk-x" },
  body,
});

/** The same answers over HTTP. */
function serve() {
  const server = createServer((incoming, response) => {
    let length = 0;
    incoming.on("data", (piece) => (length += piece.length));
    incoming.on("end", () => {
      if (length < streamed.length) {
        response.setHeader("content-type", "application/json");
        return response.end(answer);
      }
      response.setHeader("content-type", "text/event-stream");
      for (let sent = 0; sent < CHUNKS; sent++) response.write(chunk);
      response.end(last);
    });
  });
  server.listen(0, "127.0.0.1", () => process.send?.(server.address().port));
}

/** Answers in this process. */
const headers = {
  // As servers announce it where they know it.
  json: { "content-type": "application/json", "content-length": String(answer.length) },
  events: { "content-type": "text/event-stream" },
};
const local = async (_url, { body }) => {
  if (body !== streamed) return new Response(answer, { headers: headers.json });
  let sent = 0;
  const source = new ReadableStream({
    pull(controller) {
      if (sent++ < CHUNKS) return controller.enqueue(chunk);
      controller.enqueue(last);
      controller.close();
    },
  });
  return new Response(source, { headers: headers.events });
};

/** What one turn does, how often, and how many units each time counts for. */
const MEASURES = {
  call: { times: 500, units: 1, run: json },
  "call with a signal": { times: 500, units: 1, run: signalled },
  "call read as text": { times: 500, units: 1, run: text },
  chunk: { times: 10, units: CHUNKS, run: chunks },
  "call over HTTP": { times: 100, units: 1, run: json, real: true },
  "chunk over HTTP": { times: 5, units: CHUNKS, run: chunks, real: true },
};

async function json(fetch, url) {
  const response = await fetch(url, request(chat));
  await response.json();
}

/** As SDKs call, for their time limits. */
async function signalled(fetch, url) {
  const { signal } = new AbortController();
  const response = await fetch(url, { ...request(chat), signal });
  await response.json();
}

async function text(fetch, url) {
  const response = await fetch(url, request(chat));
  await response.text();
}

async function chunks(fetch, url) {
  const response = await fetch(url, request(streamed));
  for await (const _ of response.body);
}

/** One of the processes: takes a turn whenever it is told to, and tells its CPU per unit in µs. `dist`: the meter's. */
async function takeTurns(name, dist, origin) {
  const { times, units, run, real } = MEASURES[name];
  const url = `${origin}/v1/chat/completions`;
  let fetch = real ? globalThis.fetch : local;
  if (dist !== BARE) {
    const { createMeter } = await import(pathToFileURL(join(dist, "meter.mjs")).href);
    const meter = createMeter({ fetch });
    await meter.ready();
    fetch = meter.fetch;
  }
  const turn = async () => {
    const before = process.cpuUsage();
    for (let done = 0; done < times; done++) await run(fetch, url);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / times / units;
  };
  for (let done = 0; done < WARM_UP; done++) await turn();
  process.on("message", async () => process.send(await turn()));
  process.send("ready");
}

const told = (child) => new Promise((resolve) => child.once("message", resolve));
const start = (...args) => fork(fileURLToPath(import.meta.url), args);

/** CPU per unit in µs of the bare fetch and of each meter, and what each meter adds. */
async function compare(name, origin) {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    const all = [];
    for (const dist of [BARE, ...METERS]) {
      const child = start("--turns", name, dist, origin);
      await told(child);
      all.push({ child, turns: [] });
    }
    for (let turn = 0; turn < TURNS; turn++) {
      for (const { child, turns } of turn % 2 === 0 ? all : all.toReversed()) {
        child.send("turn");
        turns.push(await told(child));
      }
    }
    for (const { child } of all) child.kill();
    const [bare, ...meters] = all.map(({ turns }) => turns);
    const added = meters.map((turns) => median(turns.map((cpu, turn) => cpu - bare[turn])));
    rounds.push({ bare: median(bare), added });
  }
  const added = METERS.map((_, meter) => median(rounds.map((round) => round.added[meter])));
  return {
    bare: median(rounds.map(({ bare }) => bare)),
    added: added[0],
    ...(AGAINST && { before: added[1] }),
  };
}

async function measure() {
  const server = start("--serve");
  const real = `http://127.0.0.1:${await told(server)}`;
  const rows = {};
  for (const name of Object.keys(MEASURES)) {
    rows[name] = await compare(name, MEASURES[name].real ? real : ADDRESS);
  }
  server.kill();
  if (process.argv.includes("--json")) return process.stdout.write(`${JSON.stringify(rows)}\n`);
  process.stdout.write(`Node ${process.version}, CPU in µs, median of ${ROUNDS} rounds\n\n`);
  const columns = ["", "bare fetch", "the meter adds", ...(AGAINST ? ["before"] : []), "target"];
  process.stdout.write(`| ${columns.join(" | ")} |\n|${"---|".repeat(columns.length)}\n`);
  for (const [name, row] of Object.entries(rows)) {
    const target = TARGETS[name] === undefined ? "" : `≤ ${TARGETS[name]}`;
    const cells = [name, ...Object.values(row).map((value) => value.toFixed(2)), target];
    process.stdout.write(`| ${cells.join(" | ")} |\n`);
  }
}

function median(values) {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)];
}

const [, , mode, ...args] = process.argv;
if (mode === "--serve") serve();
else if (mode === "--turns") await takeTurns(...args);
else await measure();
