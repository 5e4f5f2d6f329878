/** How the program stops: in order when asked once, at once when asked twice, and whoever listens to it or not. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { type Product, type ProductOptions, startProduct } from "../helpers/product.ts";
import { header, RawClient, request } from "../helpers/raw-client.ts";
import { until } from "../helpers/until.ts";

const started: Product[] = [];
afterEach(async () => {
  for (const product of started.splice(0)) await product.close();
});

async function start(options: ProductOptions = {}): Promise<Product> {
  const product = await startProduct(options);
  started.push(product);
  return product;
}

const messages = [{ role: "user", content: "Who leads the flock?" }];
const stream = JSON.stringify({ model: "gpt-4.1", messages, stream: true });

/** A stream that has begun and goes on as `knobs` say. */
async function streaming(product: Product, knobs: string): Promise<RawClient> {
  const bytes = request("POST", "/v1/chat/completions", [`X-Sandbox: ${knobs}`], stream);
  const client = await RawClient.open(product.url, bytes);
  await client.until((text) => text.includes("data: "), "the first event");
  return client;
}

const refused = async (url: string): Promise<boolean> => {
  try {
    (await RawClient.connect(url)).close();
    return false;
  } catch {
    return true;
  }
};

const lines = (product: Product): Record<string, unknown>[] =>
  product.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("SIGTERM", () => {
  it("lets a running stream finish while nothing new is accepted, and exits with 0", async () => {
    const product = await start();
    const client = await streaming(product, "tokensPerSecond=100; output=100");
    // A request that has begun to arrive is served, and hears that it should not come again.
    const late = await RawClient.open(product.url, "GET /readyz HTTP/1.1\r\nHost: x\r\n");
    const idle = await RawClient.open(product.url, request("GET", "/readyz"));
    expect((await idle.answer("GET")).status).toBe(200);
    product.process.kill("SIGTERM");
    await until(() => refused(product.url), true);
    await idle.end();
    await late.send("\r\n");
    const readiness = await late.answer("GET");
    expect([readiness.status, header(readiness.headers, "connection")]).toEqual([503, "close"]);
    expect(readiness.body.toString()).toContain("shutting down");
    const answer = await client.answer();
    expect(answer.complete).toBe(true);
    expect(answer.body.toString().endsWith("data: [DONE]\n\n")).toBe(true);
    // Its connection would be kept alive, but for the end of the gateway.
    await client.end();
    expect(await product.ended).toBe(0);
    expect(lines(product).filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it("cuts what has not finished in time, and exits with 1", async () => {
    const product = await start({ config: { server: { shutdown: { drain: "200ms" } } } });
    const client = await streaming(product, "hang=stream; after=3");
    product.process.kill("SIGTERM");
    const answer = await client.answer();
    expect([answer.status, answer.complete]).toEqual([200, false]);
    expect(await product.ended).toBe(1);
    expect(lines(product).filter(({ error }) => error === "client_gone")).toHaveLength(1);
  });

  it("sent twice exits at once", async () => {
    const product = await start();
    await streaming(product, "hang=stream; after=3");
    product.process.kill("SIGTERM");
    await until(() => refused(product.url), true);
    product.process.kill("SIGTERM");
    expect(await product.ended).toBe(130);
  });

  it("with nothing to do exits with 0, whatever connections are idle", async () => {
    const product = await start();
    const client = await RawClient.open(product.url, request("GET", "/v1/models"));
    expect((await client.answer("GET")).status).toBe(200);
    product.process.kill("SIGTERM");
    expect(await product.ended).toBe(0);
    await client.end();
  });

  it("keeps the lines of calls whose tokens are still being estimated", async () => {
    const product = await start({ upstream: { includeUsage: false } });
    const client = await streaming(product, "tokensPerSecond=400; output=100; usage=none");
    product.process.kill("SIGTERM");
    expect((await client.answer()).complete).toBe(true);
    expect(await product.ended).toBe(0);
    expect(lines(product).filter(({ usage }) => usage === "estimated")).toHaveLength(1);
  });
});

describe("kill -9", () => {
  it("cuts streams visibly, and the port is free for the next start", async () => {
    const product = await start();
    const client = await streaming(product, "hang=stream; after=3");
    product.process.kill("SIGKILL");
    expect((await client.answer()).complete).toBe(false);
    expect(await product.ended).toBe("SIGKILL");
    const port = Number(new URL(product.url).port);
    const next = await start({ config: { server: { port } } });
    expect((await fetch(`${next.url}/readyz`)).status).toBe(200);
  });
});

describe("a port that is taken", () => {
  it("is told in one line that says what to do", async () => {
    const product = await start();
    const port = new URL(product.url).port;
    const program = fileURLToPath(new URL("../../bin/bellwether.js", import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [program, "serve", "--port", port], {
      encoding: "utf8",
      env: { PATH: process.env.PATH },
    });
    expect(status).toBe(1);
    expect(stderr).toContain(port);
    expect(stderr).toMatch(/--port/);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});

describe("standard output", () => {
  const call = async (product: Product): Promise<number> => {
    const body = JSON.stringify({ model: "gpt-4.1", messages, max_tokens: 1 });
    const response = await fetch(`${product.url}/v1/chat/completions`, { method: "POST", body });
    await response.arrayBuffer();
    return response.status;
  };

  it("that nobody reads does not stop traffic, nor the end", async () => {
    const product = await start({ readStdout: false });
    // A pipe holds 64 KiB and more; a line has some 400 bytes.
    for (let calls = 0; calls < 1_500; calls += 50) {
      const statuses = await Promise.all(Array.from({ length: 50 }, () => call(product)));
      expect(new Set(statuses)).toEqual(new Set([200]));
    }
    product.process.kill("SIGTERM");
    await until(() => product.process.exitCode, 0);
  });

  it("and standard error that are closed do not stop traffic, nor an orderly end", async () => {
    const product = await start();
    const client = await streaming(product, "tokensPerSecond=100; output=100");
    product.process.stdout.destroy();
    product.process.stderr.destroy();
    for (let calls = 0; calls < 100; calls++) expect(await call(product)).toBe(200);
    product.process.kill("SIGTERM");
    expect((await client.answer()).complete).toBe(true);
    await until(() => product.process.exitCode, 0);
  });
});
