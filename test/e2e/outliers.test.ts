/** One of three upstreams that share a model's calls is far slower, or fails more: it is left alone for a while. */
import { afterEach, expect, it, vi } from "vitest";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { startGateway, type TestGateway, total } from "../helpers/gateway.ts";
import { shiftClock } from "../helpers/shifted-clock.ts";
import { until } from "../helpers/until.ts";

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of open.splice(0).reverse()) await close();
});

interface Pool {
  readonly gateway: TestGateway;
  readonly others: readonly Sandbox[];
}

const outlier = { minCalls: 8, ejectFor: "10m" };
/** Longer than an outlier stays out. */
const OUT_MS = 11 * 60_000;

async function pool(): Promise<Pool> {
  const others = [await startSandbox({}), await startSandbox({})];
  for (const other of others) open.push(() => other.close());
  const relays = Object.fromEntries(
    others.map(({ url }, index) => [
      `other-${index}`,
      { baseUrl: `${url}/v1`, apiKey: SANDBOX_KEY, breaker: { outlier } },
    ]),
  );
  const split = ["relay", ...Object.keys(relays)].map((upstream) => ({ upstream, weight: 1 }));
  const gateway = await startGateway({
    upstream: { breaker: { outlier, minCalls: 1_000, consecutive: 1_000, trials: 1 } },
    upstreams: relays,
    models: { "gpt-4.1": { upstreams: ["relay", ...Object.keys(relays)] } },
    routes: [{ name: "share", when: { model: "gpt-4.1" }, use: { split } }],
  });
  open.push(() => gateway.close());
  return { gateway, others };
}

async function calls({ gateway }: Pool, count: number): Promise<Set<number>> {
  const statuses = await Promise.all(
    Array.from({ length: count }, async () => {
      const response = await fetch(`${gateway.url}/v1/chat/completions`, {
        ...{ method: "POST", headers: { "content-type": "application/json" } },
        body: JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content: "Hello" }] }),
      });
      await response.text();
      return response.status;
    }),
  );
  return new Set(statuses);
}

const ejections = async ({ gateway }: Pool, reason: string): Promise<number> =>
  total(await gateway.samples(), "bellwether_upstream_ejections_total", { upstream: "relay", reason });

it.each([
  ["latency", { latency: 400 }],
  ["errors", { failRate: 0.6 }],
] as const)("is taken out for its %s, told of, and taken back when it is well", async (reason, knobs) => {
  const pass = shiftClock();
  const three = await pool();
  three.gateway.sandbox.set(knobs);
  await until(async () => (await calls(three, 12)).has(200) && (await ejections(three, reason)), 1);
  const { upstreams } = (await (await fetch(`${three.gateway.url}/api/upstreams`)).json()) as {
    upstreams: { name: string; breaker: string; why: string; ejected: { model: string; why: string }[] }[];
  };
  const [relay, ...others] = upstreams;
  expect(relay).toMatchObject({ name: "relay", breaker: "open", ejected: [{ model: "gpt-4.1" }] });
  expect(relay?.why).toMatch(/^left alone for gpt-4\.1: its answers began after|attempts failed$/);
  expect(others.map(({ breaker, ejected }) => [breaker, ejected])).toEqual([
    ["closed", []],
    ["closed", []],
  ]);
  const asked = three.gateway.sandbox.books.total({}).calls;
  expect(await calls(three, 10)).toEqual(new Set([200]));
  expect(three.gateway.sandbox.books.total({}).calls).toBe(asked);

  three.gateway.sandbox.set({ latency: 0, failRate: 0 });
  pass(OUT_MS);
  const state = async (): Promise<number> =>
    total(await three.gateway.samples(), "bellwether_breaker_state", { upstream: "relay" });
  await until(async () => (await calls(three, 6)).has(200) && (await state()), 0);
});
