import { describe, expect, test } from "vitest";
import type { Definition } from "../catalogue.ts";
import type { Family } from "../family.ts";
import { Registry } from "../registry.ts";
import type { Mapping } from "./profile.ts";
import { view } from "./view.ts";

const calls = {
  type: "counter",
  name: "calls_total",
  unit: "",
  help: "",
  labels: ["upstream", "model", "kind"],
} as const;
const spent = { type: "money", name: "spent_total", unit: "", help: "", labels: ["upstream"] } as const;
const price = { type: "gauge", name: "price", unit: "", help: "", labels: ["upstream", "model"] } as const;
const time = {
  type: "histogram",
  name: "time",
  unit: "",
  help: "",
  labels: ["model"],
  bounds: [0.01, 0.02, 1],
} as const;
const definitions: readonly Definition[] = [calls, spent, price, time];

const identities = new Map([["a", { provider: "acme", address: "api.acme.example" }]]);

function show(registry: Registry, mapping: Partial<Mapping> & Pick<Mapping, "inputs">): Family {
  const whole = { to: "out", type: "unknown", help: "", ...mapping } as const;
  const family = view(whole, (name) => registry.source(name), identities);
  if (family === undefined) throw new Error("no family");
  return family;
}

/** Labels as an object, then the value, of every sample. */
function read(family: Family): unknown[] {
  return [...family.samples()].flatMap((sample) => {
    if (sample === undefined) return [];
    const labels = sample.labels.names.map((name, i) => [name, sample.labels.values[i]]);
    return [[Object.fromEntries(labels), sample.value]];
  });
}

describe("labels", () => {
  const registry = new Registry(definitions);
  const family = registry.counter(calls);
  family.with(["a", "m", "timeout"]).inc(1);
  family.with(["b", "m", "timeout"]).inc(2);
  family.with(["a", "n", "http"]).inc(4);

  test("that are not named are summed away", () => {
    const out = show(registry, { inputs: [{ from: "calls_total", labels: { model: "model" } }] });
    expect(read(out)).toEqual([
      [{ model: "m" }, 3],
      [{ model: "n" }, 4],
    ]);
  });

  test("can be renamed, fixed, translated with a template, or a property of the upstream", () => {
    const labels = {
      provider: { upstream: "provider" },
      host: { upstream: "address" },
      fixed: { value: "f" },
      error: { from: "kind", map: { http: "http_{model}" } },
    } as const;
    expect(read(show(registry, { inputs: [{ from: "calls_total", labels }] }))).toEqual([
      [{ provider: "acme", host: "api.acme.example", fixed: "f", error: "timeout" }, 1],
      [{ provider: "b", host: "", fixed: "f", error: "timeout" }, 2],
      [{ provider: "acme", host: "api.acme.example", fixed: "f", error: "http_n" }, 4],
    ]);
  });

  test("choose which series count", () => {
    const inputs = [{ from: "calls_total", labels: {}, where: { kind: ["timeout"] } }];
    expect(read(show(registry, { inputs }))).toEqual([[{}, 3]]);
  });

  test("that the kept metric lacks are a mistake in the profile", () => {
    expect(() => show(registry, { inputs: [{ from: "calls_total", labels: { x: "nope" } }] })).toThrow(
      "calls_total has no label nope",
    );
  });
});

describe("values", () => {
  test("of several inputs stand side by side, or fall together", () => {
    const registry = new Registry(definitions);
    registry.counter(calls).with(["a", "m", "x"]).inc(1);
    const input = (kind: string) => ({ from: "calls_total", labels: { type: { value: kind } } });
    expect(read(show(registry, { inputs: [input("one"), input("two")] }))).toEqual([
      [{ type: "one" }, 1],
      [{ type: "two" }, 1],
    ]);
    expect(read(show(registry, { inputs: [input("one"), input("one")] }))).toEqual([[{ type: "one" }, 2]]);
  });

  test("of money stay exact when they are summed and scaled", () => {
    const registry = new Registry(definitions);
    registry.money(spent).with(["a"]).inc(9_007_199_254_740_993n);
    registry.money(spent).with(["b"]).inc(1n);
    const out = show(registry, { inputs: [{ from: "spent_total", labels: {} }], scale: 100 });
    expect(read(out)).toEqual([[{}, 900_719_925_474_099_400n]]);
  });

  test("can be the highest of those that fall together", () => {
    const registry = new Registry(definitions);
    for (const [upstream, value] of [
      ["a", 2],
      ["b", 8],
      ["c", 4],
    ] as const) {
      registry.gauge(price).with([upstream, "m"]).set(value);
    }
    const out = show(registry, { inputs: [{ from: "price", labels: { model: "model" } }], combine: "max" });
    expect(read(out)).toEqual([[{ model: "m" }, 8]]);
  });

  test("of a histogram fold into the wanted buckets, in the wanted unit", () => {
    const registry = new Registry(definitions);
    const family = registry.histogram(time);
    for (const [model, seconds] of [
      ["m", 0.01],
      ["m", 0.015],
      ["n", 0.5],
      ["n", 2],
    ] as const) {
      family.with([model]).observe(seconds);
    }
    const out = show(registry, { inputs: [{ from: "time", labels: {} }], bounds: [10, 1000], scale: 1000 });
    expect(read(out)).toEqual([[{}, { counts: [1, 2, 1], sum: 2525 }]]);
  });
});

describe("a view", () => {
  test("shows series that came after it was first read, and counts on", () => {
    const registry = new Registry(definitions);
    const family = registry.counter(calls);
    const out = show(registry, { inputs: [{ from: "calls_total", labels: { model: "model" } }] });
    expect(read(out)).toEqual([]);
    family.with(["a", "m", "x"]).inc();
    expect(read(out)).toEqual([[{ model: "m" }, 1]]);
    family.with(["b", "m", "x"]).inc();
    expect(read(out)).toEqual([[{ model: "m" }, 2]]);
  });

  test("forgets what its source has cleared", () => {
    const registry = new Registry(definitions);
    const family = registry.gauge(price);
    const out = show(registry, { inputs: [{ from: "price", labels: { model: "model" } }] });
    family.with(["a", "old"]).set(1);
    expect(read(out)).toEqual([[{ model: "old" }, 1]]);
    family.clear();
    family.with(["a", "new"]).set(2);
    expect(read(out)).toEqual([[{ model: "new" }, 2]]);
  });

  test("does not exist while nothing keeps its inputs", () => {
    const mapping: Mapping = { to: "x", type: "gauge", help: "", inputs: [{ from: "later", labels: {} }] };
    expect(view(mapping, () => undefined, identities)).toBeUndefined();
  });

  test("offers pauses while it works through many series, and two readers do not disturb each other", () => {
    const registry = new Registry(definitions);
    for (let i = 0; i < 1000; i++)
      registry
        .counter(calls)
        .with(["a", `m${i}`, "x"])
        .inc();
    const out = show(registry, { inputs: [{ from: "calls_total", labels: {} }] });
    const first = out.samples()[Symbol.iterator]();
    expect(first.next().value).toBeUndefined();
    expect(read(out)).toEqual([[{}, 1000]]);
    const rest: unknown[] = [];
    for (let step = first.next(); !step.done; step = first.next()) {
      if (step.value !== undefined) rest.push(step.value.value);
    }
    expect(rest).toEqual([1000]);
  });
});
