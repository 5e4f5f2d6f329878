import { describe, expect, test } from "vitest";
import { BoundedLabels } from "./bounded-labels.ts";
import { Counter } from "./series.ts";

function bounded(max: number, names: readonly string[]) {
  const overflow = new Counter();
  const labels = new BoundedLabels(max, overflow);
  labels.allow(names);
  return { labels, overflow };
}

describe("bounded labels", () => {
  test("let allowed names through and count nothing", () => {
    const { labels, overflow } = bounded(10, ["gpt-4.1"]);
    expect(labels.value("gpt-4.1")).toBe("gpt-4.1");
    expect(overflow.read()).toBe(0);
  });

  test("turn ten thousand invented names into one value, and count each call", () => {
    const { labels, overflow } = bounded(200, ["gpt-4.1"]);
    const values = new Set(Array.from({ length: 10_000 }, (_, i) => labels.value(`invented-${i}`)));
    expect([...values]).toEqual(["other"]);
    expect(overflow.read()).toBe(10_000);
  });

  test("keep the names that came first when there are too many", () => {
    const { labels, overflow } = bounded(2, ["a", "b", "c"]);
    expect(["a", "b", "c", "a", "c"].map((name) => labels.value(name))).toEqual([
      "a",
      "b",
      "other",
      "a",
      "other",
    ]);
    expect(labels.full).toBe(true);
    expect(overflow.read()).toBe(2);
  });

  test("accept names that are allowed later", () => {
    const { labels } = bounded(2, []);
    expect(labels.value("new")).toBe("other");
    labels.allow(["new"]);
    expect(labels.value("new")).toBe("new");
  });

  test("leave a call without a name alone", () => {
    const { labels, overflow } = bounded(1, []);
    expect(labels.value("")).toBe("");
    expect(overflow.read()).toBe(0);
  });

  test("know nothing of the names objects inherit", () => {
    expect(bounded(1, []).labels.value("constructor")).toBe("other");
  });
});
