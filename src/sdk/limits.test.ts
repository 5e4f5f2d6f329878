/** The app's own limits: calls and tokens per period, and calls at a time. */
import OpenAI from "openai";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { soon } from "../../test/helpers/until.ts";
import { systemClock } from "../core/clock.ts";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../sandbox/server.ts";
import { Concurrency } from "./concurrency.ts";
import { createMeter, type MeterOptions, type Usage } from "./index.ts";
import { type Grant, RateLimit } from "./rate-limit.ts";

/** A clock that stands where it is put. */
function handClock() {
  const clock = { now: 0, wall: () => clock.now, monotonic: () => clock.now };
  return clock;
}

const granted = (answer: unknown): answer is Grant => typeof (answer as Grant).used === "function";

describe("RateLimit", () => {
  it("admits so many calls within any period, not more at its border", () => {
    const clock = handClock();
    const limit = new RateLimit({ calls: 2, per: 1000, whenExceeded: "reject" }, clock);
    const admitted = [0, 900, 950, 999, 1000, 1001, 1899, 1900].map((at) => {
      clock.now = at;
      return granted(limit.admit(0, undefined));
    });
    expect(admitted).toEqual([true, true, false, false, true, false, false, true]);
  });

  it("says when the next call would be admitted", () => {
    const clock = handClock();
    const limit = new RateLimit({ calls: 1, per: 1000, whenExceeded: "reject" }, clock);
    void limit.admit(0, undefined);
    clock.now = 300;
    expect(limit.admit(0, undefined)).toEqual({ reason: "rate", retryAfter: 700 });
  });

  it("takes tokens by estimate, and gives back what was not used", () => {
    const clock = handClock();
    const limit = new RateLimit({ tokens: 100, per: 1000, whenExceeded: "reject" }, clock);
    const first = limit.admit(80, undefined) as Grant;
    expect(limit.admit(80, undefined)).toEqual({ reason: "tokens", retryAfter: 1000 });
    first.used(20);
    expect(granted(limit.admit(80, undefined))).toBe(true);
    expect(granted(limit.admit(1, undefined))).toBe(false);
    clock.now = 1000;
    // What left the window cannot be corrected any more.
    first.used(0);
    expect(granted(limit.admit(100, undefined))).toBe(true);
  });

  it("lets a call that is larger than the limit go alone", () => {
    const limit = new RateLimit({ tokens: 100, whenExceeded: "reject" }, handClock());
    expect(granted(limit.admit(500, undefined))).toBe(true);
    expect(granted(limit.admit(1, undefined))).toBe(false);
  });

  it("admits who waits in order, and forgets who left", async () => {
    const real = { wall: () => Date.now(), monotonic: () => performance.now() };
    const limit = new RateLimit({ calls: 1, per: 30 }, real);
    const order: string[] = [];
    const app = new AbortController();
    const wait = async (name: string, signal?: AbortSignal) => {
      await limit.admit(0, signal);
      order.push(name);
    };
    const gone = [wait("a"), wait("b"), wait("left", app.signal), wait("c")];
    app.abort(new Error("left"));
    await expect(gone[2]).rejects.toThrow("left");
    await Promise.all([gone[0], gone[1], gone[3]]);
    expect(order).toEqual(["a", "b", "c"]);
  });
});

describe("Concurrency", () => {
  it("hands a place on to who waits longest, and skips who left", async () => {
    const places = new Concurrency(1);
    expect(places.enter(undefined)).toBe(true);
    const app = new AbortController();
    const first = places.enter(app.signal);
    let entered = false;
    const second = Promise.resolve(places.enter(undefined)).then(() => {
      entered = true;
    });
    app.abort(new Error("left"));
    await expect(first).rejects.toThrow("left");
    expect(entered).toBe(false);
    places.leave();
    await second;
    places.leave();
    expect(places.enter(undefined)).toBe(true);
  });
});

describe("a meter with limits", () => {
  let relay: Sandbox;
  beforeAll(async () => {
    relay = await startSandbox();
  });
  afterAll(() => relay.close());
  beforeEach(() => relay.reset());
  /** From here on time passes only when the test says so. */
  function stopTheClock(): void {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    vi.spyOn(systemClock, "monotonic").mockImplementation(() => performance.now());
  }
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  const body = { model: "gpt-4.1", messages: [{ role: "user" as const, content: "hello" }] };
  function appWith(options: MeterOptions) {
    const records: Usage[] = [];
    const meter = createMeter({
      upstream: "relay",
      app: "shop",
      onUsage: (usage) => records.push(usage),
      ...options,
    });
    const settings = { apiKey: SANDBOX_KEY, baseURL: `${relay.url}/v1`, fetch: meter.fetch, maxRetries: 0 };
    return { client: new OpenAI(settings), meter, records };
  }

  it("answers a call too many as the API would, and does not send it", async () => {
    stopTheClock();
    const { client, meter, records } = appWith({ rateLimit: { calls: 1, whenExceeded: "reject" } });
    await client.chat.completions.create(body);
    const before = relay.books.calls;
    const error = await client.chat.completions.create(body).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OpenAI.RateLimitError);
    expect(error).toMatchObject({ status: 429, code: "local_rate_limit" });
    expect((error as InstanceType<typeof OpenAI.APIError>).headers?.get("retry-after")).toBe("60");
    expect(relay.books.calls).toBe(before);
    expect(records[1]).toMatchObject({
      upstream: "relay",
      status: 429,
      errorType: "rejected",
      errorCode: "local_rate_limit",
      billable: false,
      cost: 0n,
    });
    expect(await meter.metrics()).toContain('bellwether_rejected_total{app="shop",reason="rate"} 1\n');
  });

  it("counts the tokens that calls really used", async () => {
    const { client } = appWith({ rateLimit: { tokens: 60, whenExceeded: "reject" } });
    const first = await client.chat.completions.create({ ...body, max_tokens: 30 });
    expect(first.usage?.total_tokens).toBeLessThan(60);
    await expect(client.chat.completions.create({ ...body, max_tokens: 30 })).rejects.toMatchObject({
      code: "local_rate_limit",
    });
  });

  it("lets a call too many wait", async () => {
    stopTheClock();
    const { client, records } = appWith({ rateLimit: { calls: 1, per: 100 } });
    const calls = Promise.all([1, 2, 3].map(() => client.chat.completions.create(body)));
    for (const answered of [1, 2, 3]) {
      await soon(() => records.length, answered);
      expect(relay.books.calls).toBe(answered);
      vi.advanceTimersByTime(110);
    }
    await calls;
    expect(records.map(({ durationMs, overheadMs }) => [durationMs, overheadMs])).toEqual([
      [0, 0],
      [110, 0],
      [220, 0],
    ]);
  });

  it("has so many calls in flight and no more, whatever becomes of them", async () => {
    const { client, records } = appWith({ concurrency: 2 });
    const knobs = (text: string) => ({ headers: { "x-sandbox": text } });
    await Promise.allSettled([
      client.chat.completions.create(body, knobs("latency=40")),
      client.chat.completions.create(body, knobs("reset=head")),
      client.chat.completions.create(body, knobs("status=500")),
      client.chat.completions.create(body, { ...knobs("hang=head"), timeout: 60 }),
      client.chat.completions.create(body, knobs("latency=20")),
      client.chat.completions.create(body, knobs("latency=20")),
    ]);
    expect(records).toHaveLength(6);
    // The one that was given up may still be open there for a moment.
    expect(relay.books.peak).toBeLessThanOrEqual(3);
  });

  it("turns calls away where it is told to", async () => {
    const { client } = appWith({ concurrency: { limit: 1, whenFull: "reject" } });
    const slow = client.chat.completions.create(body, { headers: { "x-sandbox": "latency=80" } });
    await expect(client.chat.completions.create(body)).rejects.toMatchObject({
      code: "local_concurrency_limit",
    });
    await slow;
    await client.chat.completions.create(body);
  });
});
