/**
 * Byte for byte: whatever a client sends arrives at the upstream, and whatever the upstream answers arrives
 * at the client, but for the changes that docs/architecture.md lists.
 */
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Script } from "../../src/sandbox/echo.ts";
import { SANDBOX_KEY } from "../../src/sandbox/server.ts";
import {
  body,
  cutting,
  endToEnd,
  type Field,
  fields,
  method,
  pairs,
  target,
} from "../helpers/arbitrary-http.ts";
import { startGateway, type TestGateway, total } from "../helpers/gateway.ts";
import { chunked, header, RawClient, request } from "../helpers/raw-client.ts";
import { until } from "../helpers/until.ts";

const RUNS = { numRuns: 150 };

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({}, { record: true });
});
afterAll(() => gateway.close());
beforeEach(() => gateway.sandbox.reset());

/** One connection for all requests of a property: keep-alive is part of what is tested. */
class Line {
  #client: RawClient | undefined;

  async ask(what: string, parts: readonly (Buffer | string)[]) {
    this.#client ??= await RawClient.connect(gateway.url);
    const client = this.#client;
    for (const part of parts) await client.send(part);
    const answer = await client.answer(what);
    if (header(answer.headers, "connection") === "close" || client.ended !== "open") this.hangUp();
    return answer;
  }

  hangUp(): void {
    this.#client?.close();
    this.#client = undefined;
  }
}

const scripted = (script: Script): string => {
  gateway.sandbox.reset();
  return `X-Sandbox-Script: ${gateway.sandbox.script(script)}`;
};

const lines = (list: readonly Field[]): string[] => list.map(([name, value]) => `${name}: ${value}`);

describe("a request", () => {
  it("arrives upstream as it was sent, however it was framed and cut", async () => {
    const line = new Line();
    const property = fc.asyncProperty(
      ...[method, target, fields, body, fc.boolean(), cutting(6), cutting(6)],
      async (verb, url, headers, bytes, sized, chunks, packets) => {
        const play = scripted({ status: 200, framing: "sized" });
        const head = [...lines(headers), play];
        const whole = sized
          ? request(verb, url, head, bytes)
          : Buffer.concat([
              request(verb, url, [...head, "Transfer-Encoding: chunked"]),
              chunked(chunks(bytes)),
            ]);
        expect((await line.ask(verb, packets(whole))).status).toBe(200);
        const [seen, ...more] = gateway.sandbox.requests;
        expect(more).toEqual([]);
        expect([seen?.method, seen?.url]).toEqual([verb, url]);
        expect(seen?.body.equals(bytes)).toBe(true);
        const arrived = pairs(seen?.rawHeaders ?? []);
        const own = /^(host|connection|content-length|authorization|x-sandbox-script)$/i;
        expect(arrived.filter(([name]) => !own.test(name))).toEqual(headers);
        expect(arrived).toContainEqual(["authorization", `Bearer ${SANDBOX_KEY}`]);
        const length = arrived.filter(([name]) => /^content-length$/i.test(name)).map(([, value]) => value);
        if (bytes.length > 0) expect(length).toEqual([String(bytes.length)]);
      },
    );
    await fc.assert(property, RUNS);
    line.hangUp();
  });

  it.each([
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1beta/models/gemini-2.5-flash:generateContent",
  ])("arrives with its body untouched on %s, whether that is JSON or not", async (url) => {
    const line = new Line();
    const json = fc
      .record({ model: fc.string(), messages: fc.json(), n: fc.double(), stream: fc.constant(false) })
      // Spaces, escapes and repeated keys that a rewrite by parse and stringify would lose.
      .map((value) =>
        Buffer.from(JSON.stringify(value, undefined, 3).replace("{", '{ "model" : "\\u0067pt-4.1",')),
      );
    const property = fc.asyncProperty(fc.oneof(json, body), async (bytes) => {
      const type = "Content-Type: application/json";
      const answer = await line.ask("POST", [
        request("POST", url, [scripted({ framing: "sized" }), type], bytes),
      ]);
      expect(answer.status).toBe(200);
      // An unknown model makes the gateway ask for the list of models, too.
      const seen = gateway.sandbox.requests.find(({ url }) => url !== "/v1/models");
      expect(seen?.body.equals(bytes)).toBe(true);
    });
    await fc.assert(property, { numRuns: 40 });
    line.hangUp();
  });
});

const contentType = fc.constantFrom(
  ...[
    "application/json",
    "text/event-stream",
    "text/event-stream; charset=utf-8",
    "text/html",
    "audio/mpeg",
    "",
  ],
);
const contentEncoding = fc.constantFrom("", "", "gzip", "br", "deflate", "zstd", "identity");
/** What an upstream says about the connection, which ends at the gateway. */
const status = fc.oneof(
  fc.integer({ min: 200, max: 599 }),
  fc.constantFrom(200, 200, 204, 205, 301, 304, 307, 429, 999),
);
const asks = fc.constantFrom(
  ...([
    ["GET", "/v1/models", ""],
    ["HEAD", "/v1/models", ""],
    ["OPTIONS", "/v1/chat/completions", ""],
    ["POST", "/v1/embeddings", '{"model":"text-embedding-3-small","input":"x"}'],
    [
      "POST",
      "/v1/chat/completions",
      '{"model":"gpt-4.1","stream":true,"stream_options":{"include_usage":true}}',
    ],
    ["POST", "/v1/messages", '{"model":"claude-sonnet-4.5","stream":true}'],
    ["POST", "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", "{}"],
    ["DELETE", "/v1/files/x", ""],
  ] as const),
);

describe("an answer", () => {
  const expected = (script: readonly Field[], type: string, encoding: string): Field[] => [
    ...script,
    ...(type === "" ? [] : [["content-type", type] as const]),
    ...(encoding === "" ? [] : [["content-encoding", encoding] as const]),
  ];

  it("arrives at the client as the upstream sent it, whatever it is", async () => {
    const line = new Line();
    const framing = fc.constantFrom("sized", "chunked", "close");
    const property = fc.asyncProperty(
      ...[asks, status, fields, contentType, contentEncoding, body, cutting(6), framing],
      fc.array(fc.tuple(fc.constantFrom("x-trailer", "X-Sum"), fc.constantFrom("a", "b\xe9")), {
        maxLength: 2,
      }),
      async ([verb, url, json], code, headers, type, encoding, bytes, chunks, framing, trailers) => {
        const sent = expected(headers, type, encoding);
        const play = scripted({
          status: code,
          headers: sent,
          chunks: chunks(bytes).map((chunk) => chunk.toString("base64")),
          framing: framing as NonNullable<Script["framing"]>,
          trailers: framing === "chunked" ? trailers : [],
        });
        const answer = await line.ask(verb, [request(verb, url, [play], json)]);
        expect([answer.status, answer.complete]).toEqual([code, true]);
        const bodiless = verb === "HEAD" || code === 204 || code === 304;
        expect(answer.body.equals(bodiless ? Buffer.alloc(0) : bytes)).toBe(true);
        const [...arrived] = endToEnd(answer.headers);
        expect(arrived.pop()?.[0]).toBe("server-timing");
        if (!headers.some(([name]) => /^(x-)?request-id$/i.test(name))) {
          expect(arrived.pop()?.[0]).toBe("x-request-id");
        }
        expect(arrived).toEqual(sent);
        if (!bodiless && framing === "chunked") expect(answer.trailers).toEqual(trailers);
        if (!bodiless && framing === "sized") {
          expect(header(answer.headers, "content-length")).toBe(String(bytes.length));
        }
      },
    );
    await fc.assert(property, RUNS);
    line.hangUp();
  });

  it("that is cut is a prefix of what was sent, and is seen to be cut", async () => {
    const cut = fc.constantFrom(
      ...([
        ["half", "sized"],
        ["half", "chunked"],
        ["reset", "sized"],
        ["reset", "chunked"],
        ["reset", "close"],
      ] as const),
    );
    const property = fc.asyncProperty(
      ...[
        asks.filter(([verb]) => verb !== "HEAD"),
        contentType,
        body.filter(({ length }) => length > 0),
        cutting(4),
        cut,
      ],
      async ([verb, url, json], type, bytes, chunks, [end, framing]) => {
        const play = scripted({
          headers: expected([], type, ""),
          chunks: chunks(bytes).map((chunk) => chunk.toString("base64")),
          framing,
          end,
        });
        const client = await RawClient.open(gateway.url, request(verb, url, [play], json));
        const answer = await client.answer(verb);
        client.close();
        // A reset may come before the head has been read; then there is an error instead.
        if (answer.status === 502) return;
        // Of a sized body every byte may have come before the reset.
        const whole = end === "reset" && framing === "sized" && answer.body.length === bytes.length;
        expect([answer.status, answer.complete]).toEqual([200, whole]);
        expect(bytes.subarray(0, answer.body.length).equals(answer.body)).toBe(true);
        if (end === "half") expect(answer.body.length).toBe(bytes.length);
      },
    );
    await fc.assert(property, { numRuns: 60 });
    await until(async () => total(await gateway.samples(), "bellwether_requests_in_flight"), 0);
  });

  it("to a stream that was made to report usage lacks exactly the chunk that this caused", async () => {
    const line = new Line();
    const usage = '"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}';
    const event = fc.constantFrom(
      ...[
        'data: {"choices":[{"delta":{"content":"Grüße, 世界 🐑"}}],"usage":null}',
        `data: {"choices":[{"delta":{"content":"x"}}],${usage}}`,
        'data: {"choices":[]}',
        'data: {"choices":[],"usage":null}',
        ": keep-alive",
        "event: ping\ndata: {}",
        "id: 7\nretry: 10",
        'data: {"choices":\ndata: []}',
        "data: not json",
        `data: ${"long ".repeat(20_000)}`,
        "",
      ],
    );
    const extra = fc.constantFrom(
      `data: {"choices":[],${usage}}`,
      `data:{"id":"x","choices": [ ],${usage}}`,
      `data: {"choices":[],\ndata: ${usage}}`,
    );
    const property = fc.asyncProperty(
      ...[
        fc.array(event, { maxLength: 8 }),
        extra,
        fc.array(event, { maxLength: 3 }),
        fc.constantFrom("\n", "\r\n"),
      ],
      ...[fc.boolean(), cutting(12)],
      async (before, dropped, after, eol, openEnd, chunks) => {
        const text = (events: readonly string[]): string =>
          events.map((each) => `${each}\n\n`.replaceAll("\n", eol)).join("");
        const whole = text([...before, dropped, ...after, "data: [DONE]"]);
        const sent = openEnd ? whole.slice(0, -eol.length) : whole;
        const kept = text([...before, ...after, "data: [DONE]"]);
        const play = scripted({
          headers: [["Content-Type", "text/event-stream"]],
          chunks: chunks(Buffer.from(sent)).map((chunk) => chunk.toString("base64")),
        });
        const json = '{"model":"gpt-4.1","stream":true,"messages":[]}';
        const answer = await line.ask("POST", [request("POST", "/v1/chat/completions", [play], json)]);
        expect(answer.body.toString()).toBe(openEnd ? kept.slice(0, -eol.length) : kept);
        const asked = gateway.sandbox.requests[0]?.body.toString() ?? "";
        expect(JSON.parse(asked)).toEqual({ ...JSON.parse(json), stream_options: { include_usage: true } });
      },
    );
    await fc.assert(property, { numRuns: 120 });
    line.hangUp();
  });
});
