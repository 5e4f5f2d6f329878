/** What is limited: bodies, the memory that slow clients cost (see also client-slow.test.ts), and which web pages may call. */
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { counted } from "../helpers/counted.ts";
import { families, pathOf } from "../helpers/families.ts";
import { startGateway, type TestGateway } from "../helpers/gateway.ts";
import { chunked, header, parseAnswer, RawClient, request } from "../helpers/raw-client.ts";
import { type RawUpstream, startRawUpstream } from "../helpers/raw-upstream.ts";
import { until } from "../helpers/until.ts";

const MIB = 2 ** 20;

describe("the limit of a request's body", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({ server: { bodyLimit: "1MiB" } }, { record: true });
  });
  afterAll(() => gateway.close());

  const over = Buffer.alloc(MIB + 1, "x");

  it.each(families)(
    "is told in the shape of $name, whether the length was announced or not",
    async (family) => {
      const url = pathOf(family, "m");
      const sums = await counted(gateway, async () => {
        for (const [framing, body] of [
          [`Content-Length: ${over.length}`, over],
          ["Transfer-Encoding: chunked", chunked([over])],
        ] as const) {
          const client = await RawClient.open(gateway.url, request("POST", url, [framing]), body);
          const answer = await client.answer();
          expect(answer.status).toBe(413);
          expect(family.codeOf(JSON.parse(answer.body.toString()))).toBe("body_too_large");
          client.close();
        }
      });
      expect(sums).toEqual({ requests: { 413: 2 }, errors: { rejected: 2 } });
      expect(gateway.sandbox.requests).toEqual([]);
    },
  );

  it("lets a body of exactly that size pass", async () => {
    const body = Buffer.alloc(MIB, "x");
    for (const framed of [
      request("POST", "/v1/echo", [], body),
      Buffer.concat([request("POST", "/v1/echo", ["Transfer-Encoding: chunked"]), chunked([body])]),
    ]) {
      const client = await RawClient.open(gateway.url, framed);
      expect((await client.answer()).body.equals(body)).toBe(true);
      client.close();
    }
  });

  it.each(["Content-Length: 67108864", "Transfer-Encoding: chunked"])(
    "is told also to a client that sends all before it reads (%s)",
    async (framing) => {
      const client = await RawClient.open(gateway.url);
      client.pause();
      const piece = Buffer.alloc(MIB, "x");
      const sized = framing.startsWith("Content");
      const parts = Array.from({ length: 64 }, () => (sized ? piece : chunked([piece]).subarray(0, -5)));
      await client.send(request("POST", "/v1/echo", [framing]));
      for (const part of parts) await client.send(part);
      if (!sized) await client.send("0\r\n\r\n");
      client.resume();
      const answer = await client.answer();
      expect(answer.status).toBe(413);
      expect(header(answer.headers, "connection")).toBe("close");
      await client.end();
    },
  );

  it("is told before the body where the client asks first", async () => {
    const headers = ["Expect: 100-continue", `Content-Length: ${over.length}`];
    const client = await RawClient.open(gateway.url, request("POST", "/v1/echo", headers));
    expect((await client.answer()).status).toBe(413);
    client.close();
  });

  it("is 32 MiB where nothing is configured", async () => {
    const plain = await startGateway();
    const client = await RawClient.open(
      plain.url,
      request("POST", "/v1/x", [`Content-Length: ${32 * MIB + 1}`]),
    );
    expect((await client.answer()).status).toBe(413);
    client.close();
    await plain.close();
  });
});

describe("a client that does not read", () => {
  let raw: RawUpstream;
  let gateway: TestGateway;
  beforeAll(async () => {
    raw = await startRawUpstream();
    gateway = await startGateway({ upstream: { baseUrl: `${raw.url}/v1` } });
  });
  afterAll(async () => {
    await gateway.close();
    await raw.close();
  });

  const EVENT = `data: {"choices":[{"delta":{"content":"${"x".repeat(1000)}"}}]}\n\n`;
  const events = Buffer.from(EVENT.repeat(24 * 1024));
  const HEAD = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
  const SSE = `${HEAD}Content-Type: text/event-stream\r\n`;

  const kinds: Readonly<
    Record<string, readonly [head: string, sent: Buffer, received: Buffer, stream: boolean]>
  > = {
    "compressed bytes": [
      `${HEAD}Content-Encoding: gzip\r\n`,
      gzipSync(events, { level: 0 }),
      gzipSync(events, { level: 0 }),
      false,
    ],
    "a stream that is decompressed for it": [
      `${SSE}Content-Encoding: gzip\r\n`,
      gzipSync(events),
      events,
      true,
    ],
  };

  it.each(Object.entries(kinds))("of %s is not read for: at most 1 MiB waits here", async (_, kind) => {
    const [head, bytes, received, stream] = kind;
    raw.answer = (socket) => {
      socket.write(`${head}\r\n`);
      socket.end(bytes);
    };
    const asked = JSON.stringify({ model: "gpt-4.1", stream });
    const client = await RawClient.open(
      gateway.url,
      request("POST", "/v1/chat/completions", ["Connection: close"], asked),
    );
    client.pause();
    // It has come to rest when something has come and nothing moves any more.
    let before = -1;
    for (let still = 0; still < 10; still = before > 0 && waiting() === before ? still + 1 : 0) {
      before = waiting();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(waiting()).toBeGreaterThan(0);
    expect(waiting()).toBeLessThanOrEqual(MIB);
    client.resume();
    // Parsed once, at the end: it is long.
    const answer = parseAnswer(await client.end(), "POST", true)?.answer;
    expect(answer?.complete).toBe(true);
    expect(answer?.body.equals(received)).toBe(true);
    await until(() => raw.open, 0);
  });

  /** Bytes that wait in this process on connections to and from the gateway, the test's own ends aside. */
  function waiting(): number {
    const clientPort = Number(new URL(gateway.url).port);
    const upstreamPort = Number(new URL(raw.url).port);
    let sum = 0;
    for (const socket of sockets()) {
      if (socket.localPort === clientPort) sum += socket.writableLength;
      if (socket.remotePort === upstreamPort) sum += socket.readableLength;
    }
    return sum;
  }
});

interface AnySocket {
  readonly localPort?: number;
  readonly remotePort?: number;
  readonly writableLength: number;
  readonly readableLength: number;
}

function sockets(): readonly AnySocket[] {
  const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles(): readonly object[] };
  return handles.call(process).filter((handle): handle is AnySocket => "remotePort" in handle);
}

describe("web pages", () => {
  const preflight = ["Origin: https://app.example", "Access-Control-Request-Method: POST"];
  const allowed = (headers: readonly (readonly [string, string])[]) =>
    headers.filter(([name]) => name.toLowerCase().startsWith("access-control-"));

  it("may not call, unless they are configured", async () => {
    const gateway = await startGateway();
    for (const verb of ["OPTIONS", "GET"]) {
      const client = await RawClient.open(gateway.url, request(verb, "/v1/models", preflight));
      expect(allowed((await client.answer(verb)).headers)).toEqual([]);
      client.close();
    }
    await gateway.close();
  });

  it("may call where they are configured, whatever the upstream says; others may not", async () => {
    const gateway = await startGateway(
      { server: { cors: { origins: ["https://app.example"] } } },
      { record: true },
    );
    const script = gateway.sandbox.script({
      headers: [
        ["Access-Control-Allow-Origin", "*"],
        ["access-control-allow-credentials", "true"],
      ],
    });
    const ask = async (verb: string, origin: string, more: readonly string[] = []) => {
      const headers = [
        `X-Sandbox-Script: ${script}`,
        ...(origin === "" ? [] : [`Origin: ${origin}`]),
        ...more,
      ];
      const client = await RawClient.open(gateway.url, request(verb, "/v1/models", headers));
      const answer = await client.answer(verb);
      client.close();
      return answer;
    };
    const asking = [
      "Access-Control-Request-Method: POST",
      "Access-Control-Request-Headers: authorization, x-a",
    ];
    const answer = await ask("OPTIONS", "https://app.example", asking);
    expect(answer.status).toBe(204);
    expect(Object.fromEntries(allowed(answer.headers))).toEqual({
      "access-control-allow-origin": "https://app.example",
      "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS",
      "access-control-allow-headers": "authorization, x-a",
      "access-control-expose-headers": "*",
      "access-control-max-age": "600",
    });
    expect(gateway.sandbox.requests).toEqual([]);
    expect(allowed((await ask("GET", "https://app.example")).headers)).toEqual([
      ["access-control-allow-origin", "https://app.example"],
      ["access-control-expose-headers", "*"],
    ]);
    expect(allowed((await ask("GET", "https://evil.example")).headers)).toEqual([]);
    expect(allowed((await ask("OPTIONS", "https://evil.example", asking)).headers)).toEqual([]);
    expect(allowed((await ask("GET", "")).headers)).toEqual([]);
    await gateway.close();
  });
});
