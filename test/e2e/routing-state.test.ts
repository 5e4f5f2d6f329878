/** Rules that choose by how it goes: price, speed, load, shares, errors and budgets, through a real gateway. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { startGateway, type TestGateway } from "../helpers/gateway.ts";
import { HeldLine } from "../helpers/held-line.ts";
import { anthropicAt } from "../helpers/scenarios/anthropic.ts";
import { geminiAt } from "../helpers/scenarios/gemini.ts";
import { openaiAt } from "../helpers/scenarios/openai.ts";
import { all } from "../helpers/scenarios/scenario.ts";
import { shiftClock } from "../helpers/shifted-clock.ts";
import { until } from "../helpers/until.ts";

const keyOf = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;
const messages = [{ role: "user" as const, content: "Who leads the flock?" }];
const SECOND = { input: 1, output: 1 };
const quick = { for: "0s", recover: "1s", minCalls: 3 };

let gateway: TestGateway;
let second: Sandbox;
/** The lines to the two, which hold answers back. */
let lines: { readonly relay: HeldLine; readonly second: HeldLine };

beforeAll(async () => {
  second = await startSandbox({ keys: ["sk-second"], seed: 2 });
  lines = { relay: await HeldLine.open(), second: await HeldLine.open(second.url) };
  gateway = await startGateway({
    server: { auth: "keys" },
    upstream: {
      baseUrl: `${lines.relay.url}/v1`,
      prices: { "gpt-4.1": { input: 2, output: 8 }, "gpt-4o": { input: 5, output: 15 } },
    },
    upstreams: {
      second: { baseUrl: `${lines.second.url}/v1`, apiKey: "sk-second", prices: { "gpt-4.1": SECOND } },
    },
    models: {
      ...Object.fromEntries(
        ["cheap", "fast", "idle", "shared", "first"].map((name) => [name, { route: true }]),
      ),
      "gpt-4.1": { upstreams: ["relay", "second"] },
    },
    apps: [
      { name: "shop", keys: [keyOf("shop-key")] },
      { name: "kiosk", models: ["cheap", "gpt-*"], keys: [keyOf("kiosk-key")] },
      {
        name: "down",
        keys: [keyOf("down-key")],
        budget: { usd: 0.001, per: "day", onExceeded: "downgrade", downgradeTo: "cheap" },
      },
      { name: "saver", keys: [keyOf("saver-key")], budget: { usd: 0.001, per: "day", onExceeded: "warn" } },
    ],
    routes: [
      { name: "cheap", when: { model: "cheap" }, use: { strategy: "cheapest", of: ["gpt-4o", "gpt-4.1"] } },
      { name: "fast", when: { model: "fast" }, use: { strategy: "fastest", explore: 0, of: ["gpt-4.1"] } },
      { name: "idle", when: { model: "idle" }, use: { strategy: "least-busy", of: ["gpt-4.1"] } },
      {
        name: "first",
        when: { model: "first" },
        use: { strategy: "priority", of: [{ model: "gpt-4.1", upstream: "second" }, "gpt-4.1", "gpt-4o"] },
      },
      {
        name: "shared",
        when: { model: "shared" },
        use: {
          split: [
            { model: "gpt-4.1", upstream: "relay", weight: 1 },
            { model: "gpt-4.1", upstream: "second", weight: 1 },
          ],
          stickyBy: "user",
        },
      },
      {
        name: "saving",
        when: { model: "gpt-4o", state: { budget: { scope: "app", above: 0.5 } } },
        use: { model: "gpt-4.1" },
      },
      {
        name: "slow",
        when: { model: "gpt-4.1-mini", state: { p99: { above: "200ms", ...quick } } },
        use: { model: "gpt-4.1-nano" },
      },
      {
        name: "broken",
        when: { model: "o1", state: { model: "gpt-4.1", upstream: "second", breaker: "open" } },
        use: { model: "gpt-4o" },
      },
      {
        name: "failing",
        when: { model: "o3", state: { errors: { above: 0.5, trial: 0, ...quick } } },
        use: { model: "o4-mini" },
      },
    ],
  });
  lines.relay.target = gateway.sandbox.url;
});
afterAll(async () => {
  await gateway.close();
  for (const line of Object.values(lines)) await line.close();
  await second.close();
});
beforeEach(() => {
  gateway.sandbox.reset();
  second.reset();
});

/** The decision as the headers of an answer tell it. */
async function decision(model: string, more: object = {}, key = "shop-key"): Promise<string> {
  const { response } = await openaiAt({ url: gateway.url, key })
    .chat.completions.create({ model, messages, ...more } as never)
    .withResponse();
  const header = (name: string): string | null => response.headers.get(`x-bellwether-${name}`);
  return `${header("route")}: ${header("model")} at ${header("upstream")}`;
}

describe("a strategy", () => {
  it("takes the cheapest model at the cheapest upstream", async () => {
    expect(await decision("cheap")).toBe("cheap: gpt-4.1 at second");
  });

  it("takes the fastest, once each has been tried, also for streams", async () => {
    const pass = shiftClock();
    lines.relay.hold();
    const first = decision("fast");
    await until(() => gateway.sandbox.books.calls, 1);
    expect(await decision("fast")).toBe("fast: gpt-4.1 at second");
    pass(60_000);
    lines.relay.release();
    expect(await first).toBe("fast: gpt-4.1 at relay");
    await gateway.quiet();
    for (let each = 0; each < 3; each++) expect(await decision("fast")).toBe("fast: gpt-4.1 at second");
    const client = openaiAt({ url: gateway.url, key: "shop-key" });
    const chunks = await all(client.chat.completions.create({ model: "fast", messages, stream: true }));
    expect(chunks.length).toBeGreaterThan(1);
    expect(second.books.calls).toBe(5);
    vi.restoreAllMocks();
  });

  it("takes the one with the fewest calls in flight", async () => {
    for (const line of Object.values(lines)) line.hold();
    const calls = [1, 2, 3, 4].map(() => decision("idle"));
    await until(() => gateway.sandbox.books.calls + second.books.calls, 4);
    for (const line of Object.values(lines)) line.release();
    expect((await Promise.all(calls)).sort()).toEqual([
      "idle: gpt-4.1 at relay",
      "idle: gpt-4.1 at relay",
      "idle: gpt-4.1 at second",
      "idle: gpt-4.1 at second",
    ]);
  });

  it("takes the first", async () => {
    expect(await decision("first")).toBe("first: gpt-4.1 at second");
  });

  it("shares calls out, and leaves a user where they are", async () => {
    const places = new Map<string, Set<string>>();
    for (const round of [1, 2]) {
      void round;
      await Promise.all(
        Array.from({ length: 12 }, async (_, index) => {
          const user = `user-${index}`;
          const place = await decision("shared", { user });
          places.set(user, (places.get(user) ?? new Set()).add(place));
        }),
      );
    }
    expect([...places.values()].every(({ size }) => size === 1)).toBe(true);
    expect(new Set([...places.values()].flatMap((each) => [...each]))).toEqual(
      new Set(["shared: gpt-4.1 at relay", "shared: gpt-4.1 at second"]),
    );
  });
});

describe("a shift", () => {
  it("moves calls away from a model that is slow", async () => {
    gateway.sandbox.set({ latency: 300 });
    await Promise.all([1, 2, 3].map(() => decision("gpt-4.1-mini")));
    await until(() => decision("gpt-4.1-mini"), "slow: gpt-4.1-nano at relay");
  });

  it("moves calls away from a model that fails", async () => {
    gateway.sandbox.set({ status: 500 });
    const route = async (): Promise<string | null> => {
      const error = await openaiAt({ url: gateway.url, key: "shop-key" })
        .chat.completions.create({ model: "o3", messages }, { maxRetries: 0 })
        .catch((thrown: unknown) => thrown as { headers: Headers });
      return "headers" in error ? error.headers.get("x-bellwether-route") : "no error";
    };
    await until(route, "failing");
    gateway.sandbox.reset();
    expect(await decision("o3")).toBe("failing: o4-mini at relay");
  });

  it("goes by how full a budget is, and a budget's own downgrade says so", async () => {
    expect(await decision("gpt-4o", { max_tokens: 20 }, "saver-key")).toBe("default: gpt-4o at relay");
    const long = { max_tokens: 60, messages: [{ role: "user", content: "sheep ".repeat(200) }] };
    await decision("gpt-4o", long, "saver-key");
    await gateway.quiet();
    expect(await decision("gpt-4o", {}, "saver-key")).toBe("saving: gpt-4.1 at relay");
    expect(await decision("gpt-4o", { max_tokens: 9000 }, "down-key")).toBe(
      "budget:app:down>cheap: gpt-4.1 at second",
    );
  });

  it("moves calls away from an upstream whose breaker is open, and a strategy goes on at its next candidate", async () => {
    second.set({ status: 503 });
    // Each fails at the second, and goes on at the first candidate after it.
    for (let each = 0; each < 3; each++) expect(await decision("first")).toBe("first: gpt-4.1 at relay");
    await Promise.all(Array.from({ length: 6 }, () => decision("first")));
    expect(await decision("o1")).toBe("broken: gpt-4o at relay");
  });
});

describe("the list of models", () => {
  it("holds those that are only routed, in the API that asks", async () => {
    const at = { url: gateway.url, key: "shop-key" };
    const listed = (await all(openaiAt(at).models.list())).map(({ id }) => id);
    expect(listed.slice(0, 5)).toEqual(["cheap", "fast", "idle", "shared", "first"]);
    expect(listed).toContain("gpt-4o");
    const { data } = await anthropicAt(at).models.list();
    expect(data[0]).toMatchObject({ id: "cheap", type: "model" });
    const pager = await geminiAt(at).models.list();
    expect(pager.page.map(({ name }) => name)).toContain("models/cheap");
  });

  it("holds only those that the app may ask for", async () => {
    const list = await all(openaiAt({ url: gateway.url, key: "kiosk-key" }).models.list());
    expect(list.slice(0, 2).map(({ id }) => id)).not.toContain("fast");
    expect(list[0]?.id).toBe("cheap");
  });
});
