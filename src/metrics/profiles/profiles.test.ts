/** The tables of the profiles, held against what both formats and the catalogue allow. */
import { describe, expect, test } from "vitest";
import { definitions } from "../catalogue.ts";
import { keptBounds, profiles } from "./index.ts";

const table = profiles({});
const mappings = table.flatMap(({ metrics }) => metrics);

test("no two profiles use the same name, so that they can share a page", () => {
  const names = mappings.map(({ to }) => to);
  expect(names).toEqual([...new Set(names)]);
});

describe.each(mappings)("$to", ({ to, type, inputs, bounds, scale = 1 }) => {
  test("has a type that its name allows", () => {
    expect(type === "counter").toBe(to.endsWith("_total") && type !== "unknown");
  });

  test("has bounds exactly if it is a histogram", () => {
    expect(bounds !== undefined).toBe(type === "histogram");
  });

  test("names the same labels for each input, all of which are kept", () => {
    for (const { from, labels, where = {} } of inputs) {
      expect(Object.keys(labels)).toEqual(Object.keys(inputs[0]?.labels ?? {}));
      const kept = definitions.find(({ name }) => name === from);
      if (kept === undefined) continue;
      const names = [...kept.labels, ...(kept.detail ?? [])];
      for (const rule of Object.values(labels)) {
        if (typeof rule === "string") expect(names).toContain(rule);
        else if ("from" in rule) expect(names).toContain(rule.from);
        else if ("upstream" in rule) expect(names).toContain("upstream");
      }
      for (const label of Object.keys(where)) expect(names).toContain(label);
    }
  });

  test("has no bucket that would have to be interpolated", () => {
    for (const { from } of inputs) {
      const kept = definitions.find(({ name }) => name === from);
      if (kept === undefined || bounds === undefined) continue;
      expect(keptBounds(table, kept)).toEqual(expect.arrayContaining(bounds.map((bound) => bound / scale)));
    }
  });
});

test("a kept histogram's bounds ascend, each once, configured ones among them", () => {
  const configured = profiles({ bellwether_request_duration_seconds: [0.123, 1] });
  const duration = definitions.find(({ name }) => name === "bellwether_request_duration_seconds");
  if (duration === undefined) throw new Error("no duration");
  const kept = keptBounds(configured, duration);
  expect(kept).toContain(0.123);
  expect(kept).toEqual([...new Set(kept)].toSorted((a, b) => a - b));
});
