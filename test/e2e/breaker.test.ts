/** An upstream in trouble is left alone while another serves, and is asked again when it is well. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { SANDBOX_KEY, startSandbox } from "../../src/sandbox/server.ts";
import { startGateway, type TestConfig, type TestGateway, total } from "../helpers/gateway.ts";
import { shiftClock } from "../helpers/shifted-clock.ts";
import { until } from "../helpers/until.ts";

const open: (() => Promise<void>)[] = [];
let pass: (ms: number) => void;
beforeEach(() => {
  pass = shiftClock();
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of open.splice(0).reverse()) await close();
});

const breaker = { openFor: "10m", consecutive: 3, trials: 1 };
/** Longer than a breaker stays open. */
const OPEN_MS = 11 * 60_000;

/** The gateway with a second upstream behind the first. */
async function pair(config: TestConfig = {}) {
  const backup = await startSandbox({});
  open.push(() => backup.close());
  const configWith = (timeouts: object): TestConfig => ({
    upstream: { breaker, timeouts },
    upstreams: { backup: { baseUrl: `${backup.url}/v1`, apiKey: SANDBOX_KEY } },
    models: { "gpt-4.1": { upstreams: ["relay", "backup"] } },
    ...config,
  });
  const gateway = await startGateway(configWith({}));
  open.push(() => gateway.close());
  return { gateway, backup, configWith };
}

async function chat({ url }: TestGateway, model = "gpt-4.1", stream = false): Promise<Response> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, stream, messages: [{ role: "user", content: "Hello" }] }),
  });
  await response.text().catch(() => "");
  return response;
}

async function statuses(gateway: TestGateway, count: number): Promise<number[]> {
  const seen = [];
  for (let n = 0; n < count; n++) seen.push((await chat(gateway)).status);
  return seen;
}

const state = async (gateway: TestGateway): Promise<number> =>
  total(await gateway.samples(), "bellwether_breaker_state", { upstream: "relay" });

it.each([
  ["fails", { status: 500 }],
  ["refuses its key", { status: 401 }],
  ["hangs", { hang: "head" }],
  ["resets", { reset: "head" }],
] as const)(
  "one that %s is not asked any more after a few calls, and no client notices",
  async (_, knobs) => {
    const { gateway, backup, configWith } = await pair();
    if ("hang" in knobs) await gateway.configure(configWith({ firstByte: "300ms" }));
    gateway.sandbox.set(knobs);
    expect(new Set(await statuses(gateway, 5))).toEqual(new Set([200]));
    expect(await state(gateway)).toBe(2);
    const asked = gateway.sandbox.books.total({}).calls;
    expect(asked).toBe(3);
    expect(backup.books.total({}).completed).toBe(5);
    const page = await gateway.samples();
    expect(
      total(page, "bellwether_fallbacks_total", { from: "relay", to: "backup", reason: "breaker" }),
    ).toBe(2);

    gateway.sandbox.reset();
    await gateway.configure(configWith({}));
    pass(OPEN_MS);
    await until(async () => (await chat(gateway)).status === 200 && (await state(gateway)) === 0, true);
    const before = backup.books.total({}).calls;
    await statuses(gateway, 3);
    expect(backup.books.total({}).calls).toBe(before);
  },
);

it("is asked all the same where nobody else is, and closes by that", async () => {
  const gateway = await startGateway({ upstream: { breaker } });
  open.push(() => gateway.close());
  gateway.sandbox.set({ status: 500 });
  expect(await statuses(gateway, 6)).toEqual(Array(6).fill(500));
  expect(gateway.sandbox.books.total({}).calls).toBe(6);
  expect(await state(gateway)).toBe(2);
  gateway.sandbox.reset();
  expect(await statuses(gateway, 3)).toEqual([200, 200, 200]);
  pass(OPEN_MS);
  await until(async () => (await chat(gateway)).status === 200 && (await state(gateway)) === 0, true);
});

it("breaks off streams, and is left for that too", async () => {
  const { gateway, backup } = await pair();
  gateway.sandbox.set({ reset: "stream", after: 2 });
  for (let n = 0; n < 12; n++) await chat(gateway, "gpt-4.1", true).catch(() => undefined);
  await gateway.quiet();
  expect(await state(gateway)).toBe(2);
  expect((await chat(gateway, "gpt-4.1", true)).status).toBe(200);
  expect(backup.books.total({}).completed).toBeGreaterThan(0);
});

it("goes on with the next model that a rule names, in the request's body and in the books", async () => {
  const routes = [
    { name: "any", when: { model: "auto" }, use: { strategy: "priority", of: ["gpt-4.1", "deepseek-v3.2"] } },
  ];
  const { gateway, backup } = await pair({
    models: {
      auto: { route: true },
      "gpt-4.1": { upstreams: ["relay"] },
      "deepseek-v3.2": { upstreams: ["backup"] },
    },
    routes,
  });
  gateway.sandbox.set({ status: 503 });
  const response = await chat(gateway, "auto");
  expect(response.status).toBe(200);
  expect(response.headers.get("x-bellwether-model")).toBe("deepseek-v3.2");
  expect(response.headers.get("x-bellwether-upstream")).toBe("backup");
  expect(backup.books.total({ model: "deepseek-v3.2" }).completed).toBe(1);
  await gateway.quiet();
  const page = await gateway.samples();
  const labels = { upstream: "backup", model: "deepseek-v3.2", status: "200" };
  expect(total(page, "bellwether_requests_total", labels)).toBe(1);
  expect(total(page, "bellwether_requests_total")).toBe(1);
  expect(total(page, "bellwether_cost_usd_total", { model: "deepseek-v3.2" })).toBeGreaterThan(0);
});

it("has one deadline for all attempts together", async () => {
  const hanging = await startSandbox({ knobs: { hang: "head" } });
  open.push(() => hanging.close());
  const timeouts = { firstByte: "700ms", total: "1s" };
  const gateway = await startGateway({
    upstream: { timeouts },
    upstreams: { backup: { baseUrl: `${hanging.url}/v1`, apiKey: SANDBOX_KEY, timeouts } },
    models: { "gpt-4.1": { upstreams: ["relay", "backup"] } },
  });
  open.push(() => gateway.close());
  gateway.sandbox.set({ hang: "head" });
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content: "Hello" }] }),
  });
  expect(response.status).toBe(504);
  // The second had only what the first had left of the second.
  expect(await response.json()).toMatchObject({ error: { code: "upstream_total_timeout" } });
});
