/** A call goes on at another model when nobody serves the one it asks for, and says so. */
import { afterEach, describe, expect, it } from "vitest";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { startGateway, type TestConfig, type TestGateway, total } from "../helpers/gateway.ts";
import { until } from "../helpers/until.ts";

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** gpt-4.1 at `relay`, which falls back to deepseek-v3.2 and then gpt-4.1-mini, both at `backup`. */
async function pair(config: TestConfig = {}): Promise<{ gateway: TestGateway; backup: Sandbox }> {
  const backup = await startSandbox({});
  open.push(() => backup.close());
  const gateway = await startGateway({
    upstream: { breaker: { consecutive: 2, openFor: "1m" } },
    upstreams: { backup: { baseUrl: `${backup.url}/v1`, apiKey: SANDBOX_KEY } },
    models: {
      "gpt-4.1": { upstreams: ["relay"], fallback: ["deepseek-v3.2"] },
      "deepseek-v3.2": { upstreams: ["backup"], fallback: ["gpt-4.1-mini"] },
      "gpt-4.1-mini": { upstreams: ["backup"] },
    },
    ...config,
  });
  open.push(() => gateway.close());
  return { gateway, backup };
}

async function chat({ url }: TestGateway, model = "gpt-4.1"): Promise<Response> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    ...{ method: "POST", headers: { "content-type": "application/json" } },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] }),
  });
  await response.text();
  return response;
}

const way = ({ headers }: Response): (string | null)[] =>
  ["route", "model", "upstream"].map((name) => headers.get(`x-bellwether-${name}`));

describe("a model with a fallback", () => {
  it("is left for it when its own upstreams fail, at once when their breakers are open, and counted there", async () => {
    const { gateway, backup } = await pair();
    expect(way(await chat(gateway))).toEqual([null, null, null]);
    gateway.sandbox.set({ status: 503 });
    for (let call = 0; call < 4; call++) {
      const response = await chat(gateway);
      expect(response.status).toBe(200);
      expect(way(response)).toEqual(["fallback:gpt-4.1", "deepseek-v3.2", "backup"]);
    }
    expect(gateway.sandbox.books.total({}).calls).toBe(3);
    expect(backup.books.total({ model: "deepseek-v3.2" }).completed).toBe(4);
    await gateway.quiet();
    const page = await gateway.samples();
    const there = { upstream: "backup", model: "deepseek-v3.2", status: "200" };
    expect(total(page, "bellwether_requests_total", there)).toBe(4);
    const fallbacks = (reason: string): number =>
      total(page, "bellwether_fallbacks_total", { from: "relay", to: "backup", reason });
    expect([fallbacks("upstream_5xx"), fallbacks("breaker")]).toEqual([2, 2]);
  });

  it("goes on along the chain, and the client hears of the last failure when all fail", async () => {
    const { gateway, backup } = await pair();
    gateway.sandbox.set({ status: 503 });
    backup.set({ failRate: 1, failWith: "502" });
    expect((await chat(gateway)).status).toBe(502);
    expect(backup.books.total({ model: "deepseek-v3.2" }).calls).toBe(1);
    expect(backup.books.total({ model: "gpt-4.1-mini" }).calls).toBe(1);
  });

  it("is not left for one that is not served in the API that the call speaks", async () => {
    const { gateway, backup } = await pair({
      models: {
        "claude-sonnet-4.5": { upstreams: ["relay"], fallback: ["deepseek-v3.2"] },
        "deepseek-v3.2": { upstreams: ["chat-only"] },
      },
      upstreams: { "chat-only": { baseUrl: "http://127.0.0.1:1/v1", dialects: ["openai-chat"] } },
    });
    gateway.sandbox.set({ status: 503 });
    const response = await fetch(`${gateway.url}/v1/messages`, {
      ...{
        method: "POST",
        headers: { "content-type": "application/json", "anthropic-version": "2023-06-01" },
      },
      body: JSON.stringify({
        ...{ model: "claude-sonnet-4.5", max_tokens: 9 },
        messages: [{ role: "user", content: "Hello" }],
      }),
    });
    expect(response.status).toBe(503);
    expect(backup.books.total({}).calls).toBe(0);
  });

  it("is left by its alias too, and by what a rule has chosen, whose name stays before it", async () => {
    const { gateway } = await pair({
      models: {
        auto: { route: true },
        good: { alias: "gpt-4.1" },
        "gpt-4.1": { upstreams: ["relay"], fallback: ["deepseek-v3.2"] },
        "deepseek-v3.2": { upstreams: ["backup"] },
      },
      routes: [{ name: "any", when: { model: "auto" }, use: { model: "gpt-4.1" } }],
    });
    gateway.sandbox.set({ status: 503 });
    expect(way(await chat(gateway, "good"))[0]).toBe("fallback:good");
    expect(way(await chat(gateway, "auto"))).toEqual(["any>fallback:gpt-4.1", "deepseek-v3.2", "backup"]);
  });

  it("goes on within the limits of the model it goes on at", async () => {
    const { gateway } = await pair({
      models: {
        "gpt-4.1": { upstreams: ["relay"], fallback: ["deepseek-v3.2"] },
        "deepseek-v3.2": { upstreams: ["backup"], limits: { requestsPerMinute: 1 } },
      },
    });
    gateway.sandbox.set({ status: 503 });
    expect((await chat(gateway)).status).toBe(200);
    expect((await chat(gateway)).status).toBe(429);
  });
});

it("is written into the ledger's row", async () => {
  const { gateway } = await pair({ ledger: { path: "ledger.duckdb" } });
  gateway.sandbox.set({ status: 503 });
  await chat(gateway);
  const rows = async (): Promise<unknown> => {
    const response = await fetch(`${gateway.url}/api/calls?route=fallback:gpt-4.1`);
    const { calls } = (await response.json()) as { calls: { route: string; model: string }[] };
    return calls.map(({ route, model }) => ({ route, model }));
  };
  await until(rows, [{ route: "fallback:gpt-4.1", model: "deepseek-v3.2" }]);
});
