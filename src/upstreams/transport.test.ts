/** What a transport does, over real sockets. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { soon, until } from "../../test/helpers/until.ts";
import type { BellwetherError } from "../core/errors.ts";
import type { AnswerSink, UpstreamExchange, UpstreamRequest, UpstreamTransport } from "./exchange.ts";
import { Http1Transport } from "./http1/transport.ts";
import type { Timeouts, Upstream } from "./upstream.ts";

/** Limits that no test reaches. */
const PATIENT: Timeouts = { connect: 300_000, firstByte: 300_000, idle: 300_000, total: 300_000 };
const OK = "HTTP/1.1 200 OK\r\n";

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A server that is nothing but sockets. */
class RawServer {
  /** Connections opened and closed so far, the latest, and those that are open now. */
  opened = 0;
  closed = 0;
  latest: Socket | undefined;
  readonly open = new Set<Socket>();
  /** Complete requests, as they came. */
  readonly requests: string[] = [];
  readonly #answer: (socket: Socket, count: number) => void;

  constructor(answer: (socket: Socket, count: number) => void) {
    this.#answer = answer;
  }

  readonly accept = (socket: Socket): void => {
    this.opened++;
    this.latest = socket;
    this.open.add(socket);
    socket.on("close", () => {
      this.closed++;
      this.open.delete(socket);
    });
    socket.on("error", () => undefined);
    let text = "";
    socket.on("data", (part) => {
      text += part.toString("latin1");
      const head = text.indexOf("\r\n\r\n");
      if (head === -1) return;
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, head + 2))?.[1] ?? 0);
      if (text.length < head + 4 + length) return;
      this.requests.push(text.slice(0, head + 4 + length));
      text = text.slice(head + 4 + length);
      this.#answer(socket, this.requests.length);
    });
  };

  async listen(server: Server): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanUps.push(() => {
      server.close();
      for (const socket of this.open) socket.destroy();
    });
    return (server.address() as AddressInfo).port;
  }
}

async function serverThat(
  answer: string | ((socket: Socket, count: number) => void),
): Promise<{ server: RawServer; url: string }> {
  const act = typeof answer === "string" ? (socket: Socket) => socket.write(answer, "latin1") : answer;
  const server = new RawServer(act);
  return { server, url: `http://127.0.0.1:${await server.listen(createServer(server.accept))}` };
}

function upstreamAt(
  baseUrl: string,
  timeouts: Partial<Timeouts> = {},
  more: Partial<Upstream> = {},
): Upstream {
  const upstream = {
    name: "relay",
    baseUrl,
    rootUrl: baseUrl,
    timeouts: { ...PATIENT, ...timeouts },
    ...more,
  };
  return upstream as unknown as Upstream;
}

/** Notes all events in order. */
class Collected implements AnswerSink {
  events: string[] = [];
  body = "";
  headers: string[] = [];
  trailers: string[] = [];
  error: BellwetherError | undefined;
  ends = 0;
  /** What is done with each piece of the body. */
  onPiece: (piece: string) => boolean = () => true;
  onBegin: () => boolean = () => true;
  #resolve: () => void = () => undefined;
  readonly over = new Promise<void>((resolve) => {
    this.#resolve = resolve;
  });

  onInformation(status: number, headers: string[]): void {
    this.events.push(`${status} ${headers.join("=")}`);
  }

  onHead(status: number, statusText: string, headers: string[]): boolean {
    this.events.push(`${status} ${statusText}`);
    this.headers = headers;
    return this.onBegin();
  }

  onData(chunk: Uint8Array): boolean {
    const piece = Buffer.from(chunk).toString("latin1");
    this.body += piece;
    return this.onPiece(piece);
  }

  onEnd(trailers: string[]): void {
    this.ends++;
    this.trailers = trailers;
    this.events.push("end");
    this.#resolve();
  }

  onFail(error: BellwetherError): void {
    this.ends++;
    this.error = error;
    this.events.push(error.code);
    this.#resolve();
  }
}

interface Transport extends UpstreamTransport {
  retain(upstreams: Iterable<Upstream>): void;
}

describe("the transport", () => {
  function transport(): Transport {
    const created = new Http1Transport();
    cleanUps.push(() => void created.close());
    return created;
  }

  function begin(
    through: Transport,
    upstream: Upstream,
    request: Partial<UpstreamRequest> = {},
    sink = new Collected(),
  ): { sink: Collected; exchange: UpstreamExchange } {
    const whole = { method: "POST", path: "/v1/x", headers: [], body: Buffer.from("{}"), ...request };
    const exchange = through.send(upstream, whole, sink);
    cleanUps.push(() => exchange.abort());
    return { sink, exchange };
  }

  async function call(
    through: Transport,
    upstream: Upstream,
    request: Partial<UpstreamRequest> = {},
  ): Promise<Collected> {
    const { sink } = begin(through, upstream, request);
    await sink.over;
    return sink;
  }

  async function closing(server: RawServer): Promise<void> {
    await until(() => server.closed, 1);
    expect(server.open.size).toBe(0);
  }

  describe("sends", () => {
    it("method, path, headers as they are, and the body with its length", async () => {
      const { server, url } = await serverThat(`${OK}content-length: 0\r\n\r\n`);
      const body = Buffer.from("\xff\0{}", "latin1");
      await call(transport(), upstreamAt(url), {
        path: "/a?b=c",
        headers: ["X-Dup", "1", "x-dup", "\xe9"],
        body,
      });
      const [request = ""] = server.requests;
      expect(request.startsWith("POST /a?b=c HTTP/1.1\r\n")).toBe(true);
      expect(request).toContain(`host: ${new URL(url).host}\r\n`);
      expect(request).toContain("X-Dup: 1\r\nx-dup: \xe9\r\n");
      expect(request).toContain("content-length: 4\r\n");
      expect(request.endsWith("\r\n\r\n\xff\0{}")).toBe(true);
    });

    it("no body where there is none", async () => {
      const { server, url } = await serverThat(`${OK}content-length: 0\r\n\r\n`);
      await call(transport(), upstreamAt(url), { method: "GET", body: undefined });
      expect(server.requests[0]).not.toMatch(/content-length|transfer-encoding/i);
    });

    it("nothing of what would be read as another header", async () => {
      const { server, url } = await serverThat(`${OK}content-length: 0\r\n\r\n`);
      const headers = ["A", "b\r\nC: d"];
      expect((await call(transport(), upstreamAt(url), { headers })).error).toBeDefined();
      expect((await call(transport(), upstreamAt(url), { path: "/ HTTP/1.1\r\nC: d" })).error).toBeDefined();
      expect(server.requests).toEqual([]);
    });

    it("nothing before it has said so, on a new connection and on one that is used again", async () => {
      const { server, url } = await serverThat(`${OK}content-length: 0\r\n\r\n`);
      const seen: number[] = [];
      const through = new Http1Transport(() => seen.push(server.requests.length));
      cleanUps.push(() => void through.close());
      await call(through, upstreamAt(url));
      await call(through, upstreamAt(url));
      expect(seen).toEqual([0, 1]);
      expect(server.requests).toHaveLength(2);
    });

    it("and receives bodies of megabytes", async () => {
      const { server, url } = await serverThat((socket) => {
        socket.write(`${OK}content-length: ${8 * 2 ** 20}\r\n\r\n`);
        socket.write(Buffer.alloc(8 * 2 ** 20, "x"));
      });
      const sink = await call(transport(), upstreamAt(url), { body: Buffer.alloc(4 * 2 ** 20, "y") });
      expect(sink.body.length).toBe(8 * 2 ** 20);
      expect(server.requests[0]?.length).toBeGreaterThan(4 * 2 ** 20);
      expect(sink.events).toEqual(["200 OK", "end"]);
    });
  });

  describe("reads an answer", () => {
    it.each([
      ["with a length", `${OK}content-length: 5\r\n\r\nwhole`, false],
      ["in chunks", `${OK}transfer-encoding: chunked\r\n\r\n2;x=y\r\nwh\r\n3\r\nole\r\n0\r\n\r\n`, false],
      ["that ends with its connection", `${OK}\r\nwhole`, true],
      ["with a length that closes", `${OK}connection: close\r\ncontent-length: 5\r\n\r\nwhole`, true],
      ["of HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nwhole", true],
    ])("%s, in one piece and byte by byte", async (_, wire, ends) => {
      for (const cut of [false, true]) {
        const { url } = await serverThat(async (socket) => {
          socket.setNoDelay(true);
          for (const piece of cut ? wire : [wire]) {
            socket.write(piece, "latin1");
            if (cut) await new Promise((resolve) => setImmediate(resolve));
          }
          if (ends) socket.end();
        });
        const sink = await call(transport(), upstreamAt(url));
        expect(sink.events).toEqual(["200 OK", "end"]);
        expect(sink.body).toBe("whole");
      }
    });

    it("with trailers", async () => {
      const { url } = await serverThat(
        `${OK}Transfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\nX-Sum: 2\r\n\r\n`,
      );
      const sink = await call(transport(), upstreamAt(url));
      expect(sink.trailers).toEqual(["X-Sum", "1", "X-Sum", "2"]);
    });

    it("with its headers as they came", async () => {
      const { url } = await serverThat(
        `${OK}X-Dup: 1\r\nx-dup:2\r\nX-E: \xe9\r\nX-No:\r\ncontent-length: 0\r\n\r\n`,
      );
      const sink = await call(transport(), upstreamAt(url));
      expect(sink.headers).toEqual([
        "X-Dup",
        "1",
        "x-dup",
        "2",
        "X-E",
        "\xe9",
        "X-No",
        "",
        "content-length",
        "0",
      ]);
    });

    it("after news of progress", async () => {
      const { url } = await serverThat(
        `HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n${OK}content-length: 0\r\n\r\n`,
      );
      const sink = await call(transport(), upstreamAt(url));
      expect(sink.events).toEqual(["103 link=a", "200 OK", "end"]);
    });

    it("to HEAD, and of 204 and 304, without a body, and uses the connection again", async () => {
      const { server, url } = await serverThat((socket, count) => {
        socket.write(`HTTP/1.1 ${[200, 204, 304][count - 1] ?? 204} X\r\nconnection: keep-alive\r\n`);
        socket.write(count === 2 ? "\r\n" : "content-length: 5\r\n\r\n");
      });
      const through = transport();
      const upstream = upstreamAt(url);
      const none = { body: undefined };
      expect((await call(through, upstream, { method: "HEAD", ...none })).events).toEqual(["200 X", "end"]);
      expect((await call(through, upstream, { method: "GET", ...none })).events).toEqual(["204 X", "end"]);
      expect((await call(through, upstream, { method: "GET", ...none })).events).toEqual(["304 X", "end"]);
      expect(server.opened).toBe(1);
    });
  });

  describe("keeps connections", () => {
    const answer = `${OK}content-length: 2\r\n\r\nok`;

    it("and uses one again", async () => {
      const { server, url } = await serverThat(answer);
      const through = transport();
      const upstream = upstreamAt(url);
      for (let at = 0; at < 20; at++) expect((await call(through, upstream)).body).toBe("ok");
      expect(server.opened).toBe(1);
    });

    it("of many calls at a time apart", async () => {
      const { server, url } = await serverThat(async (socket, count) => {
        await pause(count % 7);
        socket.write(`${OK}content-length: 2\r\n\r\nok`);
      });
      const through = transport();
      const upstream = upstreamAt(url);
      for (let round = 0; round < 3; round++) {
        const sinks = await Promise.all(Array.from({ length: 100 }, () => call(through, upstream)));
        for (const { body, events } of sinks) expect([body, ...events]).toEqual(["ok", "200 OK", "end"]);
      }
      expect(server.requests.length).toBe(300);
      expect(server.opened).toBeLessThanOrEqual(200);
    });

    it.each([
      ["that says it closes", `${OK}connection: close\r\ncontent-length: 2\r\n\r\nok`],
      ["whose patience is short", `${OK}keep-alive: timeout=1\r\ncontent-length: 2\r\n\r\nok`],
    ])("but not one %s", async (_, wire) => {
      const { server, url } = await serverThat(wire);
      const through = transport();
      const upstream = upstreamAt(url);
      for (let at = 0; at < 2; at++) {
        expect((await call(through, upstream)).body).toBe("ok");
        await until(() => server.open.size, 0);
      }
      expect(server.opened).toBe(2);
    });

    it("but not one with more bytes than the answer has", async () => {
      const { server, url } = await serverThat(`${answer}HTTP/1.1 200 Evil\r\ncontent-length: 0\r\n\r\n`);
      const through = transport();
      const upstream = upstreamAt(url);
      for (let at = 0; at < 2; at++) {
        const { sink } = begin(through, upstream);
        await until(() => sink.ends, 1);
        expect(sink.events[0]).toBe("200 OK");
        await until(() => server.open.size, 0);
      }
      expect(server.opened).toBe(2);
    });

    it("but not one that says something unasked", async () => {
      const { server, url } = await serverThat((socket) => {
        socket.write(answer);
        setTimeout(() => socket.write("HTTP/1.1 200 Evil\r\ncontent-length: 0\r\n\r\n"), 30);
      });
      const through = transport();
      const upstream = upstreamAt(url);
      await call(through, upstream);
      await until(() => server.open.size, 0);
      expect((await call(through, upstream)).events).toEqual(["200 OK", "end"]);
    });

    it("but not one that the server has closed", async () => {
      const { server, url } = await serverThat((socket) => {
        socket.write(answer);
        setTimeout(() => socket.destroy(), 30);
      });
      const through = transport();
      const upstream = upstreamAt(url);
      await call(through, upstream);
      await until(() => server.open.size, 0);
      await pause(20);
      expect((await call(through, upstream)).events).toEqual(["200 OK", "end"]);
      expect(server.opened).toBe(2);
    });

    it("of upstreams in use; those of others are closed once their calls are over", async () => {
      const { server, url } = await serverThat((socket, count) => {
        if (count > 1) socket.write(answer);
      });
      const through = transport();
      const upstream = upstreamAt(url);
      const { sink } = begin(through, upstream);
      await until(() => server.requests.length, 1);
      through.retain([]);
      server.latest?.write(answer);
      await sink.over;
      expect(sink.events).toEqual(["200 OK", "end"]);
      await until(() => server.open.size, 0);
      through.retain([upstream]);
      expect((await call(through, upstream)).body).toBe("ok");
      through.retain([upstream]);
      expect(server.open.size).toBe(1);
    });

    it("until it is closed, which waits for calls in flight", async () => {
      const { server, url } = await serverThat((socket, count) => {
        if (count === 1) socket.write(answer);
      });
      const through = transport();
      const upstream = upstreamAt(url);
      await call(through, upstream);
      const { sink } = begin(through, upstream);
      await until(() => server.requests.length, 2);
      const closed = through.close().then(() => sink.events.slice());
      server.latest?.write(answer);
      expect(await closed).toEqual(["200 OK", "end"]);
      await until(() => server.open.size, 0);
    });
  });

  describe("fails a call", () => {
    it("as unreachable when nothing listens, and says why", async () => {
      const { port } = await new Promise<AddressInfo>((resolve) => {
        const server = createServer().listen(0, "127.0.0.1", () => {
          const address = server.address() as AddressInfo;
          server.close(() => resolve(address));
        });
      });
      const { error } = await call(transport(), upstreamAt(`http://127.0.0.1:${port}`));
      expect(error?.code).toBe("upstream_unreachable");
      expect(error?.message).toContain("ECONNREFUSED");
    });

    it("as misconfigured when what was to be sent is no HTTP, and sends nothing", async () => {
      const { server, url } = await serverThat(() => undefined);
      const { error } = await call(transport(), upstreamAt(url), { headers: ["x-team", "a\r\nb: c"] });
      expect(error?.code).toBe("upstream_misconfigured");
      expect(error?.message).toMatch(/relay .*the header x-team has an invalid character/);
      expect(server.opened).toBe(0);
    });

    it("as unreachable when the name is unknown", async () => {
      const { error } = await call(transport(), upstreamAt("http://nothing.invalid"));
      expect(error?.code).toBe("upstream_unreachable");
      expect(error?.message).toMatch(/ENOTFOUND|EAI_AGAIN/);
    });

    it.each([
      ["before the answer", ""],
      ["amid the head", `${OK}content-`],
      ["amid a sized body", `${OK}content-length: 9\r\n\r\npart`],
      ["amid a chunk", `${OK}transfer-encoding: chunked\r\n\r\n9\r\npart`],
      ["before the last chunk", `${OK}transfer-encoding: chunked\r\n\r\n4\r\npart\r\n`],
    ])("as reset when the connection ends or is reset %s", async (_, wire) => {
      for (const how of ["end", "resetAndDestroy"] as const) {
        const { url } = await serverThat((socket) => {
          socket.write(wire);
          setTimeout(() => socket[how](), 20);
        });
        const sink = await call(transport(), upstreamAt(url));
        expect(sink.events.at(-1)).toBe("upstream_reset");
        expect(sink.ends).toBe(1);
      }
    });

    it("as reset when the connection is reset amid an answer that would end with it", async () => {
      const { server, url } = await serverThat(`${OK}\r\npart`);
      const { sink } = begin(transport(), upstreamAt(url));
      await until(() => sink.body, "part");
      server.latest?.resetAndDestroy();
      await sink.over;
      expect(sink.events).toEqual(["200 OK", "upstream_reset"]);
    });

    it.each([
      ["another protocol", "SSH-2.0-OpenSSH\r\n"],
      ["two lengths", `${OK}content-length: 1\r\ncontent-length: 2\r\n\r\nab`],
      ["a length with chunks", `${OK}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
      ["a bare line feed", "HTTP/1.1 200 OK\nA: b\n\n"],
      ["a blank before the colon", `${OK}A : b\r\n\r\n`],
      ["an endless head", `${OK}A: ${"b".repeat(70_000)}\r\n\r\n`],
      ["a bad chunk", `${OK}transfer-encoding: chunked\r\n\r\nzz\r\n`],
      ["a chunk that is too long", `${OK}transfer-encoding: chunked\r\n\r\n1\r\nab\r\n`],
    ])("as malformed when it gets %s, and closes the connection", async (_, wire) => {
      const { server, url } = await serverThat(wire);
      const sink = await call(transport(), upstreamAt(url));
      expect(sink.error?.code).toBe("upstream_malformed");
      expect(sink.ends).toBe(1);
      await until(() => server.open.size, 0);
    });

    it("when the protocol is switched unasked", async () => {
      const { url } = await serverThat("HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
      expect((await call(transport(), upstreamAt(url))).error?.status).toBe(502);
    });
  });

  describe("loses patience", () => {
    // Time passes here only when the test says so, however long the sockets take.
    const LIMIT = 1_000;
    const MOST_OF_IT = 900;

    beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
    afterEach(() => void vi.useRealTimers());

    /** Lets time pass bit by bit, and what it brings about happen. */
    async function pass(ms: number): Promise<void> {
      for (let left = ms; left > 0; left -= 10) {
        vi.advanceTimersByTime(Math.min(10, left));
        await new Promise((resolve) => setImmediate(resolve));
      }
    }

    it("while it connects", async () => {
      // The TLS handshake is never answered.
      const { server, url } = await serverThat(() => undefined);
      const upstream = upstreamAt(url.replace("http:", "https:"), { connect: LIMIT });
      const { sink } = begin(transport(), upstream);
      await soon(() => server.opened, 1);
      await pass(MOST_OF_IT);
      expect(sink.events).toEqual([]);
      await pass(LIMIT);
      expect(sink.events).toEqual(["upstream_connect_timeout"]);
    });

    it("before the first byte", async () => {
      const { server, url } = await serverThat(() => undefined);
      const { sink } = begin(transport(), upstreamAt(url, { firstByte: LIMIT }));
      await soon(() => server.requests.length, 1);
      await pass(MOST_OF_IT);
      expect(sink.events).toEqual([]);
      await pass(LIMIT);
      expect(sink.events).toEqual(["upstream_first_byte_timeout"]);
      await soon(() => server.open.size, 0);
    });

    it("between bytes", async () => {
      const { server, url } = await serverThat(`${OK}\r\nsoon`);
      const { sink } = begin(transport(), upstreamAt(url, { idle: LIMIT }));
      await soon(() => sink.body, "soon");
      await pass(MOST_OF_IT);
      expect(sink.events).toEqual(["200 OK"]);
      await pass(LIMIT);
      expect(sink.events).toEqual(["200 OK", "upstream_idle_timeout"]);
      await soon(() => server.open.size, 0);
    });

    it("with an answer that never ends", async () => {
      const { server, url } = await serverThat(`${OK}\r\n`);
      const { sink } = begin(transport(), upstreamAt(url, { total: 2.5 * LIMIT, idle: LIMIT }));
      await soon(() => sink.events, ["200 OK"]);
      for (const sent of [".", ".."]) {
        await pass(MOST_OF_IT);
        server.latest?.write(".");
        await soon(() => sink.body, sent);
      }
      expect(sink.events).toEqual(["200 OK"]);
      await pass(MOST_OF_IT);
      expect(sink.events).toEqual(["200 OK", "upstream_total_timeout"]);
    });

    it("but not with what makes progress", async () => {
      const { server, url } = await serverThat(() => undefined);
      const { sink } = begin(transport(), upstreamAt(url, { firstByte: LIMIT, idle: LIMIT }));
      await soon(() => server.requests.length, 1);
      await pass(MOST_OF_IT);
      server.latest?.write("HTTP/1.1 102 Processing\r\n\r\n");
      await soon(() => sink.events, ["102 "]);
      await pass(MOST_OF_IT);
      server.latest?.write(`${OK}\r\n`);
      await soon(() => sink.events, ["102 ", "200 OK"]);
      for (const sent of [".", ".."]) {
        await pass(MOST_OF_IT);
        server.latest?.write(".");
        await soon(() => sink.body, sent);
      }
      await pass(MOST_OF_IT);
      server.latest?.end();
      await sink.over;
      expect(sink.events).toEqual(["102 ", "200 OK", "end"]);
    });

    it("not with an upstream that waits for a slow client", async () => {
      const { server, url } = await serverThat(`${OK}\r\nfirst`);
      const sink = new Collected();
      sink.onPiece = () => false;
      const { exchange } = begin(transport(), upstreamAt(url, { idle: LIMIT }), {}, sink);
      await soon(() => sink.body, "first");
      server.latest?.end(", then");
      await pass(6 * LIMIT);
      sink.onPiece = () => true;
      exchange.resume();
      await sink.over;
      expect([sink.body, ...sink.events]).toEqual(["first, then", "200 OK", "end"]);
    });

    it("of each of many at its own time", async () => {
      const { server, url } = await serverThat(() => undefined);
      const through = transport();
      const order: number[] = [];
      for (const firstByte of [600, 100, 350]) {
        void call(through, upstreamAt(url, { firstByte })).then(() => order.push(firstByte));
      }
      await soon(() => server.requests.length, 3);
      await pass(100);
      expect(order).toEqual([100]);
      await pass(249);
      expect(order).toEqual([100]);
      await pass(1);
      expect(order).toEqual([100, 350]);
      await pass(250);
      expect(order).toEqual([100, 350, 600]);
    });
  });

  describe("gives up", () => {
    it("while it connects", async () => {
      const { server, url } = await serverThat(() => undefined);
      const { sink, exchange } = begin(transport(), upstreamAt(url.replace("http:", "https:")));
      await until(() => server.opened, 1);
      exchange.abort();
      await closing(server);
      expect(sink.events).toEqual([]);
    });

    it("at once", async () => {
      const { url } = await serverThat(`${OK}content-length: 0\r\n\r\n`);
      const through = transport();
      const upstream = upstreamAt(url);
      await call(through, upstream);
      const left: Collected[] = [];
      for (let at = 0; at < 2; at++) {
        const { sink, exchange } = begin(through, upstream);
        exchange.abort();
        exchange.abort();
        exchange.resume();
        left.push(sink);
        expect((await call(through, upstream)).events).toEqual(["200 OK", "end"]);
      }
      expect(left.map((sink) => sink.events)).toEqual([[], []]);
    });

    it.each([
      ["before the answer", "", []],
      ["amid the body", `${OK}content-length: 9\r\n\r\npart`, ["200 OK"]],
    ])("%s, and closes the connection", async (_, wire, events) => {
      const { server, url } = await serverThat(wire);
      const { sink, exchange } = begin(transport(), upstreamAt(url));
      await until(() => server.requests.length, 1);
      await until(() => sink.events, events);
      exchange.abort();
      await closing(server);
      expect(sink.events).toEqual(events);
    });

    it("while it is paused", async () => {
      const { server, url } = await serverThat(`${OK}transfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n`);
      const sink = new Collected();
      sink.onPiece = () => false;
      const { exchange } = begin(transport(), upstreamAt(url), {}, sink);
      await until(() => sink.body.length > 0, true);
      const { body } = sink;
      exchange.abort();
      exchange.resume();
      await closing(server);
      expect([sink.body, ...sink.events]).toEqual([body, "200 OK"]);
    });

    it.each(["onBegin", "onPiece"] as const)("amid an event (%s)", async (event) => {
      const { server, url } = await serverThat(
        `${OK}transfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n`,
      );
      const sink = new Collected();
      const { exchange } = begin(transport(), upstreamAt(url), {}, sink);
      sink[event] = () => {
        exchange.abort();
        return true;
      };
      await until(() => sink.events, ["200 OK"]);
      await closing(server);
      expect([sink.body, ...sink.events]).toEqual([event === "onBegin" ? "" : "a", "200 OK"]);
    });
  });

  describe("waits for a slow sink", () => {
    it("at each piece, and loses none", async () => {
      const pieces = Array.from({ length: 200 }, (_, at) => `${at},`);
      const chunks = pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join("");
      const { url } = await serverThat(`${OK}transfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
      const sink = new Collected();
      const { exchange } = begin(transport(), upstreamAt(url), {}, sink);
      sink.onPiece = () => {
        setImmediate(() => exchange.resume());
        return false;
      };
      sink.onBegin = () => sink.onPiece("");
      await sink.over;
      expect([sink.body, ...sink.events]).toEqual([pieces.join(""), "200 OK", "end"]);
    });

    it("and does not read on", async () => {
      let sent = 0;
      const total = 64 * 2 ** 20;
      const { url } = await serverThat((socket) => {
        socket.write(`${OK}content-length: ${total}\r\n\r\n`);
        const piece = Buffer.alloc(64 * 1024, ".");
        const more = (): void => {
          if (sent >= total) return;
          sent += piece.length;
          if (socket.write(piece)) setImmediate(more);
          else socket.once("drain", more);
        };
        more();
      });
      const sink = new Collected();
      sink.onPiece = () => false;
      const { exchange } = begin(transport(), upstreamAt(url), {}, sink);
      await until(() => sink.body.length > 0, true);
      let before = -1;
      for (let still = 0; still < 5; still = sent === before ? still + 1 : 0) {
        before = sent;
        await pause(20);
      }
      expect(sink.body.length).toBeLessThan(256 * 1024);
      expect(sent).toBeLessThan(total);
      sink.onPiece = () => true;
      exchange.resume();
      await sink.over;
      expect(sink.body.length).toBe(total);
    });

    it("through the end of the connection", async () => {
      const { url } = await serverThat((socket) => socket.end(`${OK}\r\nwhole`));
      const sink = new Collected();
      const { exchange } = begin(transport(), upstreamAt(url), {}, sink);
      sink.onPiece = () => false;
      await until(() => sink.body, "whole");
      await pause(50);
      exchange.resume();
      await sink.over;
      expect(sink.events).toEqual(["200 OK", "end"]);
    });
  });

  describe("speaks TLS", () => {
    async function tlsServer(): Promise<{ server: RawServer; url: string; ca: string }> {
      const folder = mkdtempSync(join(tmpdir(), "bellwether-tls-"));
      cleanUps.push(() => rmSync(folder, { recursive: true }));
      const at = (name: string): string => join(folder, name);
      const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
      const kind = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
      ];
      execFileSync("openssl", [...kind, ...subject, "-keyout", at("key"), "-out", at("cert")], {
        stdio: "pipe",
      });
      const ca = readFileSync(at("cert"), "utf8");
      const server = new RawServer((socket) =>
        socket.write(`${OK}content-length: 70000\r\n\r\n${"x".repeat(70_000)}`),
      );
      const options = { key: readFileSync(at("key")), cert: ca, ALPNProtocols: ["h2", "http/1.1"] };
      const port = await server.listen(createTlsServer(options, server.accept));
      return { server, url: `https://localhost:${port}`, ca };
    }

    it("with upstreams whose authority it was told to trust, by name and by address", async () => {
      const { server, url, ca } = await tlsServer();
      const through = transport();
      for (const base of [url, url.replace("localhost", "127.0.0.1")]) {
        const upstream = upstreamAt(base, {}, { ca });
        for (let at = 0; at < 3; at++) {
          const sink = await call(through, upstream);
          expect(sink.error?.message).toBeUndefined();
          expect([sink.body.length, ...sink.events]).toEqual([70_000, "200 OK", "end"]);
        }
      }
      expect(server.opened).toBe(2);
    });

    it("and pauses amid it", async () => {
      const { url, ca } = await tlsServer();
      const sink = new Collected();
      const { exchange } = begin(transport(), upstreamAt(url, {}, { ca }), {}, sink);
      sink.onPiece = () => {
        setTimeout(() => exchange.resume(), 2);
        return false;
      };
      await sink.over;
      expect([sink.body.length, ...sink.events]).toEqual([70_000, "200 OK", "end"]);
    });

    it("and refuses upstreams whose certificate it cannot trust", async () => {
      const { server, url } = await tlsServer();
      const { error } = await call(transport(), upstreamAt(url));
      expect(error?.code).toBe("upstream_unreachable");
      expect(error?.message).toContain("DEPTH_ZERO_SELF_SIGNED_CERT");
      expect(server.requests).toEqual([]);
    });
  });

  it("sends again what may be repeated and met a closed connection, once", async () => {
    // Each connection answers once, and is reset by the second request.
    const { server, url } = await serverThat((socket) => {
      if (socket.bytesWritten > 0) socket.resetAndDestroy();
      else socket.write(`${OK}content-length: 2\r\n\r\nok`);
    });
    const through = transport();
    const upstream = upstreamAt(url);
    await call(through, upstream);
    expect((await call(through, upstream, { method: "GET", body: undefined })).body).toBe("ok");
    expect(server.requests.length).toBe(3);
    expect((await call(through, upstream)).error?.code).toBe("upstream_reset");
    expect(server.requests.length).toBe(4);
  });
});
