/** The limiter with real rules and counters: what is claimed, what is counted in the end, and what is said where there is no room. */
import { describe, expect, it } from "vitest";
import { parseConfig } from "../config/parse.ts";
import { BellwetherError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import { Registry } from "../metrics/registry.ts";
import type { Claim, CounterStore } from "../store/counter-store.ts";
import { MemoryCounters } from "../store/drivers/counters-memory.ts";
import { BudgetWatch } from "./budget-watch.ts";
import { type Admission, type AdmissionRequest, Limiter, nanoOf } from "./limiter.ts";
import { RuleBook, type Scope } from "./rules.ts";

const NOON = Date.UTC(2026, 2, 13, 12);
const DAY = 86_400_000;
const daily = (tokens: number, more: object = {}) => ({ tokenBudget: { tokens, per: "day", ...more } });

interface Scopes {
  readonly all?: object;
  readonly upstream?: object;
  readonly models?: object;
}

function world(config: Scopes, counters: Partial<CounterStore> = {}) {
  const { all = {}, upstream = {}, models = {} } = config;
  const upstreams = {
    relay: { baseUrl: "http://127.0.0.1:1/v1", ...upstream },
    second: { baseUrl: "http://127.0.0.1:2/v1" },
  };
  const text = JSON.stringify({ upstreams, models, limits: { all } });
  const rules = new RuleBook(parseConfig(text, "c", {}).config);
  const memory = new MemoryCounters();
  const store: CounterStore = Object.assign(memory, counters);
  const clock = { now: NOON, wall: () => clock.now, monotonic: () => clock.now - NOON };
  const warnings: string[] = [];
  const log = { warn: (_: object, message: string) => warnings.push(message) } as unknown as Logger;
  const watch = new BudgetWatch(new Registry(), clock, log);
  const away: string[] = [];
  const limiter = new Limiter({
    ...{ store, clock, log, watch, onUnavailable: (policy: string) => void away.push(policy) },
    queue: { onWaiting: () => undefined, onOver: () => undefined },
  });
  let calls = 0;
  /** The admission, or the refusal; "free" where no rule holds. */
  const ask = (more: Partial<AdmissionRequest> = {}): Admission | "free" | BellwetherError => {
    const subject = { app: "anonymous", team: "", upstream: "relay", asked: "m", model: "m", ...more };
    const request = {
      id: `c${++calls}`,
      tokens: 10,
      cost: 0,
      leaseMs: 60_000,
      downgraded: false,
      ...subject,
    };
    const held = rules.for(subject);
    if (held === undefined) return "free";
    try {
      return limiter.admit({ caller: { left: false }, ...request }, held, undefined) as Admission;
    } catch (error) {
      if (error instanceof BellwetherError) return error;
      throw error;
    }
  };
  const granted = (more: Partial<AdmissionRequest> = {}): Admission => {
    const admission = ask(more);
    if (admission === "free" || admission instanceof BellwetherError) throw new Error("not granted");
    return admission;
  };
  const used = (scope: Scope): number => {
    const rule = rules.budgets.find((each) => each.scope === scope);
    return rule === undefined ? Number.NaN : memory.used(rule.calendar.period(clock.now).key);
  };
  return { rules, clock, warnings, watch, away, ask, granted, used };
}

const spent = (tokens: number, upstream = "relay", model = "m") => ({
  ...{ quantities: { inputTokens: tokens }, cost: undefined, upstream },
  ...{ modelRequested: model, modelSent: model },
});

it("rounds what is left of a nano-dollar up, also beyond what a number holds exactly", () => {
  expect([0n, 1n, 1_000n, 1_001n, 2_999n].map(nanoOf)).toEqual([0, 1, 1, 2, 3]);
  expect(nanoOf(900_719_925_474_099_001n)).toBe(900_719_925_474_100);
  expect(nanoOf(10n ** 30n)).toBe(Number.MAX_SAFE_INTEGER);
});

describe("a limit of tokens", () => {
  it("lets a call that needs more than all of it go when nothing else is counted", () => {
    const { ask, granted } = world({ all: { limits: { tokensPerMinute: 100 } } });
    granted({ tokens: 500 });
    expect(ask({ tokens: 1 })).toMatchObject({ code: "rate_limited" });
  });

  it("counts what a call did use, once, and nothing of one that was not made", () => {
    const { granted, used } = world({ all: daily(1_000) });
    const [made, not] = [granted({ tokens: 100 }), granted({ tokens: 100 })];
    made.settle(spent(30));
    made.settle(spent(30));
    made.release();
    not.release();
    not.settle(spent(30));
    expect(used("all")).toBe(30);
  });
});

describe("a call that went on elsewhere", () => {
  const config = { all: daily(1_000), upstream: daily(1_000), models: { m: daily(1_000) } };

  it("counts where it was answered, and not where it was sent first", () => {
    const { granted, used } = world(config);
    granted().settle(spent(7, "second", "n"));
    expect([used("all"), used("upstream"), used("model")]).toEqual([7, 0, 0]);
    granted().settle(spent(7));
    expect([used("all"), used("upstream"), used("model")]).toEqual([14, 7, 7]);
    granted().settle({ ...spent(7), modelSent: "n" });
    expect(used("model")).toBe(14);
  });

  it("asks only those whom it has not asked before", () => {
    const { rules } = world({
      ...{ all: { limits: { requestsPerDay: 9 } }, upstream: { limits: { requestsPerDay: 9 } } },
      models: { m: { limits: { requestsPerDay: 9, tokensPerDay: 9 } }, n: { limits: { requestsPerDay: 9 } } },
    });
    const subject = { app: "a", team: "", upstream: "relay", asked: "m", model: "n" };
    const keys = (asked: string, from: string) =>
      rules.for({ ...subject, asked })?.further({ attempt: "fallback", from }, { ...subject, asked }).keys;
    const upstream = "requests:Day:upstream:relay";
    expect(keys("m", "m")).toEqual([upstream, "requests:Day:model:n"]);
    expect(keys("m", "n")).toEqual([upstream]);
    expect(keys("n", "m")).toEqual([upstream]);
    const hedged = { ...subject, model: "m" };
    expect(rules.for(hedged)?.further({ attempt: "hedge" }, hedged).keys).toEqual([
      upstream,
      "tokens:Day:model:m",
    ]);
  });
});

it("rules of the model asked for hold beside those of the model it is sent for, whatever was asked before", () => {
  const limits = { limits: { requestsPerDay: 9 } };
  const { rules } = world({ models: { m: limits, n: limits } });
  const keys = (asked: string, model: string) =>
    rules.for({ app: "a", team: "", upstream: "relay", asked, model })?.keys.map((key) => key.slice(-1));
  expect([keys("m", "m"), keys("n", "m"), keys("m", "n"), keys("x", "m"), keys("x", "y")]).toEqual([
    ["m"],
    ["m", "n"],
    ["n", "m"],
    ["m"],
    undefined,
  ]);
});

it("tells of the limit that has to be waited for longest", () => {
  const limits = { requestsPerSecond: 1, requestsPerHour: 1, concurrency: 9 };
  const { ask, granted } = world({ all: { limits } });
  granted();
  expect(ask()).toMatchObject({ code: "rate_limited", key: "requests:Hour:all:all" });
});

describe("a budget", () => {
  it("that downgrades says so once for a call, and grants", () => {
    const { granted } = world({ all: daily(5, { onExceeded: "downgrade", downgradeTo: "n" }) });
    expect(granted().downgrade).toEqual({ model: "n", route: "budget:all" });
    expect(granted({ downgraded: true }).downgrade).toBeUndefined();
  });

  it("in yuan is worth what its rate says, to the nano-dollar", () => {
    const { rules, ask, granted } = world({ all: { budget: { cny: 30, usdPer: 0.14, per: "week" } } });
    expect(rules.budgets.map(({ limit }) => limit)).toEqual([4_200_000_000]);
    granted({ cost: 4_200_000_000 });
    expect(ask({ cost: 1 })).toMatchObject({ code: "budget_exceeded" });
  });

  it("in dollars refuses what has no price, unless it may pass", () => {
    const budget = (more: object) => world({ all: { budget: { usd: 1, per: "day", ...more } } });
    expect(budget({}).ask({ cost: undefined })).toMatchObject({ code: "unpriced_model" });
    budget({ unpriced: "allow" }).granted({ cost: undefined });
    budget({ onExceeded: "warn" }).granted({ cost: undefined });
  });

  it("warns once at each share, and anew in the next period", () => {
    const { granted, warnings, clock, watch } = world({ all: daily(100, { warnAt: [0.5, 0.8] }) });
    for (const tokens of [40, 20, 5, 20, 5]) granted().settle(spent(tokens));
    expect(warnings.map((text) => /\d+ %/.exec(text)?.[0])).toEqual(["60 %", "85 %"]);
    const late = granted();
    clock.now += DAY;
    expect(watch.share("all", "all")).toBeUndefined();
    granted().settle(spent(55));
    expect(warnings.length).toBe(3);
    // A call of yesterday that ends now says nothing of today.
    late.settle(spent(10));
    expect(warnings.length).toBe(3);
  });
});

describe("counters that cannot be reached", () => {
  const settled: Claim[][] = [];
  const gone = {
    decide: () => {
      throw new Error("away");
    },
    settle: (_: string, claims: readonly Claim[]) => {
      settled.push([...claims]);
      return [];
    },
  };

  it("let calls go on by default, and are told what those used that does not pass by itself", () => {
    const { granted, away } = world({ all: { limits: { requestsPerDay: 1, concurrency: 1 } } }, gone);
    granted().settle(spent(1));
    granted().settle(spent(1));
    expect(away).toEqual(["open", "open"]);
    expect(settled.splice(0).map((claims) => claims.map(({ kind }) => kind))).toEqual([["slot"], ["slot"]]);
  });

  it("stop calls where a budget blocks, and give back what may have been counted", () => {
    const { ask, away } = world({ all: daily(100) }, gone);
    expect(ask()).toMatchObject({ code: "limits_unavailable", reason: "unavailable" });
    expect(away).toEqual(["closed"]);
    expect(settled.splice(0).map((claims) => claims.map(({ kind }) => kind))).toEqual([["budget"]]);
  });
});
