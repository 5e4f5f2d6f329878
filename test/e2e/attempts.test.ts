/** Calls that fail before their answer begins: tried again, or asked of the next upstream, and counted once. */
import OpenAI from "openai";
import { afterEach, describe, expect, it } from "vitest";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { startGateway, type TestConfig, type TestGateway, total } from "../helpers/gateway.ts";
import { freePort } from "../helpers/redis.ts";
import { until } from "../helpers/until.ts";

const messages = [{ role: "user" as const, content: "Who leads the flock?" }];
const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function gatewayWith(config: TestConfig): Promise<TestGateway> {
  const gateway = await startGateway(config);
  open.push(() => gateway.close());
  return gateway;
}

async function second(): Promise<Sandbox> {
  const sandbox = await startSandbox({});
  open.push(() => sandbox.close());
  return sandbox;
}

const chat = (url: string) =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: "any", maxRetries: 0 }).chat.completions.create({
    model: "gpt-4.1",
    messages,
  });

const retries = { attempts: 3, backoff: "10ms" };

describe("retries", () => {
  it("hide failures that pass, and tell of them in metrics", async () => {
    const upstream = { retries: { attempts: 10, backoff: "200ms" } };
    const { url, sandbox, samples, quiet } = await gatewayWith({ upstream });
    sandbox.set({ status: 503 });
    const call = chat(url);
    await until(() => sandbox.books.total({}).calls > 0, true);
    sandbox.reset();
    await call;
    await quiet();
    const page = await samples();
    const retried = total(page, "bellwether_retries_total", { upstream: "relay", reason: "upstream_5xx" });
    expect(retried).toBeGreaterThanOrEqual(1);
    expect(total(page, "bellwether_requests_total")).toBe(1);
    expect(total(page, "bellwether_requests_total", { status: "200" })).toBe(1);
  });

  it("end, and the client gets what the last attempt got; what is not worth repeating is not repeated", async () => {
    const { url, sandbox } = await gatewayWith({ upstream: { retries } });
    sandbox.set({ status: 500 });
    await expect(chat(url)).rejects.toMatchObject({ status: 500 });
    expect(sandbox.books.total({}).calls).toBe(3);
    sandbox.set({ status: 400 });
    await expect(chat(url)).rejects.toMatchObject({ status: 400 });
    expect(sandbox.books.total({}).calls).toBe(4);
    // Anthropic's way to say that it is overloaded.
    sandbox.set({ status: 529 });
    await expect(chat(url)).rejects.toMatchObject({ status: 529 });
    expect(sandbox.books.total({}).calls).toBe(7);
  });

  it("carry the client's idempotency key, the same each time", async () => {
    const gateway = await startGateway(
      { upstream: { retries: { attempts: 3, backoff: "1ms" } } },
      { record: true },
    );
    open.push(() => gateway.close());
    const headers = {
      "content-type": "application/json",
      "Idempotency-Key": "order-17",
      "x-sandbox": "status=503",
    };
    const body = JSON.stringify({ model: "gpt-4.1", messages });
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, { method: "POST", headers, body });
    await answer.arrayBuffer();
    const keys = gateway.sandbox.requests
      .filter(({ method }) => method === "POST")
      .map(
        ({ rawHeaders }) => rawHeaders[rawHeaders.findIndex((each) => /^idempotency-key$/i.test(each)) + 1],
      );
    expect([answer.status, keys]).toEqual([503, ["order-17", "order-17", "order-17"]]);
  });

  it("are at most a tenth of the calls when everything fails", async () => {
    const { url, sandbox } = await gatewayWith({ upstream: { retries } });
    sandbox.set({ status: 500 });
    for (let call = 0; call < 60; call++) await chat(url).catch(() => undefined);
    // Ten are saved up at the start.
    expect(sandbox.books.total({}).calls).toBeLessThanOrEqual(60 + 10 + 6);
  });

  it("stop when the client leaves between two attempts", async () => {
    const { url, sandbox, samples, quiet } = await gatewayWith({
      upstream: { retries: { attempts: 3, backoff: "1h" } },
    });
    sandbox.set({ status: 503 });
    const aborted = new AbortController();
    const call = fetch(`${url}/v1/chat/completions`, {
      ...{ method: "POST", signal: aborted.signal, headers: { "content-type": "application/json" } },
      body: JSON.stringify({ model: "gpt-4.1", messages }),
    }).catch(() => "left");
    await until(() => sandbox.books.total({}).calls, 1);
    aborted.abort();
    expect(await call).toBe("left");
    await quiet();
    expect(total(await samples(), "bellwether_requests_total", { status: "499" })).toBe(1);
  });
});

describe("fallbacks", () => {
  it("go down the list of a model's upstreams, each with its own key, and are counted where they end", async () => {
    const other = await second();
    const dead = await freePort();
    const { url, sandbox, samples, quiet } = await gatewayWith({
      upstreams: {
        dead: { baseUrl: `http://127.0.0.1:${dead}/v1`, apiKey: "dead-key" },
        backup: { baseUrl: `${other.url}/v1`, apiKey: SANDBOX_KEY },
      },
      models: { "gpt-4.1": { upstreams: ["relay", "dead", "backup"] } },
    });
    sandbox.set({ status: 500 });
    await chat(url);
    await quiet();
    expect(other.books.total({}).calls).toBe(1);
    const page = await samples();
    expect(
      total(page, "bellwether_fallbacks_total", { from: "relay", to: "dead", reason: "upstream_5xx" }),
    ).toBe(1);
    expect(
      total(page, "bellwether_fallbacks_total", { from: "dead", to: "backup", reason: "unreachable" }),
    ).toBe(1);
    expect(total(page, "bellwether_requests_total", { upstream: "backup", status: "200" })).toBe(1);
    expect(total(page, "bellwether_requests_total", { upstream: "relay" })).toBe(0);
    expect(total(page, "bellwether_requests_in_flight")).toBe(0);
  });

  it("do not follow a mistake of the client's", async () => {
    const other = await second();
    const { url, sandbox } = await gatewayWith({
      upstreams: { backup: { baseUrl: `${other.url}/v1`, apiKey: SANDBOX_KEY } },
      models: { "gpt-4.1": { upstreams: ["relay", "backup"] } },
    });
    sandbox.set({ status: 400 });
    await expect(chat(url)).rejects.toMatchObject({ status: 400 });
    expect(other.books.total({}).calls).toBe(0);
  });
});
