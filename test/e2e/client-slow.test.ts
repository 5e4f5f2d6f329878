/**
 * Slow peers, seen from outside: what the gateway holds is what one side has got rid of, less what the other has
 * received, less what waits in the system's buffers.
 */
import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startGateway, type TestGateway } from "../helpers/gateway.ts";
import { queuedInKernel, TELLS_QUEUES } from "../helpers/kernel-queues.ts";
import { chunked, parseAnswer, RawClient, request } from "../helpers/raw-client.ts";
import { type RawUpstream, startRawUpstream } from "../helpers/raw-upstream.ts";
import { until } from "../helpers/until.ts";

const MIB = 2 ** 20;
const PIECE = 16 * 1024;
/** Far more than the system takes for a connection that nobody reads. */
const TOTAL = 32 * MIB;
const PATH = "/v1/chat/completions";
/** More than the system takes. */
const REQUESTS = 4_000;

const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** As many bytes, none of which could be taken for its neighbours. */
function numbered(length: number, line: (number: number) => string): Buffer {
  const lines: string[] = [];
  for (let at = 0, number = 0; at < length; number++) {
    const text = line(number);
    lines.push(text);
    at += text.length;
  }
  return Buffer.from(lines.join("").slice(0, length), "latin1");
}

const plain = numbered(TOTAL, (number) => `${number} sheep\n`);
const events = ((): Buffer => {
  const content = "x".repeat(1_000);
  const some = numbered(TOTAL, (n) => `data: {"choices":[{"delta":{"content":"${n} ${content}"}}]}\n\n`);
  return some.subarray(0, some.lastIndexOf("\n\n") + 2);
})();

/** Sends as fast as the other side takes it, then ends. */
class Flood {
  /** What has been taken, or up to a piece less. */
  accepted = 0;

  constructor(socket: Socket, bytes: Uint8Array) {
    const more = (): void => {
      const next = bytes.subarray(this.accepted, this.accepted + PIECE);
      if (next.length === 0) socket.end();
      else
        socket.write(next, (error) => {
          if (error) return;
          this.accepted += next.length;
          more();
        });
    };
    more();
  }
}

describe.runIf(TELLS_QUEUES)("with a peer that stops reading", () => {
  let raw: RawUpstream;
  let gateway: TestGateway;
  let ports: readonly number[] = [];
  beforeAll(async () => {
    raw = await startRawUpstream();
    gateway = await startGateway({ upstream: { baseUrl: `${raw.url}/v1` }, server: { bodyLimit: "64MiB" } });
    ports = [gateway.url, raw.url].map((url) => Number(new URL(url).port));
  });
  afterAll(async () => {
    await gateway.close();
    await raw.close();
  });

  /** Resolves when nothing moves any more; to how much has been taken then. */
  async function rest(flood: () => Flood | undefined): Promise<number> {
    await until(() => (flood()?.accepted ?? 0) > 0, true);
    let before = -1;
    for (let still = 0; still < 10; still = flood()?.accepted === before ? still + 1 : 0) {
      before = flood()?.accepted ?? 0;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return before;
  }

  const HEAD = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
  const SSE = "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked";
  const asked = JSON.stringify({ model: "gpt-4.1", stream: true });
  const sized = request("POST", PATH, ["Connection: close"], asked);
  const odd = Buffer.concat([
    request("POST", PATH, ["Connection: close", "Transfer-Encoding: chunked"]),
    chunked([Buffer.from(asked)]),
  ]);
  const pieces = Array.from({ length: Math.ceil(TOTAL / PIECE) }, (_, at) =>
    events.subarray(at * PIECE, (at + 1) * PIECE),
  );

  it.each([
    ["a stream", SSE, chunked(pieces), events, sized],
    ["a big body", `Content-Length: ${TOTAL}`, plain, plain, sized],
    ["a stream for a client on node:http", SSE, chunked(pieces), events, odd],
    ["a big body for a client on node:http", "X-Length: unknown", plain, plain, odd],
  ])("%s is read no faster than the client reads, and not changed", async (_, head, sent, wanted, call) => {
    let flood: Flood | undefined;
    raw.answer = (socket) => {
      socket.write(`${HEAD}${head}\r\n\r\n`);
      flood = new Flood(socket, sent);
    };
    const client = await RawClient.open(gateway.url, call);
    client.pause();
    const accepted = await rest(() => flood);
    expect(accepted).toBeLessThan(sent.length);
    expect(accepted + PIECE - client.bytes.length - queuedInKernel(ports)).toBeLessThanOrEqual(MIB);
    client.resume();
    // Parsed once, at the end: it is long.
    const answer = parseAnswer(await client.end(), "POST", true)?.answer;
    expect(answer?.complete).toBe(true);
    expect(hash(answer?.body ?? Buffer.alloc(0))).toBe(hash(wanted));
    await until(() => raw.open, 0);
  });

  it("an upstream that takes its time gets every byte of a body, and the client's next requests wait", async () => {
    let upstream: Socket | undefined;
    const got: Buffer[] = [];
    raw.answer = (socket) => {
      upstream = socket.pause();
      socket.on("data", (part) => got.push(part));
    };
    const received = (): Buffer => Buffer.concat([Buffer.from(raw.requests.at(-1) ?? "", "latin1"), ...got]);
    const body = plain.subarray(0, 24 * MIB);
    const next = request("GET", "/v1/models", [`X-Long: ${"x".repeat(1_000)}`]);
    const client = connect(ports[0] ?? 0, "127.0.0.1");
    client.write(request("POST", PATH, [], body));
    await until(() => upstream !== undefined, true);
    const flood = new Flood(client, Buffer.concat(Array(REQUESTS).fill(next)));
    const ahead = await rest(() => flood);
    const held = body.length + ahead + PIECE - received().length - queuedInKernel(ports);
    expect(held).toBeLessThanOrEqual(body.length + MIB);
    upstream?.resume();
    await until(() => got.reduce((sum, { length }) => sum + length, 0) >= body.length - 64 * 1024, true);
    await until(() => received().length - received().indexOf("\r\n\r\n") - 4, body.length);
    expect(hash(received().subarray(-body.length))).toBe(hash(body));
    raw.answer = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    upstream?.end(raw.answer);
    // Their turn has come.
    client.resume();
    await until(() => flood.accepted, REQUESTS * next.length);
    client.destroy();
    await until(() => raw.open, 0);
  });
});
