/** What holds of routing whatever rules, calls and figures there are. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { configSchema } from "../config/schema.ts";
import { RollingWindow } from "../core/rolling-window.ts";
import type { RequestFacts } from "../usage/dialect.ts";
import { anthropicMessages } from "../usage/dialects/anthropic-messages.ts";
import { openAiChat } from "../usage/dialects/openai-chat.ts";
import { RouteFacts } from "./facts.ts";
import type { Candidate } from "./plan.ts";
import { buildRoutingTable, plan, planAt } from "./plan.ts";
import { Router } from "./router.ts";
import { compileSplit } from "./split.ts";
import type { RoutingSurroundings } from "./surroundings.ts";
import { TrafficView } from "./traffic-view.ts";
import type { RouteStep } from "./verdict.ts";
import { Watch } from "./watch.ts";

const upstreams: Candidate[] = ["a", "b"].map((name) => ({
  name,
  dialects: new Set(["openai-chat"]),
  owns: [],
}));

function surroundings(more: Partial<RoutingSurroundings> = {}): RoutingSurroundings {
  const view = new TrafficView({ monotonic: () => 0 });
  return {
    random: () => 0.5,
    breaker: () => "closed",
    budgetShare: () => undefined,
    cost: () => undefined,
    speed: () => undefined,
    inFlight: () => 0,
    watch: (subject, bounds) => view.watch(subject, bounds),
    ...more,
  };
}

function router(
  routes: unknown,
  models: Record<string, object> = {},
  around = surroundings(),
): Router<Candidate> {
  const config = configSchema.parse({ routes, models });
  const table = buildRoutingTable(config.models, upstreams);
  return new Router({
    routes: config.routes,
    virtual: new Set(Object.keys(config.models).filter((name) => config.models[name]?.route === true)),
    find: {
      plan: (request) => plan(request, table),
      planAt: (request, name) => planAt(request, name, table),
    },
    tools: {
      pattern: (source) => new RegExp(source),
      around,
      afterAlias: (model) => model,
      placesOf: () => [],
    },
  });
}

interface Asked {
  readonly model: string;
  readonly app?: string;
  readonly team?: string;
  readonly endpoint?: "chat" | "messages";
  readonly prompt?: string;
  readonly at?: number;
  readonly headers?: readonly string[];
  readonly streaming?: boolean;
  readonly tools?: boolean;
}

function facts({
  model,
  app = "anonymous",
  team = "",
  endpoint = "chat",
  prompt = "",
  at = 0,
  headers = [],
  streaming = false,
  tools = false,
}: Asked) {
  const json = { model, messages: [{ role: "user", content: prompt }], ...(tools && { tools: [{}] }) };
  const body = Buffer.from(JSON.stringify(json));
  const operation =
    endpoint === "chat"
      ? openAiChat.match("POST", "/v1/chat/completions")
      : anthropicMessages.match("POST", "/v1/messages");
  if (operation === undefined) throw new Error("no operation");
  return new RouteFacts({
    ...{ operation, family: "openai", asked: model, app, team, at, headers, body },
    facts: { model, streaming } satisfies RequestFacts,
    parsed: { json, form: undefined },
  });
}

const names = fc.constantFrom("m1", "m2", "auto", "cheap");
const whens = fc.record(
  {
    model: fc.oneof(names, fc.constant("m*"), fc.array(names, { minLength: 1 })),
    app: fc.constantFrom("shop", "lab", "s*"),
    streaming: fc.boolean(),
    tools: fc.boolean(),
    prompt: fc.constantFrom("code", "^$", "x+"),
    time: fc.constantFrom(
      { from: "22:00", to: "06:00" },
      { days: ["mon"] },
      { from: "08:30", timeZone: "Asia/Kolkata" },
    ),
    inputTokens: fc.constantFrom({ above: 2 }, { below: 3 }),
    headers: fc.constantFrom({ "x-a": "1" }, { "X-A": ["2", "3*"] }),
  },
  { requiredKeys: [] },
);
const places = fc.record(
  { model: fc.constantFrom("m1", "m2"), upstream: fc.constantFrom("a", "b") },
  { requiredKeys: ["model"] },
);
const uses = fc.oneof(
  fc.record({ model: names }),
  fc.record({ upstream: fc.constantFrom("a", "b") }),
  fc.record({
    strategy: fc.constantFrom("cheapest", "fastest", "least-busy", "priority"),
    of: fc.array(places, { minLength: 1, maxLength: 4 }),
  }),
  fc.record(
    {
      split: fc.array(
        fc.tuple(places, fc.integer({ min: 0, max: 9 })).map(([place, weight]) => ({ ...place, weight })),
        { minLength: 1, maxLength: 4 },
      ),
      stickyBy: fc.constantFrom("app", "header:x-a"),
    },
    { requiredKeys: ["split"] },
  ),
);
const rules = fc
  .array(fc.record({ priority: fc.integer({ min: -2, max: 2 }), when: whens, use: uses }), { maxLength: 12 })
  .map((each) => each.map((rule, index) => ({ name: `r${index}`, ...rule })));
const asks: fc.Arbitrary<Asked> = fc.record({
  model: names,
  app: fc.constantFrom("shop", "lab", "anonymous"),
  prompt: fc.constantFrom("", "code", "xx 羊", "code ".repeat(9)),
  at: fc.integer({ min: 0, max: 2e12 }),
  headers: fc.constantFrom([], ["X-a", "1"], ["x-A", "33"]),
  streaming: fc.boolean(),
  tools: fc.boolean(),
});
const virtual = { auto: { route: true }, cheap: { route: true } };

describe("a decision", () => {
  test("is the same for the same call, whether it is explained or not, and always ends", () => {
    fc.assert(
      fc.property(rules, asks, fc.double({ min: 0, max: 0.999 }), (routes, asked, chance) => {
        const around = surroundings({ random: () => chance });
        const [one, other] = [router(routes, virtual, around), router(routes, virtual, around)];
        const trace: RouteStep[] = [];
        const first = one.decide(facts(asked));
        expect(one.decide(facts(asked))).toEqual(first);
        expect(other.decide(facts(asked), trace)).toEqual(first);
        // The first rule that decides is the one that is named first.
        const decided = trace[0]?.verdicts.find(({ outcome }) => outcome === "decides")?.rule ?? "";
        expect(first.route.split(">")[0]).toBe(decided);
        // Who decides meets every condition, and who does not misses one.
        for (const { verdicts } of trace) {
          for (const { outcome, conditions } of verdicts) {
            expect(conditions.every(({ holds }) => holds)).toBe(outcome !== "does not hold");
          }
        }
        if (first.plan !== undefined) expect(Object.keys(virtual)).not.toContain(first.plan.model);
      }),
      { numRuns: 500 },
    );
  });

  test("does not depend on the calls before it", () => {
    const kinds = {
      app: fc.constantFrom("shop", "lab"),
      team: fc.constantFrom("red", "blue"),
      endpoint: fc.constantFrom("chat", "messages"),
      streaming: fc.boolean(),
    };
    const conditions = fc.record({ model: names, ...kinds }, { requiredKeys: [] });
    const wanted = fc
      .array(conditions, { minLength: 1, maxLength: 6 })
      .map((each) => each.map((when, index) => ({ name: `r${index}`, when, use: { model: "m1" } })));
    const calls = fc.array(fc.record({ model: fc.constantFrom("m1", "m2"), ...kinds }), { maxLength: 6 });
    fc.assert(
      fc.property(wanted, calls, (routes, asked) => {
        const one = router(routes);
        for (const each of asked) {
          expect(one.decide(facts(each)).route).toBe(router(routes).decide(facts(each), []).route);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("asks rules of a higher priority first, and of the same one in their order", () => {
    fc.assert(
      fc.property(rules, (routes) => {
        const sorted = router(routes, virtual).rules;
        for (const [index, rule] of sorted.entries()) {
          const next = sorted[index + 1];
          if (next === undefined) continue;
          const place = (name: string): number => routes.findIndex((each) => each.name === name);
          expect(rule.priority >= next.priority).toBe(true);
          if (rule.priority === next.priority) expect(place(rule.name)).toBeLessThan(place(next.name));
        }
      }),
    );
  });
});

describe("a split", () => {
  const weights = fc
    .array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 5 })
    .filter((all) => all.some((each) => each > 0));
  const items = (all: readonly number[]) => all.map((weight, index) => ({ model: `m${index}`, weight }));

  test("gives each place its share, by chance and by key", () => {
    fc.assert(
      fc.property(weights, fc.boolean(), fc.integer(), (all, sticky, seed) => {
        const draw = compileSplit(items(all), sticky ? "header:x-key" : undefined);
        let state = seed | 1;
        const random = (): number => {
          state = (Math.imul(state, 1664525) + 1013904223) | 0;
          return (state >>> 0) / 2 ** 32;
        };
        const counts = all.map(() => 0);
        let weightless = 0;
        const calls = 4_000;
        for (let each = 0; each < calls; each++) {
          const { order } = draw(
            facts({ model: "auto", headers: ["x-key", `user-${seed}-${each}`] }),
            random,
          );
          if (order.some((index) => all[index] === 0)) weightless++;
          const chosen = order[0] ?? -1;
          counts[chosen] = (counts[chosen] ?? 0) + 1;
        }
        expect(weightless).toBe(0);
        const sum = all.reduce((total, weight) => total + weight, 0);
        for (const [index, weight] of all.entries()) {
          const share = weight / sum;
          // Six standard deviations.
          const spread = 6 * Math.sqrt((share * (1 - share)) / calls) + 1e-9;
          expect(Math.abs((counts[index] ?? 0) / calls - share)).toBeLessThanOrEqual(spread);
        }
      }),
      { numRuns: 25 },
    );
  });

  test("leaves a key where it is, and moves no more than it must when weights change", () => {
    fc.assert(
      fc.property(weights, fc.nat(), fc.integer({ min: 1, max: 20 }), (all, grown, more) => {
        const index = grown % all.length;
        const before = compileSplit(items(all), "app");
        const after = compileSplit(
          items(all.map((weight, at) => (at === index ? weight + more : weight))),
          "app",
        );
        const first = (draw: typeof before, app: string) =>
          draw(facts({ model: "auto", app }), () => Math.random()).order[0];
        for (let each = 0; each < 100; each++) {
          const app = `app-${each}`;
          expect(first(before, app)).toBe(first(before, app));
          const [was, is] = [first(before, app), first(after, app)];
          // Who moves, moves to the one that has grown.
          if (was !== is) expect(is).toBe(index);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("a watch", () => {
  const bounds = { above: 100, below: 80, forMs: 10_000, recoverMs: 20_000, minCalls: 10, trial: 0.1 };
  const figures = fc.array(
    fc.record({ value: fc.integer({ min: 0, max: 200 }), calls: fc.integer({ min: 0, max: 40 }) }),
    { minLength: 1, maxLength: 400 },
  );

  test("never flaps: it changes only after its time, with every figure on the way asking for it", () => {
    fc.assert(
      fc.property(figures, (each) => {
        const watch = new Watch(bounds);
        let changed = Number.NEGATIVE_INFINITY;
        for (const [second, figure] of each.entries()) {
          const was = watch.on;
          watch.tick(second * 1000, figure);
          if (watch.on === was) continue;
          const wait = watch.on ? bounds.forMs : bounds.recoverMs;
          expect(second * 1000 - changed).toBeGreaterThanOrEqual(wait);
          changed = second * 1000;
          for (const { value, calls } of each.slice(second - wait / 1000, second + 1)) {
            if (watch.on) expect(value > bounds.above && calls >= bounds.minCalls).toBe(true);
            else expect(value <= bounds.below || calls < 3).toBe(true);
          }
        }
      }),
    );
  });

  test("stays as it is between its bounds", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 81, max: 100 }), { maxLength: 100 }),
        fc.boolean(),
        (values, on) => {
          const watch = new Watch(bounds);
          let now = 0;
          const see = (value: number, seconds: number): void => {
            for (let each = 0; each <= seconds; each++) {
              now += 1000;
              watch.tick(now, { value, calls: 50 });
            }
          };
          if (on) see(150, 10);
          for (const value of values) see(value, 1);
          expect(watch.on).toBe(on);
        },
      ),
    );
  });

  test("lets a share of the calls through", () => {
    const watch = new Watch(bounds);
    const passed = Array.from({ length: 100 }, () => watch.takesTrial()).filter(Boolean);
    expect(passed).toHaveLength(10);
  });
});

test("a minute's quantiles are right to five percent, and forget what is older", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 1, max: 500_000, noNaN: true }), { minLength: 1, maxLength: 300 }),
      fc.constantFrom(0.5, 0.95, 0.99),
      (times, q) => {
        const window = new RollingWindow();
        for (const [index, ms] of times.entries()) window.add(1_000 + index * 100, ms, false);
        window.add(2_000, 3, true);
        const end = 1_000 + times.length * 100;
        const sorted = [...times].sort((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)] ?? 0;
        const { ms, calls } = window.quantile(end, q);
        expect(calls).toBe(times.length);
        expect(Math.abs(ms / exact - 1)).toBeLessThan(0.051);
        expect(window.errors(end)).toEqual({ share: 1 / (times.length + 1), calls: times.length + 1 });
        expect(window.errors(end + 65_000).calls).toBe(0);
      },
    ),
  );
});

test("what is seen of places: speeds that follow, calls in flight, and nothing where nobody asks", () => {
  let now = 0;
  const view = new TrafficView({ monotonic: () => now });
  const call = (id: string, ms: number, errorType?: string) => {
    const base = { id, upstream: "a", modelSent: "m", modelLabel: "m", probe: false };
    view.started(base as never);
    view.settled({ ...base, durationMs: ms, firstTokenMs: undefined, errorType } as never);
  };
  call("0", 100);
  expect(view.speed("a", "m", "total")).toBeUndefined();
  view.active = true;
  call("1", 100);
  expect(view.speed("a", "m", "total")).toBe(100);
  for (let each = 0; each < 40; each++) call(`x${each}`, 300);
  expect(view.speed("a", "m", "total")).toBeCloseTo(300, 0);
  call("left", 9_999, "client_gone");
  expect(view.speed("a", "m", "total")).toBeCloseTo(300, 0);
  for (let each = 0; each < 10; each++) call(`f${each}`, 5, "upstream_5xx");
  // What failed took no time that says anything: the same, as often as it takes until one succeeds.
  expect(view.speed("a", "m", "total")).toBeCloseTo(300 / 0.8 ** 10, -1);
  expect(view.inFlight("a", "m")).toBe(0);
  now = 301_000;
  expect(view.speed("a", "m", "total")).toBeUndefined();
});
