/** Limits and budgets as applications meet them: through the official clients, over memory and over Redis. */
import { createHash } from "node:crypto";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { afterEach, describe, expect, it } from "vitest";
import { startGateway, type TestGateway, total } from "../helpers/gateway.ts";
import { HeldLine } from "../helpers/held-line.ts";
import { type Product, startProduct } from "../helpers/product.ts";
import { startRedis } from "../helpers/redis.ts";
import { describeWithProgram } from "../helpers/system-program.ts";
import { until } from "../helpers/until.ts";

const messages = [{ role: "user" as const, content: "Who leads the flock?" }];
const keyOf = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;

/** An app called shop, whose key is `shop-key`. */
const shop = (more: object) => ({ name: "shop", team: "commerce", keys: [keyOf("shop-key")], ...more });
const keys = { server: { auth: "keys" } };

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function gatewayWith(config: object): Promise<TestGateway> {
  const gateway = await startGateway({ ...keys, ...config });
  open.push(() => gateway.close());
  return gateway;
}

/** A line to an upstream, which holds answers back until they are released. */
async function heldLine(): Promise<HeldLine> {
  const line = await HeldLine.open();
  open.push(() => line.close());
  line.hold();
  return line;
}

const openai = (url: string, maxRetries = 0, apiKey = "shop-key"): OpenAI =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries });
const anthropic = (url: string, maxRetries = 0): Anthropic =>
  new Anthropic({ baseURL: url, apiKey: "shop-key", maxRetries });

const chat = (client: OpenAI, more: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> = {}) =>
  client.chat.completions.create({ model: "gpt-4.1", max_tokens: 50, messages, ...more });

describe("limits", () => {
  it("refuse the call after the last with what the OpenAI client reads", async () => {
    const { url, sandbox, samples } = await gatewayWith({
      apps: [shop({ limits: { requestsPerMinute: 2 } })],
    });
    await chat(openai(url));
    await chat(openai(url));
    const error = await chat(openai(url)).catch((refused: unknown) => refused);
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    const { code, headers, message } = error as InstanceType<typeof OpenAI.RateLimitError>;
    expect(code).toBe("rate_limited");
    expect(message).toContain("More than 2 calls per minute for app shop");
    expect(Number(headers?.get("retry-after"))).toBeGreaterThan(0);
    expect(headers?.get("x-ratelimit-limit-requests")).toBe("2");
    expect(headers?.get("x-ratelimit-remaining-requests")).toBe("0");
    expect(headers?.get("x-ratelimit-reset-requests")).toMatch(/^(\d+m)?\d+s$/);
    expect(sandbox.books.total({}).calls).toBe(2);
    expect(total(await samples(), "bellwether_rejected_total", { app: "shop", reason: "rate" })).toBe(1);
  });

  it("are waited for by the official clients as long as they say", async () => {
    const { url } = await gatewayWith({ apps: [shop({ limits: { requestsPerSecond: 1 } })] });
    const began = performance.now();
    await chat(openai(url, 3));
    await chat(openai(url, 3));
    const request = { model: "claude-sonnet-4.5", max_tokens: 9, messages };
    await anthropic(url, 3).messages.create(request);
    expect(performance.now() - began).toBeGreaterThan(1_900);
  });

  it("refuse in Anthropic's shape what Anthropic's client asked for", async () => {
    const { url } = await gatewayWith({ apps: [shop({ limits: { requestsPerHour: 1 } })] });
    const request = { model: "claude-sonnet-4.5", max_tokens: 9, messages };
    await anthropic(url).messages.create(request);
    // It would wait for hours, and is told not to try again.
    const error = await anthropic(url, 5)
      .messages.create(request)
      .catch((refused: unknown) => refused);
    expect(error).toBeInstanceOf(Anthropic.RateLimitError);
    const { headers, error: body } = error as InstanceType<typeof Anthropic.RateLimitError>;
    expect(body).toMatchObject({ type: "error", error: { type: "rate_limit_error" } });
    expect(headers?.get("anthropic-ratelimit-requests-limit")).toBe("1");
    expect(headers?.get("x-should-retry")).toBe("false");
  });

  it("count the tokens a call may need first and those it needed after", async () => {
    const { url, quiet } = await gatewayWith({ apps: [shop({ limits: { tokensPerHour: 600 } })] });
    // Each may need five hundred and needs a few.
    await chat(openai(url), { max_tokens: 500 });
    await quiet();
    await chat(openai(url), { max_tokens: 400 });
    await quiet();
    const error = await chat(openai(url), { max_tokens: 580 }).catch((refused: unknown) => refused);
    expect(error).toMatchObject({ status: 429, code: "rate_limited" });
    expect((error as Error).message).toContain("tokens per hour");
  });

  it("hold how many calls run at once, and give their places back whatever becomes of them", async () => {
    const line = await heldLine();
    const { url, sandbox, quiet, samples } = await gatewayWith({
      upstream: { baseUrl: `${line.url}/v1` },
      apps: [shop({ limits: { concurrency: 2 } })],
      teams: { commerce: { limits: { concurrency: 3 } } },
    });
    line.target = sandbox.url;
    const calls = Array.from({ length: 6 }, () => chat(openai(url)));
    const refused = async () => total(await samples(), "bellwether_rejected_total", { app: "shop" });
    const settled = Promise.allSettled(calls);
    await until(refused, 4);
    line.release();
    const outcomes = await settled;
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
    line.hold();
    const aborted = new AbortController();
    const left = openai(url)
      .chat.completions.create({ model: "gpt-4.1", messages }, { signal: aborted.signal })
      .catch(() => "left");
    await until(() => sandbox.books.total({}).calls, 3);
    aborted.abort();
    expect(await left).toBe("left");
    line.release();
    sandbox.set({ status: 500 });
    await expect(chat(openai(url))).rejects.toMatchObject({ status: 500 });
    await quiet();
    sandbox.reset();
    line.hold();
    const twice = Promise.allSettled([1, 2].map(() => chat(openai(url))));
    await until(() => sandbox.books.total({}).calls, 2);
    line.release();
    const again = await twice;
    expect(again.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
  });

  it("refuse models and endpoints that an app may not use, and keys that have expired", async () => {
    const { url } = await gatewayWith({
      apps: [
        shop({
          keys: [keyOf("shop-key"), `${keyOf("old-key")} until 2026-01-31`],
          models: ["gpt-4.1", "text-*"],
          endpoints: ["chat", "models"],
        }),
      ],
    });
    await chat(openai(url));
    await expect(chat(openai(url), { model: "gpt-4o" })).rejects.toMatchObject({
      status: 403,
      code: "model_not_allowed",
    });
    const embedding = openai(url).embeddings.create({ model: "text-embedding-3-small", input: "a" });
    await expect(embedding).rejects.toMatchObject({ status: 403, code: "endpoint_not_allowed" });
    await expect(chat(openai(url, 0, "old-key"))).rejects.toMatchObject({
      status: 401,
      code: "expired_api_key",
    });
  });
});

describe("budgets", () => {
  it("are never overshot by 64 concurrent callers, and say what to do", async () => {
    // At these prices an answer costs 0.1 dollars a token, and each call may make ten.
    const prices = { "gpt-4.1": { input: 0, output: 100_000 } };
    const { url, sandbox, quiet, samples } = await gatewayWith({
      upstream: { prices },
      apps: [shop({ budget: { usd: 10, per: "month" } })],
    });
    sandbox.set({ latency: 20 });
    let refused: unknown;
    const outcomes = await Promise.all(
      Array.from({ length: 64 }, () =>
        chat(openai(url), { max_tokens: 10 }).then(
          () => "ok",
          (error: unknown) => {
            refused = error;
            return (error as { code?: string }).code;
          },
        ),
      ),
    );
    expect(new Set(outcomes)).toEqual(new Set(["ok", "budget_exceeded"]));
    expect(String(refused)).toContain("The monthly budget of app shop has no room for this call");
    await quiet();
    for (let rest = 0; rest < 30; rest++) await chat(openai(url), { max_tokens: 10 }).catch(() => undefined);
    await quiet();
    const page = await samples();
    const used = total(page, "bellwether_budget_used_usd", { scope: "app", name: "shop", window: "month" });
    expect(used).toBeGreaterThan(9);
    expect(used).toBeLessThanOrEqual(10);
    expect(used).toBeCloseTo(total(page, "bellwether_cost_usd_total", { app: "shop" }), 9);
    expect(total(page, "bellwether_budget_limit_usd", { name: "shop" })).toBe(10);
  });

  it("move calls to a cheaper model when they are set to, and only warn when they are set to that", async () => {
    const { url, quiet } = await gatewayWith({
      upstream: { tokenBudget: { tokens: 1, per: "day", onExceeded: "warn" } },
      apps: [
        shop({
          tokenBudget: { tokens: 60, per: "day", onExceeded: "downgrade", downgradeTo: "gpt-4.1-mini" },
        }),
      ],
    });
    const models: string[] = [];
    for (let call = 0; call < 8; call++) {
      models.push((await chat(openai(url), { max_tokens: 20 })).model);
      await quiet();
    }
    expect(models[0]).toMatch(/^gpt-4\.1(-2025-04-14)?$/);
    expect(models.at(-1)).toMatch(/^gpt-4\.1-mini/);
  });

  it("refuse models without a price unless they are told otherwise", async () => {
    const budget = { usd: 5, per: "week" };
    const gateway = await gatewayWith({ apps: [shop({ budget })] });
    const unpriced = { model: "sandbox-fast" };
    const refused = chat(openai(gateway.url), unpriced);
    await expect(refused).rejects.toMatchObject({ status: 403, code: "unpriced_model" });
    await expect(refused).rejects.toThrow(/upstreams\.relay\.prices/);
    await gateway.configure({ ...keys, apps: [shop({ budget: { ...budget, unpriced: "allow" } })] });
    await chat(openai(gateway.url), unpriced);
    expect(total(await gateway.samples(), "bellwether_rejected_total", { reason: "unpriced" })).toBe(1);
  });
});

describe("a restart", () => {
  it("after kill -9 goes on with what budgets had used, as the ledger knows it", async () => {
    const config = { ...keys, apps: [shop({ tokenBudget: { tokens: 100_000, per: "month" } })] };
    const first = await startProduct({ config });
    open.push(() => first.close());
    const used = async (url: string): Promise<number> => {
      const page = await (await fetch(`${url}/metrics`)).text();
      return Number(/^bellwether_budget_used_tokens\{.*\} (.*)$/m.exec(page)?.[1]);
    };
    for (let call = 0; call < 5; call++) await chat(openai(first.url));
    await until(async () => (await used(first.url)) > 0, true);
    const before = await used(first.url);
    first.process.kill("SIGKILL");
    await first.ended;
    const second = await startProduct({ config, folder: first.folder });
    open.push(() => second.close());
    expect(await used(second.url)).toBe(before);
    await chat(openai(second.url));
    await until(async () => (await used(second.url)) > before, true);
  });
});

describeWithProgram("redis-server", "limits in Redis", (program) => {
  it("are kept exactly by three gateways together", async () => {
    const redis = await startRedis(program);
    open.push(() => redis.close());
    const config = {
      ...keys,
      apps: [shop({ limits: { requestsPerDay: 40, whenUnavailable: "closed" } })],
      limits: { redis: redis.url },
    };
    const products: Product[] = await Promise.all([1, 2, 3].map(() => startProduct({ config })));
    for (const product of products) open.push(() => product.close());
    const outcomes = await Promise.all(
      Array.from({ length: 90 }, (_, call) =>
        chat(openai(products[call % 3]?.url ?? "")).then(
          () => 200,
          (error: { status: number }) => error.status,
        ),
      ),
    );
    const count = (status: number): number => outcomes.filter((each) => each === status).length;
    // A machine that stands still may keep Redis from answering in time: such a call is refused, yet perhaps counted.
    const [served, unavailable] = [count(200), count(503)];
    expect(served).toBeLessThanOrEqual(40);
    expect(served + unavailable).toBeGreaterThanOrEqual(40);
    expect(served + unavailable + count(429)).toBe(90);
  });

  it("go by their policy while Redis is dead, and budgets are right when it is back", async () => {
    const redis = await startRedis(program);
    open.push(() => redis.close());
    const line = await heldLine();
    line.release();
    const gateway = await gatewayWith({
      upstream: { baseUrl: `${line.url}/v1` },
      apps: [
        shop({ tokenBudget: { tokens: 100_000, per: "day", whenUnavailable: "open" } }),
        { name: "strict", keys: [keyOf("strict-key")], tokenBudget: { tokens: 100_000, per: "day" } },
      ],
      limits: { redis: redis.url },
    });
    const { url, sandbox, samples, quiet } = gateway;
    line.target = sandbox.url;
    await chat(openai(url));
    // Under load, so that some calls are decided and not yet settled.
    line.hold();
    const amid = Array.from({ length: 20 }, () => chat(openai(url)));
    await until(() => sandbox.books.total({}).calls, 1 + amid.length);
    await redis.kill();
    line.release();
    await Promise.all(amid);
    for (let call = 0; call < 5; call++) await chat(openai(url));
    await expect(chat(openai(url, 0, "strict-key"))).rejects.toMatchObject({
      status: 503,
      code: "limits_unavailable",
    });
    await quiet();
    const during = await samples();
    expect(total(during, "bellwether_limits_unavailable_total", { policy: "open" })).toBeGreaterThanOrEqual(
      5,
    );
    expect(total(during, "bellwether_limits_unavailable_total", { policy: "closed" })).toBe(1);
    await redis.start();
    await until(async () => {
      const [status] = await Promise.allSettled([chat(openai(url, 0, "strict-key"))]);
      return status.status;
    }, "fulfilled");
    await chat(openai(url));
    await quiet();
    const spent = async (): Promise<number> => {
      const page = await samples();
      const shops = { app: "shop" };
      return (
        total(page, "bellwether_input_tokens_total", shops) +
        total(page, "bellwether_output_tokens_total", shops)
      );
    };
    await until(async () => {
      const page = await samples();
      return total(page, "bellwether_budget_used_tokens", { scope: "app", name: "shop" }) === (await spent());
    }, true);
  });
});
