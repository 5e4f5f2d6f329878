import { expect, test } from "vitest";
import { ProcessMetrics, toFamily } from "./process.ts";

const read = (family: ReturnType<typeof toFamily>) =>
  [...family.samples()].map((sample) => [sample?.labels.text, sample?.value]);

test("the usual metrics of the process and of Node.js are there", async () => {
  const metrics = new ProcessMetrics();
  const names = (await metrics.families()).map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining([
      "process_cpu_user_seconds_total",
      "process_resident_memory_bytes",
      "nodejs_version_info",
    ]),
  );
  expect((await metrics.families()).length).toBe(names.length);
});

test("a gauge keeps its labels and values", () => {
  const family = toFamily({
    name: "g",
    help: "h",
    type: "gauge",
    values: [{ labels: { space: "new", n: 1 }, value: 5 }],
  });
  expect(family.type).toBe("gauge");
  expect(read(family)).toEqual([['space="new",n="1"', 5]]);
});

test("what has not been measured yet is left out", () => {
  const values = [
    { labels: { n: 1 }, value: Number.NaN },
    { labels: { n: 2 }, value: 0 },
  ];
  expect(read(toFamily({ name: "lag", help: "h", type: "gauge", values }))).toEqual([['n="2"', 0]]);
});

test("a gauge named like a counter has no type", () => {
  expect(toFamily({ name: "handles_total", help: "h", type: "gauge", values: [] }).type).toBe("unknown");
  expect(toFamily({ name: "handles_total", help: "h", type: "counter", values: [] }).type).toBe("counter");
});

test("a histogram's cumulative buckets become counts per bucket, for each label set", () => {
  const values = ["major", "minor"].flatMap((kind) => [
    { metricName: "gc_bucket", labels: { le: 0.1, kind }, value: 1 },
    { metricName: "gc_bucket", labels: { le: 1, kind }, value: 3 },
    { metricName: "gc_bucket", labels: { le: "+Inf", kind }, value: 4 },
    { metricName: "gc_sum", labels: { kind }, value: 9.5 },
    { metricName: "gc_count", labels: { kind }, value: 4 },
  ]);
  const family = toFamily({ name: "gc", help: "h", type: "histogram", values });
  expect(family.bounds).toEqual([0.1, 1]);
  expect(read(family)).toEqual([
    ['kind="major"', { counts: [1, 2, 1], sum: 9.5 }],
    ['kind="minor"', { counts: [1, 2, 1], sum: 9.5 }],
  ]);
});
