/** What a transport does, over real sockets. */
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import {
  begin,
  Collected,
  call,
  cleanUps,
  OK,
  serverThat,
  transport,
  upstreamAt,
} from "../../test/helpers/transport-calls.ts";
import { until } from "../../test/helpers/until.ts";
import { Http1Transport } from "./http1/transport.ts";

describe("the transport", () => {
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
