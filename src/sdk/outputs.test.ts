/** What a meter tells: its page, prom-client, a port, statistics, OpenTelemetry. */
import { metrics as api, trace } from "@opentelemetry/api";
import { Registry as PromClientRegistry } from "prom-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../sandbox/server.ts";
import { createMeter, type Meter, type MeterOptions } from "./index.ts";

let relay: Sandbox;
beforeAll(async () => {
  relay = await startSandbox();
});
afterAll(() => relay.close());

async function call(meter: Meter, model = "gpt-4.1", more: object = {}): Promise<void> {
  const response = await meter.fetch(`${relay.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${SANDBOX_KEY}` },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "hello" }], ...more }),
  });
  await response.text();
}

async function used(options: MeterOptions = {}): Promise<Meter> {
  const meter = createMeter({ upstream: "relay", app: 'sh"op', ...options });
  await call(meter);
  await call(meter, "gpt-4.1", { stream: true });
  await call(meter, "sandbox-429");
  return meter;
}

/** Sample lines without comments, in order. */
const samples = (page: string) =>
  page
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .sort();

describe("metrics()", () => {
  it("writes any profile, as text or as OpenMetrics", async () => {
    const meter = await used();
    expect(await meter.metrics()).toContain('status="429"} 1\n');
    expect(await meter.metrics({ profile: "holysheep" })).toContain("holysheep_requests_total{");
    const open = await meter.metrics({ profile: ["llm", "genai"], accept: "application/openmetrics-text" });
    expect(open.endsWith("# EOF\n")).toBe(true);
    await expect(meter.metrics({ profile: "nobody" })).rejects.toThrow("nobody");
  });
});

describe("register()", () => {
  it.each([undefined, "holysheep", "llm"])(
    "shows prom-client's scrapers what the meter's page shows (%s)",
    async (profile) => {
      const meter = createMeter({ app: 'sh"op' });
      const registry = new PromClientRegistry();
      // Before any call: what comes later is seen as well.
      meter.register(registry, profile);
      await call(meter);
      await call(meter, "gpt-4.1", { stream: true });
      const number = (line: string) => line.replaceAll(/le="(\d+)\.0"/g, 'le="$1"');
      const theirs = samples(await registry.metrics()).map(number);
      expect(theirs.length).toBeGreaterThan(10);
      expect(theirs).toEqual(
        samples(await meter.metrics(profile === undefined ? {} : { profile })).map(number),
      );
      const types = (await registry.metrics()).match(/^# TYPE \S+ \w+$/gm);
      expect(types).toContainEqual(expect.stringMatching(/_total counter$/));
      registry.resetMetrics();
      expect(samples(await registry.metrics())).toHaveLength(theirs.length);
    },
  );
});

describe("serve()", () => {
  it("serves the page, its profiles, and says what is wrong", async () => {
    const meter = await used();
    const server = await meter.serve(0);
    const page = await fetch(server.url);
    expect(page.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await page.text()).toBe(await meter.metrics());
    expect(await (await fetch(`${server.url}?profile=llm`)).text()).toContain("llm_requests_total{");
    expect((await fetch(`${server.url}?profile=nobody`)).status).toBe(400);
    expect((await fetch(server.url.replace("metrics", "elsewhere"))).status).toBe(404);
    await expect(meter.serve(server.port)).rejects.toMatchObject({ code: "EADDRINUSE" });
    await server.close();
    await expect(fetch(server.url)).rejects.toThrow();
  });
});

describe("stats()", () => {
  it("sums up calls, errors, tokens and money, in all and by model", async () => {
    const meter = await used();
    const stats = meter.stats();
    expect(stats).toMatchObject({ calls: 3, errors: 1, successRate: 2 / 3, errorRate: 1 / 3 });
    expect(stats.errorsByType).toEqual({ rate_limit: 1 });
    expect(Object.keys(stats.byModel)).toEqual(["gpt-4.1", "sandbox-429"]);
    const account = relay.books.total({ model: "gpt-4.1" });
    const one = meter.stats({ model: "gpt-4.1" });
    expect(one.calls).toBe(2);
    expect(one.tokens.total).toBe(one.tokens.input + one.tokens.output);
    // gpt-4.1 costs 2 and 8 dollars per million tokens.
    const micros = one.tokens.input * 2 + one.tokens.output * 8;
    expect(Number(one.costUsd)).toBeCloseTo(micros / 1e6, 12);
    expect(Number(one.costPer1kTokensUsd)).toBeCloseTo((micros / 1e6 / one.tokens.total) * 1000, 11);
    expect(one.latencyMs?.p50).toBeLessThanOrEqual(one.latencyMs?.max ?? 0);
    expect(one.firstTokenMs).toBeDefined();
    expect(account.calls).toBeGreaterThanOrEqual(2);
  });

  it("looks back on so many calls only, and so far", async () => {
    const meter = createMeter({ priceFiles: [], stats: { calls: 2, window: 60_000 } });
    for (const model of ["a", "b", "c"]) await call(meter, model);
    expect(Object.keys(meter.stats().byModel).sort()).toEqual(["b", "c"]);
    const brief = createMeter({ priceFiles: [], stats: { window: 1 } });
    await call(brief);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(brief.stats()).toMatchObject({ calls: 0, successRate: 1, costUsd: "0", latencyMs: undefined });
  });
});

describe("openTelemetry", () => {
  interface Recorded {
    readonly value: number;
    readonly attributes: object;
  }

  /** Providers that keep what they are told, behind the real API. */
  function telemetry() {
    const recorded = new Map<string, Recorded[]>();
    const spans: { name: string; attributes: Record<string, unknown>; ended: boolean; status?: object }[] =
      [];
    const histogram = (name: string) => {
      const list: Recorded[] = [];
      recorded.set(name, list);
      return { record: (value: number, attributes: object) => void list.push({ value, attributes }) };
    };
    api.setGlobalMeterProvider({ getMeter: () => ({ createHistogram: histogram }) as never });
    const startSpan = (name: string, options: { attributes: object; kind: number }) => {
      const span = {
        name,
        attributes: { ...options.attributes, kind: options.kind } as Record<string, unknown>,
        ended: false,
      };
      spans.push(span);
      return {
        setAttributes: (more: object) => void Object.assign(span.attributes, more),
        setAttribute: (key: string, value: unknown) => void Object.assign(span.attributes, { [key]: value }),
        setStatus: (status: object) => void Object.assign(span, { status }),
        end: () => void Object.assign(span, { ended: true }),
      };
    };
    trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan }) as never });
    return { recorded, spans };
  }
  afterAll(() => {
    api.disable();
    trace.disable();
  });

  it("records the GenAI metrics and a client span for each call of a model, and none for others", async () => {
    const { recorded, spans } = telemetry();
    const meter = createMeter({
      preset: "openai",
      upstream: "relay",
      baseUrl: relay.url,
      openTelemetry: { metrics: api, trace },
    });
    await call(meter);
    await call(meter, "sandbox-429");
    await (
      await meter.fetch(`${relay.url}/v1/models`, { headers: { authorization: `Bearer ${SANDBOX_KEY}` } })
    ).text();
    const chat = {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-4.1",
      "gen_ai.response.model": "gpt-4.1",
      "server.address": "127.0.0.1",
    };
    const tokens = meter.stats().tokens;
    expect(recorded.get("gen_ai.client.token.usage")).toEqual([
      { value: tokens.input, attributes: { ...chat, "gen_ai.token.type": "input" } },
      { value: tokens.output, attributes: { ...chat, "gen_ai.token.type": "output" } },
    ]);
    const durations = recorded.get("gen_ai.client.operation.duration");
    expect(durations).toMatchObject([{ attributes: chat }, { attributes: { "error.type": "rate_limit" } }]);
    expect(durations?.every(({ value }) => value > 0 && value < 60)).toBe(true);
    expect(spans).toMatchObject([
      {
        name: "chat gpt-4.1",
        ended: true,
        attributes: { ...chat, kind: 2, "gen_ai.usage.output_tokens": tokens.output },
      },
      {
        name: "chat sandbox-429",
        ended: true,
        status: { code: 2 },
        attributes: { "http.response.status_code": 429 },
      },
    ]);
  });
});
