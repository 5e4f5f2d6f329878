/** Clients and upstreams that are both out of their minds: calls that begin as good ones, and are then broken anywhere. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startGateway, type TestGateway, total } from "../helpers/gateway.ts";
import { chunked, RawClient, request } from "../helpers/raw-client.ts";
import { type RawUpstream, startRawUpstream } from "../helpers/raw-upstream.ts";
import { until } from "../helpers/until.ts";

/** Longer than an answer takes that comes at all; nobody waits for one that does not. */
const PATIENCE_MS = 60;

let raw: RawUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  raw = await startRawUpstream();
  gateway = await startGateway({
    upstream: { baseUrl: `${raw.url}/v1`, timeouts: { firstByte: "100ms", idle: "100ms" } },
    server: { requestTimeout: "1s" },
    ledger: { enabled: true },
  });
});
afterAll(async () => {
  await gateway.close();
  await raw.close();
});

const call = (stream: boolean): string =>
  JSON.stringify({ model: "gpt-4.1", stream, messages: [{ role: "user", content: "Who leads?" }] });
const requests = [
  request("POST", "/v1/chat/completions", ["Content-Type: application/json"], call(true)),
  request("POST", "/v1/messages?key=k", ["Content-Type: application/json"], call(false)),
  Buffer.concat([
    request("POST", "/v1/responses", ["Transfer-Encoding: chunked"]),
    chunked([Buffer.from(call(true))]),
  ]),
].map((bytes) => bytes.toString("latin1"));

const OK = "HTTP/1.1 200 OK\r\n";
const USAGE = '"usage":{"prompt_tokens":3,"completion_tokens":4,"input_tokens":3,"output_tokens":4}';
const JSON_BODY = `{"model":"gpt-4.1","choices":[{"message":{"content":"A"}}],${USAGE}}`;
const EVENTS = `data: {"choices":[{"delta":{"content":"A"}}]}\n\ndata: {"choices":[],${USAGE}}\n\ndata: [DONE]\n\n`;
const answers = [
  `${OK}Content-Type: application/json\r\nContent-Length: ${JSON_BODY.length}\r\n\r\n${JSON_BODY}`,
  `${OK}Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n${chunked([Buffer.from(EVENTS)])}`,
  `HTTP/1.1 103 Early Hints\r\n\r\n${OK}Content-Type: text/event-stream\r\n\r\n${EVENTS}`,
  "HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}",
];

const inserted = [
  ...["\r\n", "\n", "\0", " ", ":", ",", '"', "\\", "{", "]", "\xff", "-1", "1e309", "9007199254740993"],
  ...["Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Content-Encoding: gzip\r\n"],
  ...[
    "Connection: close\r\n",
    "Expect: 100-continue\r\n",
    "ffffffffffff\r\n",
    "0\r\n\r\n",
    "HTTP/1.1 200 OK\r\n",
  ],
];
/** At a share of the length: something put in, left out, said again, or nothing more. */
const edits = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    how: fc.constantFrom("insert", "leave out", "repeat", "end"),
    what: fc.constantFrom(...inserted),
    length: fc.integer({ min: 1, max: 60 }),
  }),
  { maxLength: 4 },
);
const broken = (good: readonly string[]) =>
  fc.tuple(fc.constantFrom(...good), edits).map(([text, edits]) =>
    edits.reduce((text, { at, how, what, length }) => {
      const place = Math.floor(at * text.length);
      const [before, behind] = [text.slice(0, place), text.slice(place)];
      if (how === "insert") return before + what + behind;
      if (how === "leave out") return before + behind.slice(length);
      return how === "end" ? before : before + behind.slice(0, length).repeat(3) + behind;
    }, text),
  );
const exchanges = fc.array(fc.tuple(broken(requests), broken(answers)), { minLength: 8, maxLength: 12 });

it("are counted, written down and forgotten: a call for each, whatever it was", async () => {
  await fc.assert(
    fc.asyncProperty(exchanges, async (exchanges) => {
      const due = exchanges.map(([, answer]) => Buffer.from(answer, "latin1"));
      raw.answer = (socket) => void socket.end(due.pop() ?? "");
      await Promise.all(
        exchanges.map(async ([bytes], index) => {
          const client = await RawClient.open(gateway.url, bytes);
          await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
          if (index % 2 === 0) client.reset();
          else client.close();
        }),
      );
      await until(async () => total(await gateway.samples(), "bellwether_requests_in_flight"), 0);
      await until(() => raw.open, 0);
    }),
    { numRuns: 12 },
  );
  const samples = await gateway.samples();
  const calls = total(samples, "bellwether_requests_total");
  expect(calls).toBeGreaterThan(0);
  await until(async () => total(await gateway.samples(), "bellwether_ledger_rows_total"), calls);
  for (const [series, value] of samples) {
    if (series.startsWith("bellwether_")) expect(value >= 0 && value < Infinity, series).toBe(true);
  }
  raw.answer = answers[0] ?? "";
  const client = await RawClient.open(gateway.url, requests[1] ?? "");
  expect((await client.answer()).body.toString()).toBe(JSON_BODY);
  client.close();
});
