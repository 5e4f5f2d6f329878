/** Upstreams behind an HTTP proxy, over real sockets. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../../../test/helpers/until.ts";
import type { BellwetherError } from "../../core/errors.ts";
import type { AnswerSink } from "../exchange.ts";
import type { Upstream } from "../upstream.ts";
import { Http1Transport } from "./transport.ts";

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

class Collected implements AnswerSink {
  body = "";
  error: BellwetherError | undefined;
  #done: () => void = () => undefined;
  readonly over = new Promise<void>((resolve) => {
    this.#done = resolve;
  });

  onInformation(): void {}

  onHead(): boolean {
    return true;
  }

  onData(chunk: Uint8Array): boolean {
    this.body += Buffer.from(chunk).toString("latin1");
    return true;
  }

  onEnd(): void {
    this.#done();
  }

  onFail(error: BellwetherError): void {
    this.error = error;
    this.#done();
  }
}

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket.on("error", () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanUps.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

const BODY = "x".repeat(100_000);
const requests: string[] = [];
/** Answers each request, which comes in one piece. */
const answering = (socket: Socket): void => {
  socket.on("error", () => undefined);
  socket.on("data", (request) => {
    requests.push(request.toString("latin1"));
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`);
  });
};

const connects: string[] = [];
/** A proxy that gives this answer to CONNECT, and tunnels if it is a 200. */
async function proxyThat(answer: string): Promise<string> {
  connects.length = 0;
  requests.length = 0;
  const server = createServer((socket) => {
    socket.once("data", (head) => {
      connects.push(head.toString());
      socket.write(answer);
      const [, port] = /^CONNECT [\w.]+:(\d+) /.exec(head.toString()) ?? [];
      if (!answer.includes(" 200 ") || port === undefined) return;
      const onwards = connect(Number(port), "127.0.0.1");
      onwards.on("error", () => undefined).on("close", () => socket.destroy());
      socket.on("close", () => onwards.destroy());
      socket.pipe(onwards).pipe(socket);
    });
  });
  return `http://user:p%40ss@127.0.0.1:${await listening(server)}`;
}

const PATIENT = { connect: 300_000, firstByte: 300_000, idle: 300_000, total: 300_000 };

function upstreamAt(baseUrl: string, more: Partial<Upstream>): Upstream {
  return { name: "relay", baseUrl, rootUrl: baseUrl, timeouts: PATIENT, ...more } as unknown as Upstream;
}

async function call(through: Http1Transport, upstream: Upstream): Promise<Collected> {
  const sink = new Collected();
  const headers = ["X-Dup", "1", "x-dup", "2", "X-Dup", "1"];
  through.send(upstream, { method: "POST", path: "/v1/x", headers, body: Buffer.from("{}") }, sink);
  await sink.over;
  return sink;
}

describe("an HTTP proxy", () => {
  it("is told where to connect to, and requests pass through it unchanged, on one connection", async () => {
    const proxy = await proxyThat("HTTP/1.1 200 Connection established\r\n\r\n");
    const port = await listening(createServer(answering));
    const upstream = upstreamAt(`http://127.0.0.1:${port}`, { proxy });
    const through = new Http1Transport();
    for (let at = 0; at < 3; at++) expect((await call(through, upstream)).body).toBe(BODY);
    expect(connects).toEqual([
      `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nproxy-authorization: Basic ${Buffer.from("user:p@ss").toString("base64")}\r\n\r\n`,
    ]);
    expect(requests).toHaveLength(3);
    for (const request of requests) {
      expect(request).toContain("X-Dup: 1\r\nx-dup: 2\r\nX-Dup: 1\r\n");
      expect(request).not.toMatch(/proxy-/i);
    }
    await through.close();
  });

  it("carries TLS to the upstream, whose certificate is checked", async () => {
    const folder = mkdtempSync(join(tmpdir(), "bellwether-tunnel-"));
    cleanUps.push(() => rmSync(folder, { recursive: true }));
    const [key, cert] = [join(folder, "key"), join(folder, "cert")];
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    const kind = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split(" ");
    execFileSync("openssl", [...kind, ...subject, "-keyout", key, "-out", cert], { stdio: "pipe" });
    const ca = readFileSync(cert, "utf8");
    const port = await listening(createTlsServer({ key: readFileSync(key), cert: ca }, answering));
    const proxy = await proxyThat("HTTP/1.1 200 OK\r\n\r\n");
    const through = new Http1Transport();
    const trusting = upstreamAt(`https://localhost:${port}`, { proxy, ca });
    for (let at = 0; at < 2; at++) {
      const { error, body } = await call(through, trusting);
      expect(error?.message).toBeUndefined();
      expect(body).toBe(BODY);
    }
    expect(connects).toHaveLength(1);
    const distrusting = await call(through, upstreamAt(`https://localhost:${port}`, { proxy }));
    expect(distrusting.error?.message).toContain("DEPTH_ZERO_SELF_SIGNED_CERT");
    await through.close();
  });

  it.each([
    ["HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "the proxy answered 407"],
    ["SSH-2.0-x\r\n\r\n", "something that is not HTTP"],
    ["HTTP/1.1 200 OK\r\n\r\nmore", "more than its answer"],
    ["x".repeat(20_000), "too large"],
  ])("that answers %j makes the upstream unreachable, and says why", async (answer, why) => {
    const { error } = await call(
      new Http1Transport(),
      upstreamAt("http://127.0.0.1:9", { proxy: await proxyThat(answer) }),
    );
    expect(error?.code).toBe("upstream_unreachable");
    expect(error?.message).toContain(why);
  });

  it("that is not there makes the upstream unreachable", async () => {
    const server = createServer();
    const port = await listening(server);
    await new Promise((resolve) => server.close(resolve));
    const { error } = await call(
      new Http1Transport(),
      upstreamAt("http://127.0.0.1:9", { proxy: `http://127.0.0.1:${port}` }),
    );
    expect(error?.message).toContain("ECONNREFUSED");
  });

  it("that says nothing is waited for as long as for a connection", async () => {
    let closed = 0;
    const server = createServer((socket) => socket.resume().on("close", () => closed++));
    const upstream = upstreamAt("http://127.0.0.1:9", {
      proxy: `http://127.0.0.1:${await listening(server)}`,
      timeouts: { ...PATIENT, connect: 100 },
    });
    expect((await call(new Http1Transport(), upstream)).error?.code).toBe("upstream_connect_timeout");
    await until(() => closed, 1);
  });
});
