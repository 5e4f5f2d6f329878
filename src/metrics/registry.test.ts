import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { catalogue, definitions } from "./catalogue.ts";
import { Registry } from "./registry.ts";

describe("a family", () => {
  test("gives the same handle for the same values, and another for others", () => {
    const family = new Registry().counter(catalogue.retries);
    expect(family.with(["a", "b"])).toBe(family.with(["a", "b"]));
    expect(family.with(["a", "b"])).not.toBe(family.with(["b", "a"]));
  });

  test("never merges distinct label sets, whatever characters they hold", () => {
    const value = fc.string({
      unit: fc.constantFrom("a", ",", ":", '"', "\n", "\\", "=", "", "é", "{", "}"),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(value, value), { selector: (pair) => JSON.stringify(pair) }),
        (pairs) => {
          const family = new Registry().counter(catalogue.retries);
          pairs.forEach((pair, i) => {
            family.with(pair).inc(i + 1);
          });
          const read = family.series.map(({ labels, read: value }) => [labels.values, value()]);
          expect(read).toEqual(pairs.map((pair, i) => [pair, i + 1]));
          expect(new Set(family.series.map(({ labels }) => labels.text)).size).toBe(pairs.length);
        },
      ),
    );
  });

  test("lets half surrogate pairs meet as U+FFFD, since no encoding can tell them apart", () => {
    const family = new Registry().counter(catalogue.retries);
    family.with(["\ud800", "x"]).inc();
    family.with(["\udc01", "x"]).inc();
    family.with(["\ufffd", "x"]).inc();
    expect(family.series.map(({ labels, read }) => [labels.values, read()])).toEqual([[["\ufffd", "x"], 3]]);
  });

  test("refuses too few or too many label values and names the labels", () => {
    const family = new Registry().counter(catalogue.retries);
    expect(() => family.with(["a"])).toThrow("has the labels (upstream, reason)");
    expect(() => family.with(["a", "b", "c"])).toThrow(RangeError);
  });

  test("forgets its series when cleared", () => {
    const family = new Registry().gauge(catalogue.price);
    const old = family.with(["a", "b", "input"]);
    family.clear();
    expect(family.series).toEqual([]);
    expect(family.with(["a", "b", "input"])).not.toBe(old);
  });
});

test("a metric that is not in the registry's catalogue cannot be counted", () => {
  expect(() => new Registry([]).counter(catalogue.retries)).toThrow("bellwether_retries_total is not in");
});

test("hooks run at each scrape", () => {
  const registry = new Registry();
  let runs = 0;
  registry.beforeScrape(() => runs++);
  registry.runHooks();
  registry.runHooks();
  expect(runs).toBe(2);
});

describe("the catalogue", () => {
  test("names each metric once, in snake case, under one prefix", () => {
    const names = definitions.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^bellwether_[a-z]+(_[a-z]+)*$/);
  });

  test.each(definitions)("$name ends in _total exactly if it counts", ({ name, type }) => {
    expect(name.endsWith("_total")).toBe(type === "counter" || type === "money");
  });

  test.each(definitions)("$name bounds only labels it has, and always `model`", (definition) => {
    const labels = [...definition.labels, ...(definition.detail ?? [])];
    expect(labels).toEqual([...new Set(labels)]);
    for (const label of definition.bounded ?? []) expect(labels).toContain(label);
    expect(definition.bounded?.includes("model") ?? false).toBe(labels.includes("model"));
  });

  test.each(definitions)("$name has bounds, ascending, exactly if it is a histogram", ({ type, bounds }) => {
    expect(bounds !== undefined).toBe(type === "histogram");
    expect(bounds).toEqual(bounds?.toSorted((a, b) => a - b));
  });
});
