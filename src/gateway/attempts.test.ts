/** Which attempt follows one that failed: the same place again, another key, another place, or none. */
import { describe, expect, it } from "vitest";
import { BellwetherError } from "../core/errors.ts";
import { RetryBudgets } from "../upstreams/retry-budget.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import { Attempts, type Failure, retryAfterOf } from "./attempts.ts";
import type { Place } from "./places.ts";

const RETRIES = {
  attempts: 3,
  backoff: 100,
  on: new Set<number | "connect" | "reset">(["connect", 429, 503]),
};

function place(name: string, more: object = {}, model = "m"): Place {
  return { upstream: { name, retries: RETRIES, ...more } as unknown as Upstream, model };
}

const status = (code: number, retryAfterMs?: number, anotherKey = false): Failure => ({
  ...{ status: code, retryAfterMs, anotherKey },
});
const failed = (
  code: "upstream_unreachable" | "upstream_first_byte_timeout" | "body_too_large",
): Failure => ({
  error: new BellwetherError(code, { upstream: "a", why: "x", limit: 1, seconds: 1 }),
});

function world(first: Place, others: readonly Place[] = [], unwell: readonly Place[] = []) {
  const budgets = new RetryBudgets();
  const deadline = 60_000;
  const attempts = new Attempts(first, others, {
    budgets,
    deadline,
    isWell: (each) => !unwell.includes(each),
  });
  /** Where the call goes on, after how long. */
  const next = (failure: Failure, now = 0, random = 0.5) => {
    const found = attempts.next(failure, now, random);
    return found && `${found.place.upstream.name} ${found.waitMs}`;
  };
  return { attempts, budgets, next };
}

describe("the same place", () => {
  it("is asked again as often as configured, after pauses that grow", () => {
    const { next } = world(place("a"));
    expect([1, 2, 3].map(() => next(status(503)))).toEqual(["a 50", "a 100", undefined]);
  });

  it("is asked again only after what may pass, and not when what it was sent may have been worked on", () => {
    const once = (failure: Failure) => world(place("a")).next(failure);
    expect(once(failed("upstream_unreachable"))).toBe("a 50");
    expect(once(failed("upstream_first_byte_timeout"))).toBeUndefined();
    expect([400, 401, 500, 503].map((code) => once(status(code)))).toEqual([
      ...[undefined, undefined, undefined],
      "a 50",
    ]);
    expect(world(place("a", { retries: undefined })).next(status(503))).toBeUndefined();
  });

  it("is waited for as long as it asks, and given up when that is too long", () => {
    expect(world(place("a")).next(status(429, 20_000))).toBe("a 20000");
    expect(world(place("a")).next(status(429, 30_001))).toBeUndefined();
    expect(world(place("a"), [place("b")]).next(status(429, 30_001))).toBe("b 0");
    expect(world(place("a")).next(status(429, 10))).toBe("a 50");
  });

  it("is not asked again after the call's deadline", () => {
    const { next } = world(place("a"), [place("b")]);
    expect(next(status(429, 20_000), 40_000)).toBe("b 0");
    expect(next(status(503), 59_999, 0)).toBe("b 0");
    expect(next(status(503), 60_000)).toBeUndefined();
  });

  it("is not asked more often than its budget of retries allows", () => {
    const { budgets } = world(place("a"));
    const saved = () => Array.from({ length: 20 }, () => budgets.mayRetry("a")).filter(Boolean).length;
    expect(saved()).toBe(10);
    for (let call = 0; call < 25; call++) budgets.called("a");
    expect(saved()).toBe(2);
    for (let call = 0; call < 1_000; call++) budgets.called("a");
    expect(saved()).toBe(10);
    const { attempts } = world(place("a"));
    expect(attempts.next(status(503), 0, 0)).toBeDefined();
    const spent = new Attempts(place("a"), [], { budgets, deadline: 1, isWell: () => true });
    expect(spent.next(status(503), 0, 0)).toBeUndefined();
  });

  it("is left alone once its breaker has opened, where there is another", () => {
    const [a, b] = [place("a"), place("b")];
    expect(world(a, [b], [a]).next(status(503))).toBe("b 0");
    expect(world(a, [], [a]).next(status(503))).toBe("a 50");
  });
});

describe("another key", () => {
  it("is tried at once, each key once, before anything else", () => {
    const { next } = world(place("a", { apiKeys: ["k1", "k2", "k3"], retries: undefined }), [place("b")]);
    expect([1, 2, 3].map(() => next(status(401, undefined, true)))).toEqual(["a 0", "a 0", "b 0"]);
    const limited = world(place("a", { apiKeys: ["k1", "k2"] }), []);
    expect(limited.next(status(429, 5_000, true))).toBe("a 0");
    expect(limited.next(status(429, 5_000, true))).toBe("a 5000");
    expect(limited.next(status(401, undefined, true), 60_000)).toBeUndefined();
  });
});

describe("another place", () => {
  const [a, b, c] = [place("a", { retries: undefined }), place("b"), place("c")];

  it("comes in its order, those that are unwell last, each with tries and keys of its own", () => {
    const { next } = world(a, [b, c], [b]);
    expect([1, 2, 3, 4, 5].map(() => next(status(500)))).toEqual(["c 0", "b 0", ...Array(3).fill(undefined)]);
    const again = world(place("a"), [b]);
    const all = Array.from({ length: 7 }, () => again.next(status(503), 0, 0));
    expect(all).toEqual(["a 0", "a 0", "b 0", "b 0", "b 0", undefined, undefined]);
    const keys = { apiKeys: ["k1", "k2"], retries: undefined };
    const keyed = world(place("a", keys), [place("b", keys)]);
    expect([1, 2, 3, 4].map(() => keyed.next(status(401, undefined, true)))).toEqual([
      ...["a 0", "b 0", "b 0"],
      undefined,
    ]);
  });

  it("is asked after what may be the upstream's own trouble, never after the client's", () => {
    const once = (failure: Failure) => world(a, [b]).next(failure);
    for (const code of [401, 403, 408, 409, 429, 500, 529]) expect(once(status(code))).toBe("b 0");
    for (const code of [400, 404, 413, 422]) expect(once(status(code))).toBeUndefined();
    expect(once(failed("upstream_first_byte_timeout"))).toBe("b 0");
    expect(once(failed("body_too_large"))).toBeUndefined();
  });

  it("may be asked beside the first, once, out of the same budget, for the same model and where it is well", () => {
    const other = place("d", {}, "n");
    const { attempts } = world(a, [other, b, c], [b]);
    expect(attempts.beside(60_000)).toBeUndefined();
    expect(attempts.beside(0)).toBe(c);
    expect([attempts.beside(0), attempts.mayHedge]).toEqual([undefined, false]);
    expect(attempts.next(status(500), 0, 0)?.place).toBe(other);
    const { attempts: poor, budgets } = world(a, [c]);
    while (budgets.mayRetry("a"));
    expect([poor.beside(0), poor.mayHedge]).toEqual([undefined, true]);
  });
});

it("reads how long an answer asks to wait, the finer header first", () => {
  const now = Date.UTC(2026, 2, 13, 12);
  const wait = (...headers: string[]) => retryAfterOf(headers, now);
  expect(wait("Retry-After", "2", "retry-after-ms", "1500.2")).toBe(1_501);
  expect(wait("retry-after", "0.25")).toBe(250);
  expect(wait("retry-after", new Date(now + 3_000).toUTCString())).toBe(3_000);
  expect(wait("retry-after", new Date(now - 3_000).toUTCString())).toBe(0);
  expect(wait("retry-after", "soon", "x", "1")).toBeUndefined();
});
