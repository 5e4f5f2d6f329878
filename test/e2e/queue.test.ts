/** Calls that wait for room under a limit, as applications meet them: over memory and over Redis. */
import { createHash } from "node:crypto";
import OpenAI from "openai";
import { afterEach, expect, it } from "vitest";
import { startGateway, type TestGateway, total } from "../helpers/gateway.ts";
import { HeldLine } from "../helpers/held-line.ts";
import { startRedis } from "../helpers/redis.ts";
import { describeWithProgram } from "../helpers/system-program.ts";
import { until } from "../helpers/until.ts";

const keyOf = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;
const app = (name: string, more: object = {}) => ({ name, keys: [keyOf(`${name}-key`)], ...more });
const apps = [app("big"), app("small"), app("hasty", { queue: { wait: "0s" } })];

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

interface Held extends TestGateway {
  /** The line to the upstream: what is answered is held back until it is released. */
  readonly line: HeldLine;
}

async function gatewayWith(config: object): Promise<Held> {
  const line = await HeldLine.open();
  open.push(() => line.close());
  line.hold();
  const upstream = { baseUrl: `${line.url}/v1` };
  const gateway = await startGateway({ server: { auth: "keys" }, apps, upstream, ...config });
  line.target = gateway.sandbox.url;
  open.push(() => gateway.close());
  return { ...gateway, line };
}

const chat = (url: string, name: string, more: { signal?: AbortSignal } = {}) => {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: `${name}-key`, maxRetries: 0 });
  const messages = [{ role: "user" as const, content: "Who leads the flock?" }];
  return client.chat.completions.create({ model: "gpt-4.1", max_tokens: 20, messages }, more);
};
const waiting = async ({ samples }: TestGateway, name: string): Promise<number> =>
  total(await samples(), "bellwether_queue_waiting", { app: name });
const waited = async ({ samples }: TestGateway, name: string, outcome: string): Promise<number> =>
  total(await samples(), "bellwether_queue_wait_seconds_count", { app: name, outcome });

it("waits for a place and takes turns over apps, so that a flood of one does not hold up another", async () => {
  const gateway = await gatewayWith({
    limits: { all: { limits: { concurrency: 1 } }, queue: { wait: "10m", size: 10 } },
  });
  const { url, sandbox, line } = gateway;
  const order: string[] = [];
  const ask = (name: string) => chat(url, name).then(() => order.push(name));
  const flood = Array.from({ length: 8 }, () => ask("big"));
  await until(() => waiting(gateway, "big"), 7);
  const small = ask("small");
  await until(() => waiting(gateway, "small"), 1);
  line.release();
  await Promise.all([small, ...flood]);
  // At most the call that ran and one whose turn it was are before it.
  expect(order.indexOf("small")).toBeLessThan(3);
  expect(order).toHaveLength(9);
  expect(sandbox.books.peak).toBe(1);
  expect([await waited(gateway, "big", "admitted"), await waited(gateway, "small", "admitted")]).toEqual([
    7, 1,
  ]);
});

it("waits for a window to give way", async () => {
  const gateway = await gatewayWith({
    limits: { all: { limits: { requestsPerSecond: 2 } }, queue: { wait: "10m" } },
  });
  gateway.line.release();
  let calls = 0;
  // On a machine that takes a second for a few calls none of them has to wait.
  while ((await waited(gateway, "big", "admitted")) === 0) {
    calls += 5;
    await Promise.all(Array.from({ length: 5 }, () => chat(gateway.url, "big")));
  }
  expect(gateway.sandbox.books.total({}).calls).toBe(calls);
});

it("refuses at once where the queue is full, and where an app does not wait", async () => {
  const gateway = await gatewayWith({
    limits: { all: { limits: { concurrency: 1 } }, queue: { wait: "10m", size: 1 } },
  });
  const { url, sandbox, line } = gateway;
  const runs = chat(url, "big");
  await until(() => sandbox.books.total({}).calls, 1);
  const next = chat(url, "big");
  await until(() => waiting(gateway, "big"), 1);
  for (const name of ["big", "hasty"]) {
    await expect(chat(url, name)).rejects.toMatchObject({ status: 429, code: "too_many_at_once" });
  }
  line.release();
  await Promise.all([runs, next]);
  expect([await waited(gateway, "big", "admitted"), await waited(gateway, "big", "refused")]).toEqual([1, 0]);
});

it("refuses at the end of the time", async () => {
  const gateway = await gatewayWith({
    limits: { all: { limits: { concurrency: 1 } }, queue: { wait: "300ms" } },
  });
  const { url, sandbox, line } = gateway;
  const runs = chat(url, "big");
  await until(() => sandbox.books.total({}).calls, 1);
  const refused = (await chat(url, "big").catch((error: unknown) => error)) as InstanceType<
    typeof OpenAI.RateLimitError
  >;
  expect([refused.status, refused.headers?.get("retry-after")]).toEqual([429, "1"]);
  expect(await waited(gateway, "big", "refused")).toBe(1);
  expect(await waiting(gateway, "big")).toBe(0);
  line.release();
  await runs;
});

it("forgets a call whose client has left, at once", async () => {
  const gateway = await gatewayWith({
    limits: { all: { limits: { concurrency: 1 } }, queue: { wait: "10m" } },
  });
  const { url, sandbox, line } = gateway;
  const runs = chat(url, "big");
  await until(() => sandbox.books.total({}).calls, 1);
  const leaving = new AbortController();
  const gone = chat(url, "small", { signal: leaving.signal }).catch(() => "gone");
  await until(() => waiting(gateway, "small"), 1);
  leaving.abort();
  expect(await gone).toBe("gone");
  await until(() => waiting(gateway, "small"), 0);
  expect(await waited(gateway, "small", "left")).toBe(1);
  line.release();
  await runs;
  await gateway.quiet();
  expect(sandbox.books.total({}).calls).toBe(1);
  // Nothing is held by the one that left.
  await chat(url, "small");
});

describeWithProgram("redis-server", "a queue before counters in Redis", (program) => {
  it("lets calls of two gateways in by turns, and never more than the limit", async () => {
    const redis = await startRedis(program);
    open.push(() => redis.close());
    const limits = {
      redis: redis.url,
      all: { limits: { concurrency: 2 } },
      queue: { wait: "10m" },
    };
    const gateways = [await gatewayWith({ limits }), await gatewayWith({ limits })];
    let most = 0;
    for (const { sandbox } of gateways) sandbox.set({ latency: 40 });
    const watch = setInterval(() => {
      most = Math.max(
        most,
        gateways.reduce((sum, { sandbox }) => sum + sandbox.books.inFlight, 0),
      );
    }, 2);
    const calls = Array.from({ length: 12 }, (_, call) => chat(gateways[call % 2]?.url ?? "", "big"));
    const inQueue = async (): Promise<number> => {
      const each = await Promise.all(gateways.map((gateway) => waiting(gateway, "big")));
      return each.reduce((sum, count) => sum + count, 0);
    };
    await until(inQueue, 10);
    expect(gateways.reduce((sum, { sandbox }) => sum + sandbox.books.total({}).calls, 0)).toBe(2);
    for (const { line } of gateways) line.release();
    await Promise.all(calls);
    clearInterval(watch);
    expect(most).toBeLessThanOrEqual(2);
    const over = await Promise.all(gateways.map((gateway) => waited(gateway, "big", "admitted")));
    expect(over.every((count) => count > 0)).toBe(true);
    expect(await waiting(gateways[0] as TestGateway, "big")).toBe(0);
  });
});
