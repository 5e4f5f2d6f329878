/**
 * What the meter library costs an app: CPU per call and per chunk of a stream, beside the bare `fetch` of the same
 * answers. `node bench/meter.mjs [--json]`, after `npm run build`.
 *
 * Both get their answers from a `fetch` that makes them in this process, so that the difference is the meter and
 * not the network; batches alternate, and the median of the differences counts. A second table has a real server in
 * another process, for the share of a whole call.
 */
import { fork } from "node:child_process";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const TARGETS = { call: 15, chunk: 3 };
const ROUNDS = Number(process.env.ROUNDS ?? 15);
const CALLS = 2000;
const STREAMS = 40;
const CHUNKS = 500;

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

async function measure() {
  const { createMeter } = await import(pathToFileURL(join(root, "dist/meter.mjs")).href);
  const inProcess = createMeter({ fetch: local });
  await inProcess.ready();
  const url = "https://api.openai.com/v1/chat/completions";
  const perCall = await compare(CALLS, (fetch) => text(fetch, url, chat), local, inProcess.fetch);
  const perChunk = await compare(STREAMS, (fetch) => read(fetch, url), local, inProcess.fetch, CHUNKS);

  const child = fork(fileURLToPath(import.meta.url), ["--serve"]);
  const port = await new Promise((resolve) => child.once("message", resolve));
  const real = `http://127.0.0.1:${port}/v1/chat/completions`;
  const meter = createMeter();
  await meter.ready();
  const realCall = await compare(300, (fetch) => text(fetch, real, chat), globalThis.fetch, meter.fetch);
  const realChunk = await compare(10, (fetch) => read(fetch, real), globalThis.fetch, meter.fetch, CHUNKS);
  child.kill();

  const rows = { call: perCall, chunk: perChunk, "call over HTTP": realCall, "chunk over HTTP": realChunk };
  if (process.argv.includes("--json")) return process.stdout.write(`${JSON.stringify(rows)}\n`);
  process.stdout.write(`Node ${process.version}, CPU in µs, median of ${ROUNDS} rounds\n\n`);
  process.stdout.write("| | bare | metered | the meter | target |\n|---|---|---|---|---|\n");
  for (const [name, { bare, metered, added }] of Object.entries(rows)) {
    const target = TARGETS[name] === undefined ? "" : `≤ ${TARGETS[name]}`;
    const cells = [bare, metered, added].map((value) => value.toFixed(2)).join(" | ");
    process.stdout.write(`| ${name} | ${cells} | ${target} |\n`);
  }
}

async function text(fetch, url, body) {
  const response = await fetch(url, request(body));
  await response.text();
}

async function read(fetch, url) {
  const response = await fetch(url, request(streamed));
  for await (const _ of response.body);
}

/** CPU per unit in µs of both, and the median of what one adds to the other; warmed up, in alternating order. */
async function compare(times, run, bareFetch, meteredFetch, units = 1) {
  const cpu = async (fetch) => {
    const before = process.cpuUsage();
    for (let done = 0; done < times; done++) await run(fetch);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / times / units;
  };
  await cpu(bareFetch);
  await cpu(meteredFetch);
  const bare = [];
  const metered = [];
  for (let round = 0; round < ROUNDS; round++) {
    if (round % 2 === 0) bare.push(await cpu(bareFetch));
    metered.push(await cpu(meteredFetch));
    if (round % 2 === 1) bare.push(await cpu(bareFetch));
  }
  const added = metered.map((value, round) => value - bare[round]);
  return { bare: median(bare), metered: median(metered), added: median(added) };
}

function median(values) {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)];
}

if (process.argv[2] === "--serve") serve();
else await measure();
