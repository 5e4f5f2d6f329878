/** How a transport's calls fail, time out and are given up. */
import { type AddressInfo, createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  begin,
  Collected,
  call,
  closing,
  OK,
  serverThat,
  transport,
  upstreamAt,
} from "../../test/helpers/transport-calls.ts";
import { soon, until } from "../../test/helpers/until.ts";

describe("the transport", () => {
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
});
