import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { systemClock } from "../core/clock.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import { measureConnection } from "./connection.ts";

let folder: string;
let cert: string;
let key: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bellwether-tls-"));
  const [keyFile, certFile] = [join(folder, "key"), join(folder, "cert")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const kind = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9".split(" ");
  execFileSync("openssl", [...kind, ...subject, "-keyout", keyFile, "-out", certFile], { stdio: "pipe" });
  [cert, key] = [readFileSync(certFile, "utf8"), readFileSync(keyFile, "utf8")];
});
afterAll(() => rmSync(folder, { recursive: true }));

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

function measure(baseUrl: string, more: Partial<Upstream> = {}, signal = new AbortController().signal) {
  return measureConnection({ name: "relay", baseUrl, ...more } as Upstream, systemClock, signal);
}

const secure = () => createTlsServer({ key, cert }, (socket) => socket.on("error", () => undefined));

it("times look-up, connection and handshake, and reads how long the certificate is good", async () => {
  const port = await listening(secure());
  const measured = await measure(`https://localhost:${port}/v1`, { ca: cert });
  expect(measured.addresses).toContain("127.0.0.1");
  expect(measured.tlsMs).toBeGreaterThan(0);
  expect(measured.protocol).toBe("TLSv1.3");
  const days = ((measured.certificateExpiresAt ?? 0) - Date.now()) / 86_400_000;
  expect(days).toBeGreaterThan(8.9);
  expect(days).toBeLessThan(9.1);
});

it("plain HTTP has no handshake", async () => {
  const port = await listening(createServer());
  expect(await measure(`http://127.0.0.1:${port}`)).toMatchObject({
    tlsMs: undefined,
    certificateExpiresAt: undefined,
  });
});

it("goes through a proxy, as calls do", async () => {
  const port = await listening(secure());
  const asked: string[] = [];
  const proxy = createServer((client) => {
    client
      .on("error", () => undefined)
      .once("data", (head) => {
        asked.push(String(head));
        const onward = connect(port, "127.0.0.1", () => {
          client.write("HTTP/1.1 200 OK\r\n\r\n");
          client.pipe(onward).pipe(client);
        });
        onward.on("error", () => undefined);
      });
  });
  const through = `http://user:pass@127.0.0.1:${await listening(proxy)}`;
  const { tlsMs } = await measure("https://localhost:1/v1", { ca: cert, proxy: through });
  expect(tlsMs).toBeGreaterThan(0);
  expect(asked[0]).toMatch(/^CONNECT localhost:1 HTTP\/1.1\r\n/);
  expect(asked[0]).toContain("proxy-authorization: Basic dXNlcjpwYXNz\r\n");
});

it.each([
  [
    "a name that there is not",
    "https://nobody.invalid",
    "unreachable",
    /^the name nobody.invalid cannot be looked up \(E\w+\)$/,
  ],
  [
    "a port that nobody listens on",
    "http://127.0.0.1:1",
    "unreachable",
    /^127.0.0.1:1 does not accept a connection/,
  ],
])("%s", async (_name, baseUrl, outcome, message) => {
  await expect(measure(baseUrl)).rejects.toMatchObject({ outcome, message: expect.stringMatching(message) });
});

it("a certificate that nobody vouches for, and a server that does not speak TLS", async () => {
  const port = await listening(secure());
  await expect(measure(`https://localhost:${port}`)).rejects.toMatchObject({
    outcome: "unreachable",
    message: expect.stringMatching(/^TLS with localhost fails \(DEPTH_ZERO_SELF_SIGNED_CERT\)$/),
  });
  const plain = await listening(
    createServer((socket) =>
      socket
        .on("error", () => undefined)
        .resume()
        .end("SSH-2.0-x\r\n"),
    ),
  );
  await expect(measure(`https://localhost:${plain}`)).rejects.toMatchObject({ outcome: "unreachable" });
});

it("a server that accepts and then says nothing is left in time", async () => {
  const port = await listening(createServer((socket) => socket.on("error", () => undefined).resume()));
  await expect(measure(`https://localhost:${port}`, {}, AbortSignal.timeout(50))).rejects.toMatchObject({
    outcome: "timeout",
  });
});
