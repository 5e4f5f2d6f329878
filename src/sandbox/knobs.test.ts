import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Delay, KnobError, knobsOfModel, modelKnobs, readKnobHeader, readKnobs } from "./knobs.ts";
import { Random } from "./random.ts";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "./server.ts";

describe("reading", () => {
  it("reads a header of several knobs, flags without a value included", () => {
    expect(readKnobHeader("status=429; early; cut=utf8;usage=none; informational=102,103; ")).toEqual({
      status: 429,
      early: true,
      cut: "utf8",
      usage: "none",
      informational: [102, 103],
    });
  });

  it.each(["nonsense=1", "status=99", "usage=some", "cut=0", "early=maybe", "latency=uniform(5,1)"])(
    "refuses %s and says what would fit",
    (header) => {
      expect(() => readKnobHeader(header)).toThrow(KnobError);
    },
  );

  it("takes statuses from model names", () => {
    expect(knobsOfModel("sandbox-503")).toEqual({ status: 503 });
    expect(knobsOfModel("sandbox-hang-stream")).toEqual({ hang: "stream", after: 3 });
    expect(knobsOfModel("gpt-4.1")).toEqual({});
    for (const values of Object.values(modelKnobs)) expect(() => readKnobs(values)).not.toThrow();
  });
});

describe("delays", () => {
  const samples = (text: string): number[] => {
    const random = new Random(7);
    return Array.from({ length: 20_000 }, () => Delay.parse(text).sample(random)).sort((a, b) => a - b);
  };

  it("is fixed when a number is given", () => {
    expect(Delay.parse(250).sample(new Random(1))).toBe(250);
  });

  it("spreads evenly between two bounds", () => {
    const drawn = samples("uniform(100,300)");
    expect(drawn[0]).toBeGreaterThanOrEqual(100);
    expect(drawn.at(-1)).toBeLessThan(300);
    expect(drawn[10_000]).toBeCloseTo(200, -1);
  });

  it("meets its median and 99th percentile when lognormal", () => {
    const drawn = samples("lognormal(200, 900)");
    expect((drawn[10_000] ?? 0) / 200).toBeCloseTo(1, 1);
    expect((drawn[19_800] ?? 0) / 900).toBeCloseTo(1, 1);
  });
});

describe("in force", () => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await startSandbox();
  });
  afterAll(() => sandbox.close());
  beforeEach(() => sandbox.reset());

  const ask = (model = "gpt-4.1", knobs = "", more = {}) =>
    fetch(`${sandbox.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${SANDBOX_KEY}`, "x-sandbox": knobs },
      body: JSON.stringify({ model, messages: [{ role: "user", content: "hello" }], ...more }),
    });
  const admin = (path: string, method = "GET", body?: unknown) =>
    fetch(`${sandbox.url}/sandbox/${path}`, { method, body: body ? JSON.stringify(body) : null });
  const usageOf = async (response: Response) =>
    ((await response.json()) as { usage: Record<string, unknown> }).usage;

  it("sets knobs for all calls by the admin endpoint, shows and clears them", async () => {
    const set = await admin("knobs", "POST", { status: 503, latency: "uniform(0,1)" });
    expect(await set.json()).toEqual({ status: 503, latency: "uniform(0,1)" });
    expect((await ask()).status).toBe(503);
    expect(await (await admin("knobs")).json()).toEqual({ status: 503, latency: "uniform(0,1)" });
    expect(await (await admin("knobs", "DELETE")).json()).toEqual({});
    expect((await ask()).status).toBe(200);
    const wrong = await admin("knobs", "POST", { nonsense: 1 });
    expect(wrong.status).toBe(400);
    expect(await wrong.text()).toContain("no knob is called nonsense");
  });

  it("lets the model win over all calls, and the header over the model", async () => {
    sandbox.set({ status: 500 });
    expect((await ask("sandbox-429")).status).toBe(429);
    expect((await ask("sandbox-429", "status=418")).status).toBe(418);
  });

  it("reports the counts it is told", async () => {
    const usage = await usageOf(await ask("gpt-4.1", "input=900; cached=100; output=7"));
    expect(usage).toMatchObject({
      prompt_tokens: 900,
      completion_tokens: 7,
      prompt_tokens_details: { cached_tokens: 100 },
    });
    expect(await usageOf(await ask("gpt-4.1", "usage=none"))).toBeUndefined();
    const thinking = await usageOf(await ask("gpt-4.1", "reasoning=5; output=7"));
    expect(thinking).toMatchObject({
      completion_tokens: 12,
      completion_tokens_details: { reasoning_tokens: 5 },
    });
  });

  it("makes big answers", async () => {
    const answer = (await (await ask("gpt-4.1", "size=3000000")).json()) as {
      choices: { message: { content: string } }[];
    };
    expect(answer.choices[0]?.message.content).toHaveLength(3_000_000);
  });

  it("answers under another model's name, and for models it does not know, when told", async () => {
    const other = (await (await ask("gpt-4.1", "answerModel=gpt-4.1-2025-04-14")).json()) as {
      model: string;
    };
    expect(other.model).toBe("gpt-4.1-2025-04-14");
    expect((await ask("made-up")).status).toBe(404);
    expect((await ask("made-up", "anyModel")).status).toBe(200);
    expect((await ask("gpt-4.1-2025-04-14")).status).toBe(200);
  });

  it("fails the share of calls it is told, the same ones for the same seed", async () => {
    const outcomes = async () => {
      const statuses = [];
      for (let call = 0; call < 60; call++) statuses.push((await ask("gpt-4.1", "failRate=0.3")).status);
      return statuses;
    };
    const first = await outcomes();
    sandbox.reset();
    expect(await outcomes()).toEqual(first);
    const failed = first.filter((status) => status === 500).length;
    expect(failed).toBeGreaterThan(8);
    expect(failed).toBeLessThan(30);
    await expect(ask("gpt-4.1", "failRate=1; failWith=reset")).rejects.toThrow();
  });

  it("waits before the head, before the first event and between tokens", async () => {
    const start = performance.now();
    await (await ask("gpt-4.1", "latency=40")).text();
    expect(performance.now() - start).toBeGreaterThanOrEqual(39);
    const begun = performance.now();
    const stream = await ask("gpt-4.1", "firstToken=40; tokensPerSecond=200; output=11", { stream: true });
    await stream.text();
    expect(performance.now() - begun).toBeGreaterThanOrEqual(88);
  });

  it("explains itself", async () => {
    const text = await (await fetch(`${sandbox.url}/sandbox`)).text();
    expect(text).toContain('"simulated": true');
    expect(text).toContain("tokensPerSecond");
    expect((await admin("nothing")).status).toBe(404);
  });
});

it("knobs that were read from a header can be set like written ones", () => {
  const { firstToken } = readKnobs(readKnobHeader("firstToken=lognormal(200,900)"));
  expect(firstToken).toMatchObject({ text: "lognormal(200,900)" });
});
