import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { Books, keyLabel } from "./books.ts";
import { costOf, findModel } from "./models.ts";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "./server.ts";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ keys: [SANDBOX_KEY, "sk-second"], record: 2 });
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.reset());

const headers = { authorization: `Bearer ${SANDBOX_KEY}` };
const get = async (path: string, more = {}): Promise<Record<string, unknown>> => {
  const response = await fetch(sandbox.url + path, { headers: { ...headers, ...more } });
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, unknown>;
};
const ask = (model: string, knobs: string, key = SANDBOX_KEY, signal: AbortSignal | null = null) =>
  fetch(`${sandbox.url}/v1/chat/completions`, {
    ...{ method: "POST", signal },
    headers: { authorization: `Bearer ${key}`, "x-sandbox": knobs },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "hello" }] }),
  }).then((response) => response.text());

it("sums calls by key, model and endpoint, and never shows a key", async () => {
  await ask("gpt-4.1", "input=10; output=3");
  await ask("gpt-4.1", "input=20; output=4");
  await ask("gpt-4.1", "status=500", "sk-second");
  await ask("o3", "input=1; output=1; reasoning=2");
  const first = sandbox.books.total({ key: keyLabel(SANDBOX_KEY), model: "gpt-4.1" });
  expect(first).toMatchObject({ calls: 2, completed: 2, statuses: { 200: 2 }, inFlight: 0 });
  expect(first.reported).toEqual({
    inputTokens: 30,
    cachedInputTokens: 0,
    outputTokens: 7,
    reasoningTokens: 0,
  });
  expect(sandbox.books.total({ key: keyLabel("sk-second") }).statuses).toEqual({ 500: 1 });
  expect(sandbox.books.total({ model: "o3" }).used).toMatchObject({ outputTokens: 3, reasoningTokens: 2 });
  const shown = JSON.stringify(await get("/sandbox/books"));
  expect(shown).not.toContain(SANDBOX_KEY);
  expect(shown).toContain(createHash("sha256").update(SANDBOX_KEY).digest("hex").slice(0, 8));
});

it("prices exactly", () => {
  const model = findModel("gpt-4.1-2025-04-14");
  if (model === undefined) throw new Error("a dated name is known");
  // 1000 of 1500 input tokens at 2.00, 500 cached at 0.50, 200 output at 8.00, all per million.
  expect(costOf(model, { inputTokens: 1500, cachedInputTokens: 500, outputTokens: 200 })).toBe(
    3_850_000_000n,
  );
  const claude = findModel("claude-haiku-4-5");
  if (claude === undefined) throw new Error("claude-haiku-4-5 is known");
  const cache = { cachedInputTokens: 100, cacheWrite5mTokens: 200, cacheWrite1hTokens: 300 };
  expect(costOf(claude, { inputTokens: 1000, ...cache, outputTokens: 0 })).toBe(
    400n * 1_000_000n + 100n * 100_000n + 200n * 1_250_000n + 300n * 2_000_000n,
  );
  const whisper = findModel("whisper-1");
  if (whisper === undefined) throw new Error("whisper-1 is known");
  expect(costOf(whisper, { audioMs: 2500 })).toBe(250_000_000n);
});

it("knows the most calls that were in flight at once", async () => {
  const leaving = new AbortController();
  const hanging = () => ask("gpt-4.1", "hang=head", SANDBOX_KEY, leaving.signal);
  const calls = Promise.allSettled(Array.from({ length: 5 }, hanging));
  await expect.poll(() => sandbox.books.inFlight).toBe(5);
  leaving.abort();
  await calls;
  await expect.poll(() => sandbox.books.inFlight).toBe(0);
  await ask("gpt-4.1", "");
  expect(sandbox.books.peak).toBe(5);
});

it("keeps counting calls in flight over a reset", () => {
  const books = new Books();
  const account = books.open("k", "m", "chat");
  books.reset();
  expect(books.inFlight).toBe(1);
  const sum = {
    status: 200,
    outcome: "completed",
    reported: {},
    used: {},
    cost: 1n,
    tokens: 0,
    bytes: 0,
  } as const;
  books.close(account, sum);
  expect(books.inFlight).toBe(0);
  expect(books.cost).toBe(0n);
});

it("keeps the last requests as they arrived", async () => {
  await get("/v1/models", { "X-Odd-Case": "1" });
  await ask("gpt-4.1", "");
  await ask("o3", "");
  expect(sandbox.requests).toHaveLength(2);
  const last = sandbox.requests[1];
  expect(last).toMatchObject({ method: "POST", url: "/v1/chat/completions", complete: true });
  expect(JSON.parse(last?.body.toString() ?? "")).toHaveProperty("model", "o3");
  const shown = (await (await fetch(`${sandbox.url}/sandbox/requests`)).json()) as { body: string }[];
  expect(Buffer.from(shown[1]?.body ?? "", "base64")).toEqual(last?.body);
});

it("feeds every billing endpoint with what was used", async () => {
  await ask("gpt-4.1", "input=1000000; cached=0; output=1000000");
  expect(sandbox.books.cost).toBe(10_000_000_000_000n);
  expect(await get("/v1/billing")).toEqual({ remaining: 90 });
  expect(await get("/v1/dashboard/billing/subscription")).toMatchObject({ hard_limit_usd: 100 });
  expect(await get("/v1/dashboard/billing/usage")).toMatchObject({ total_usage: 1000 });
  expect(await get("/api/usage/token/")).toMatchObject({
    data: { total_granted: 50_000_000, total_used: 5_000_000, total_available: 45_000_000 },
  });
  expect(await get("/api/status")).toMatchObject({ data: { quota_per_unit: 500_000 } });
  expect(await get("/api/v1/credits")).toEqual({ data: { total_credits: 100, total_usage: 10 } });
  expect(await get("/user/balance")).toMatchObject({
    is_available: true,
    balance_infos: [{ currency: "USD", total_balance: "90.00" }],
  });
  expect(await get("/v1/user/info")).toMatchObject({ data: { totalBalance: "90" } });
  expect(await get("/v1/users/me/balance")).toMatchObject({ data: { available_balance: 90 } });
  expect(await get("/v1/organization/costs")).toMatchObject({
    data: [{ results: [{ amount: { value: 10, currency: "usd" } }] }],
  });
  sandbox.set({ balance: 1.5 });
  expect(await get("/v1/billing")).toEqual({ remaining: 1.5 });
});

it("needs a key for balances, but not for the relay's status", async () => {
  expect((await fetch(`${sandbox.url}/v1/billing`)).status).toBe(401);
  expect((await fetch(`${sandbox.url}/api/status`)).status).toBe(200);
});
