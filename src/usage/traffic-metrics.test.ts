import { describe, expect, test } from "vitest";
import { errorTypes } from "../core/errors.ts";
import { catalogue, type Definition } from "../metrics/catalogue.ts";
import { Registry } from "../metrics/registry.ts";
import { TrafficMetrics } from "./traffic-metrics.ts";
import type { Usage } from "./usage.ts";

const usage: Usage = {
  id: "00000000-0000-7000-8000-000000000000",
  startedAt: 0,
  traceId: "",
  app: "shop",
  team: "",
  probe: false,
  route: "",
  upstream: "up",
  endpoint: "chat",
  modelRequested: "gpt-4.1",
  modelSent: "gpt-4.1",
  modelLabel: "gpt-4.1",
  streaming: false,
  method: "POST",
  path: "/v1/chat/completions",
  bytesIn: 0,
  status: 200,
  errorType: undefined,
  errorCode: undefined,
  modelAnswered: "gpt-4.1",
  upstreamRequestId: "",
  serviceTier: "",
  quantities: {},
  source: "reported",
  billable: true,
  cost: 0n,
  listCost: undefined,
  durationMs: 1000,
  firstTokenMs: undefined,
  firstByteMs: undefined,
  sentMs: undefined,
  overheadMs: 0,
  bytesOut: 0,
  retries: 0,
};

function setUp(maxModels = 200) {
  const registry = new Registry();
  const traffic = new TrafficMetrics(registry, { maxModels });
  const call = (changes: Partial<Usage> = {}) => {
    const whole = { ...usage, ...changes };
    traffic.settled(traffic.started(whole), whole);
  };
  /** The series of a metric that are not zero, or all of them, as `labels` → value. */
  const read = (definition: Definition, all = false) =>
    Object.fromEntries(
      (registry.source(definition.name)?.series ?? []).flatMap(({ labels, read }) => {
        const value = read();
        const flat =
          typeof value === "object" ? { n: value.counts.reduce((a, b) => a + b), sum: value.sum } : value;
        const isZero = typeof flat === "object" ? flat.n === 0 : Number(flat) === 0;
        return isZero && !all ? [] : [[labels.values.join(" "), flat]];
      }),
    );
  return { traffic, call, read };
}

describe("series at zero", () => {
  test("of the foreseen statuses and of every error type exist before the first call", () => {
    const { traffic, read } = setUp();
    traffic.prepare({ upstream: "up", models: ["a", "b"], endpoints: ["chat", "models"], apps: ["shop"] });
    const requests = read(catalogue.requests, true);
    expect(Object.keys(requests)).toHaveLength(2 * 2 * 3);
    for (const status of [200, 429, 500]) expect(requests[`up a chat shop ${status} POST`]).toBe(0);
    expect(requests["up a models shop 200 GET"]).toBe(0);
    const errors = Object.keys(read(catalogue.errors, true)).filter((labels) =>
      labels.startsWith("up b chat"),
    );
    expect(new Set(errors.map((labels) => labels.split(" ")[3]))).toEqual(new Set(errorTypes));
  });

  test("exist from the start of the first call of what was not prepared", () => {
    const { traffic, read } = setUp();
    traffic.started(usage);
    expect(read(catalogue.requests, true)).toHaveProperty("up gpt-4.1 chat shop 500 POST", 0);
    expect(read(catalogue.cost, true)).toEqual({ "up gpt-4.1 shop": 0n });
  });
});

describe("a call", () => {
  test("is in flight until it is settled, and counts itself in the concurrency", () => {
    const { traffic, read } = setUp();
    const first = traffic.started(usage);
    traffic.started({ ...usage, app: "other-app" });
    expect(read(catalogue.inFlight)).toEqual({ "up gpt-4.1": 2 });
    expect(read(catalogue.concurrency)).toEqual({ "up gpt-4.1": { n: 2, sum: 3 } });
    traffic.settled(first, usage);
    expect(read(catalogue.inFlight)).toEqual({ "up gpt-4.1": 1 });
  });

  test("is counted by status, error, duration and overhead", () => {
    const { call, read } = setUp();
    call({ overheadMs: 0.5 });
    call({ status: 503, errorType: "upstream_5xx", modelAnswered: "", durationMs: 250 });
    expect(read(catalogue.requests)).toEqual({
      "up gpt-4.1 chat shop 200 POST": 1,
      "up gpt-4.1 chat shop 503 POST": 1,
    });
    expect(read(catalogue.errors)).toEqual({ "up gpt-4.1 chat upstream_5xx 503": 1 });
    expect(read(catalogue.duration)).toEqual({
      "up gpt-4.1 chat gpt-4.1  POST": { n: 1, sum: 1 },
      "up gpt-4.1 chat  upstream_5xx POST": { n: 1, sum: 0.25 },
    });
    expect(read(catalogue.overhead)).toEqual({ chat: { n: 2, sum: 0.0005 } });
  });

  test.each([0, 99, 600, 200.5, Number.NaN])("with the status %s is counted as other", (status) => {
    const { call, read } = setUp();
    call({ status });
    expect(read(catalogue.requests)).toEqual({ "up gpt-4.1 chat shop other POST": 1 });
  });

  test("with an invented method is counted as other", () => {
    const { call, read } = setUp();
    call({ method: "BREW" });
    expect(read(catalogue.requests)).toEqual({ "up gpt-4.1 chat shop 200 other": 1 });
  });
});

describe("tokens", () => {
  test("are counted by kind, parts beside their whole", () => {
    const { call, read } = setUp();
    const quantities = {
      inputTokens: 100,
      cachedInputTokens: 40,
      cacheWrite5mTokens: 20,
      cacheWrite1hTokens: 10,
      audioInputTokens: 5,
      outputTokens: 50,
      reasoningTokens: 30,
      audioOutputTokens: 2,
    };
    call({ quantities });
    call({ quantities: { inputTokens: 1 } });
    const key = "up gpt-4.1 shop";
    expect(read(catalogue.inputTokens)).toEqual({ [key]: 101 });
    expect(read(catalogue.cachedInputTokens)).toEqual({ [key]: 40 });
    expect(read(catalogue.cacheWriteInputTokens)).toEqual({ [key]: 30 });
    expect(read(catalogue.outputTokens)).toEqual({ [key]: 50 });
    expect(read(catalogue.reasoningOutputTokens)).toEqual({ [key]: 30 });
    expect(read(catalogue.audioTokens)).toEqual({ [key]: 7 });
    expect(read(catalogue.tokensPerCall)).toEqual({
      "up gpt-4.1 chat input gpt-4.1": { n: 2, sum: 101 },
      "up gpt-4.1 chat output gpt-4.1": { n: 1, sum: 50 },
    });
  });

  test("without a price are unpriced, and cost nothing", () => {
    const { call, read } = setUp();
    call({ cost: undefined, quantities: { inputTokens: 3, outputTokens: 4 } });
    call({ cost: 5n, listCost: 7n, quantities: { inputTokens: 3 } });
    expect(read(catalogue.unpricedTokens)).toEqual({ "up gpt-4.1": 7 });
    expect(read(catalogue.cost)).toEqual({ "up gpt-4.1 shop": 5n });
    expect(read(catalogue.listCost)).toEqual({ "up gpt-4.1 shop": 7n });
  });

  test("have a provenance only where usage is expected", () => {
    const { call, read } = setUp();
    call({ source: "partial" });
    call({ source: "missing", billable: false });
    expect(read(catalogue.usageRecords)).toEqual({ "up gpt-4.1 partial": 1 });
  });
});

describe("a stream", () => {
  const stream = { streaming: true, durationMs: 2100, firstTokenMs: 100 } as const;

  test("has a time to first token and a time per output token after it", () => {
    const { call, read } = setUp();
    call({ ...stream, quantities: { outputTokens: 11 } });
    expect(read(catalogue.firstToken)).toEqual({ "up gpt-4.1 chat gpt-4.1": { n: 1, sum: 0.1 } });
    expect(read(catalogue.perOutputToken)).toEqual({ "up gpt-4.1 chat gpt-4.1": { n: 1, sum: 0.2 } });
  });

  test.each<[string, Partial<Usage>]>([
    ["one output token", { quantities: { outputTokens: 1 } }],
    ["no output tokens", { quantities: {} }],
    ["estimated usage", { quantities: { outputTokens: 11 }, source: "estimated" }],
    ["no first token", { quantities: { outputTokens: 11 }, firstTokenMs: undefined }],
    ["no streaming", { quantities: { outputTokens: 11 }, streaming: false }],
  ])("with %s has no time per output token", (_, changes) => {
    const { call, read } = setUp();
    call({ ...stream, ...changes });
    expect(read(catalogue.perOutputToken)).toEqual({});
  });
});

describe("the model that answered", () => {
  const answered = (changes: Partial<Usage>, maxModels?: number) => {
    const { call, read } = setUp(maxModels);
    call(changes);
    return Object.keys(read(catalogue.duration)).map((labels) => labels.split(" ")[3]);
  };

  test.each([
    ["gpt-4.1", "gpt-4.1-2025-04-14"],
    ["gemini-2.0-flash", "gemini-2.0-flash-001"],
    ["claude-sonnet-4-5", "claude-sonnet-4-5-20250929"],
    ["openai/gpt-4.1", "gpt-4.1"],
  ])("is told where it is a version of %s: %s", (sent, name) => {
    expect(answered({ modelSent: sent, modelLabel: sent, modelAnswered: name })).toEqual([name]);
  });

  test.each([
    ["gpt-4o", "gpt-4o-mini"],
    ["gpt-4.1", "gpt-4.1-2025-04-14-and-then-some-more"],
    ["gpt-4.1", "llama"],
  ])("is other where it is something else than %s: %s", (sent, name) => {
    expect(answered({ modelSent: sent, modelLabel: sent, modelAnswered: name })).toEqual(["other"]);
  });

  test("is the model's bounded label where the upstream echoes an invented name", () => {
    expect(answered({ modelSent: "invented", modelLabel: "other", modelAnswered: "invented" })).toEqual([
      "other",
    ]);
    expect(answered({ modelSent: "x", modelLabel: "other", modelAnswered: "x-1" })).toEqual(["other"]);
  });

  test("is bounded in number, and the overflow is counted", () => {
    const { call, read } = setUp(2);
    for (let day = 1; day <= 9; day++) call({ modelAnswered: `gpt-4.1-2025010${day}` });
    expect(Object.keys(read(catalogue.duration))).toHaveLength(3);
    expect(read(catalogue.labelOverflow)).toEqual({ response_model: 7 });
  });
});

test("rejections, retries and rate limits are counted as they are told", () => {
  const { traffic, read } = setUp();
  expect(read(catalogue.rejected, true)).toEqual({ "anonymous auth": 0 });
  traffic.rejected("shop", "auth");
  traffic.retried("up", "rate_limit");
  traffic.rateLimit("up", "gpt-4.1", "tokens", { remaining: 0, limit: undefined });
  traffic.rateLimit("up", "gpt-4.1", "requests", { remaining: 7, limit: 10 });
  expect(read(catalogue.rejected)).toEqual({ "shop auth": 1 });
  expect(read(catalogue.retries)).toEqual({ "up rate_limit": 1 });
  expect(read(catalogue.rateLimitRemaining, true)).toEqual({
    "up gpt-4.1 tokens": 0,
    "up gpt-4.1 requests": 7,
  });
  expect(read(catalogue.rateLimitLimit, true)).toEqual({ "up gpt-4.1 requests": 10 });
});
