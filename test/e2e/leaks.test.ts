/** Nothing stays behind: no sockets, no memory, whatever went wrong; and nothing secret gets out. */
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { startGateway, type TestGateway, total } from "../helpers/gateway.ts";
import { queuedInKernel, TELLS_QUEUES } from "../helpers/kernel-queues.ts";
import { type Product, startProduct } from "../helpers/product.ts";
import { header, RawClient, request } from "../helpers/raw-client.ts";
import { until } from "../helpers/until.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function heapUsed(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

const messages = [{ role: "user", content: "Who leads the flock?" }];
const chat = (more: object = {}): string =>
  JSON.stringify({ model: "gpt-4.1", messages, max_tokens: 20, ...more });
const JSON_TYPE = "Content-Type: application/json";

describe("after hundreds of calls that went wrong", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({
      upstream: { timeouts: { firstByte: "150ms", idle: "150ms" } },
      server: { bodyLimit: "64KiB" },
    });
  });
  afterAll(() => gateway.close());

  const post = (knobs: string, body = chat(), headers: readonly string[] = []): Buffer =>
    request("POST", "/v1/chat/completions", [JSON_TYPE, `X-Sandbox: ${knobs}`, ...headers], body);
  const stream = chat({ stream: true });

  /** Sends, waits until the answer is over (complete or not), and leaves. */
  const toEnd = (bytes: Buffer) => async (): Promise<void> => {
    const client = await RawClient.open(gateway.url, bytes);
    await client.answer();
    client.close();
  };
  /** Sends, and leaves when `seen` has been received. */
  const leaving = (bytes: Buffer | string, seen: string) => async (): Promise<void> => {
    const client = await RawClient.open(gateway.url, bytes);
    await client.until((text) => text.includes(seen));
    client.reset();
  };

  const kinds: Readonly<Record<string, () => Promise<void>>> = {
    "clients that leave amid a stream": leaving(post("hang=stream; after=2", stream), "HTTP/1.1"),
    "clients that leave before an answer": leaving(post("hang=head"), ""),
    "clients that leave amid a body": leaving(post("", chat(), ["Content-Length: 60000"]), ""),
    "clients that leave amid a head": leaving("POST /v1/chat/completions HTTP/1.1\r\n", ""),
    "upstreams that say nothing": toEnd(post("hang=head")),
    "upstreams that fall silent": toEnd(post("hang=stream; after=2", stream)),
    "upstreams that reset": toEnd(post("reset=head")),
    "upstreams that reset amid a stream": toEnd(post("reset=stream; after=2", stream)),
    "upstreams that cut a compressed stream": toEnd(post("half=chunked; after=2; encoding=gzip", stream)),
    "upstreams that do not speak HTTP": toEnd(post("malformed=status-line")),
    "upstreams that break their chunks": toEnd(post("malformed=chunk")),
    "bodies that are too large": toEnd(post("", "x".repeat(70_000))),
    "requests that are ambiguous": toEnd(post("", chat(), ["Host: other"])),
    "requests that are not HTTP": toEnd(Buffer.from("garbage\r\n\r\n")),
    "calls that go well": toEnd(post("", stream)),
  };

  const AT_ONCE = 20;
  async function repeat(act: () => Promise<void>, times: number): Promise<void> {
    for (let done = 0; done < times; done += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, act));
  }

  const inFlight = async (): Promise<number> =>
    total(await gateway.samples(), "bellwether_requests_in_flight") + gateway.sandbox.books.inFlight;
  const openFiles = (): number => readdirSync("/proc/self/fd").length;
  it.each(Object.entries(kinds))("no socket and no memory stays of %s", async (_, act) => {
    await repeat(act, 40);
    await until(inFlight, 0);
    const files = openFiles();
    const used = heapUsed();
    await repeat(act, 160);
    await until(inFlight, 0);
    // Connections that are kept for the next call are as many as calls are made at once.
    if (process.platform === "linux") await until(() => openFiles() <= files + AT_ONCE, true);
    await until(() => heapUsed() - used < 160 * 10_000, true);
  });

  it("the gateway still serves", async () => {
    await gateway.configure({});
    const client = await RawClient.open(gateway.url, post(""));
    expect((await client.answer()).status).toBe(200);
    client.close();
  });
});

describe("a body in tiny chunks", () => {
  it("costs no more memory than others while it comes, and arrives as it is", async () => {
    const gateway = await startGateway();
    const client = await RawClient.open(
      gateway.url,
      request("POST", "/v1/echo", ["Transfer-Encoding: chunked", JSON_TYPE]),
    );
    const before = heapUsed();
    const chunks = Buffer.from("1\r\nx\r\n".repeat(100_000));
    for (let times = 0; times < 3; times++) await client.send(chunks);
    const port = Number(new URL(gateway.url).port);
    if (TELLS_QUEUES) await until(() => queuedInKernel([port]), 0);
    expect(heapUsed() - before).toBeLessThan(300_000 * 50);
    client.post("0\r\n\r\n");
    expect((await client.answer()).body.equals(Buffer.alloc(300_000, "x"))).toBe(true);
    client.close();
    await gateway.close();
  });
});

describe("what is secret", () => {
  const APP_KEY = "bw-APPKEY-4f1c9e";
  const UPSTREAM_KEY = "sk-UPSTREAMKEY-77aa01";
  const WRONG_KEY = "sk-WRONGKEY-d00d";
  const PROXY_PASSWORD = "PROXYPASSWORD-31";
  const PROMPT = "PROMPT-the-flock-is-led-by";
  const secrets = [APP_KEY, UPSTREAM_KEY, WRONG_KEY, PROXY_PASSWORD, PROMPT];

  let product: Product;
  let silent: Sandbox;
  beforeAll(async () => {
    silent = await startSandbox({ keys: "any", knobs: { hang: "head" } });
    const hash = createHash("sha256").update(APP_KEY).digest("hex");
    product = await startProduct({
      upstream: { apiKey: UPSTREAM_KEY },
      config: {
        server: { auth: "keys" },
        apps: [{ name: "shop", keys: [`sha256:${hash}`] }],
        log: { level: "trace" },
        models: { broken: { upstreams: ["broken"] }, silent: { upstreams: ["silent"] } },
      },
      upstreams: {
        silent: {
          ...{ baseUrl: `${silent.url}/v1`, apiKey: UPSTREAM_KEY },
          timeouts: { firstByte: "150ms" },
        },
        broken: {
          baseUrl: "http://127.0.0.1:1/v1",
          apiKey: UPSTREAM_KEY,
          proxy: `http://user:${PROXY_PASSWORD}@127.0.0.1:1`,
        },
      },
    });
  });
  afterAll(async () => {
    await product.close();
    await silent.close();
  });

  it("is in no log line, metric, page or error of the gateway's own", async () => {
    const said: string[] = [];
    const ask = async (bytes: Buffer | string, own: boolean): Promise<void> => {
      const client = await RawClient.open(product.url, bytes);
      const { body, headers } = await client.answer();
      client.close();
      if (own) said.push(body.toString(), headers.join("\n"));
    };
    const body = (more: object = {}): string =>
      JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content: PROMPT }], ...more });
    const post = (headers: readonly string[], text = body(), path = "/v1/chat/completions"): Buffer =>
      request("POST", path, [JSON_TYPE, ...headers], text);
    const key = `Authorization: Bearer ${APP_KEY}`;
    await ask(post([key]), false);
    await ask(post([key], body({ stream: true })), false);
    await ask(post([`X-Api-Key: ${APP_KEY}`], body(), "/v1/messages"), false);
    await ask(request("GET", `/v1/models?key=${APP_KEY}`), false);
    await ask(post([`Authorization: Bearer ${WRONG_KEY}`]), true);
    await ask(post([`X-Goog-Api-Key: ${WRONG_KEY}`], body(), "/v1beta/models/x:generateContent"), true);
    await ask(request("POST", `/v1/chat/completions?key=${WRONG_KEY}`, [], body()), true);
    await ask(request("POST", `/nowhere?key=${APP_KEY}`, [], body()), true);
    await ask(post([key], body({ model: "silent" })), true);
    await ask(post([key, "X-Sandbox: malformed=header"]), true);
    await ask(post([key, "X-Sandbox: reset=head"]), true);
    await ask(post([key], body({ model: "broken" })), true);
    await ask(post([key, key, "Host: other"]), true);
    await ask(`POST /v1/x HTTP/1.1\r\n${key}\r\nbroken header ${APP_KEY}\r\n\r\n${PROMPT}`, true);
    await ask(`${PROMPT} ${APP_KEY}\r\n\r\n`, true);
    for (const path of [
      "/health",
      "/readyz",
      "/",
      "/metrics",
      "/metrics?profile=llm",
      "/metrics?profile=genai",
    ]) {
      const response = await fetch(product.url + path);
      said.push(await response.text(), [...response.headers].join("\n"));
    }
    const settled = 15;
    product.process.kill("SIGTERM");
    expect(await product.ended).toBe(0);
    const lines = product.stdout.split("\n").filter((line) => line !== "");
    const logged = lines.map((line) => JSON.parse(line) as { readonly msg: string; readonly status: number });
    const called = logged.filter(({ msg }) => msg === "call");
    expect(called).toHaveLength(settled);
    expect(new Set(called.map(({ status }) => status))).toEqual(new Set([200, 400, 401, 404, 502, 504]));
    const everything = [product.stdout, product.stderr, ...said].join("\n");
    for (const secret of secrets) {
      expect(everything.includes(secret), secret).toBe(false);
      expect(everything.includes(Buffer.from(secret).toString("base64").replace(/=+$/, "")), secret).toBe(
        false,
      );
    }
  });
});

describe("a model's name of 100 KB", () => {
  it("makes no long line, and no long error", async () => {
    const product = await startProduct({ config: { models: { only: { upstreams: ["relay"] } } } });
    const body = JSON.stringify({ model: `m${"x".repeat(100_000)}"\n`, messages });
    const client = await RawClient.open(
      product.url,
      request("POST", "/v1/chat/completions", [JSON_TYPE], body),
    );
    const answer = await client.answer();
    expect(header(answer.headers, "server-timing")).toContain("bellwether");
    client.close();
    product.process.kill("SIGTERM");
    expect(await product.ended).toBe(0);
    for (const line of product.stdout.split("\n")) expect(line.length).toBeLessThan(2_000);
    await product.close();
  });
});
