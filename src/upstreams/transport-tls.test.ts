/** A transport over TLS. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { describe, expect, it } from "vitest";
import {
  begin,
  Collected,
  call,
  cleanUps,
  OK,
  RawServer,
  transport,
  upstreamAt,
} from "../../test/helpers/transport-calls.ts";

describe("the transport speaks TLS", () => {
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
