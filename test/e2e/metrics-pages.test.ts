/**
 * The whole metrics page of each profile in each format, after the calls of calls.json, as golden files
 * beside it: what a reviewer sees of any change to metrics.
 */
import { describe, expect, test } from "vitest";
import { expectGolden } from "../helpers/golden.ts";
import { ACCEPT, PROFILES, pageOf, recordedMetrics } from "../helpers/recorded-metrics.ts";

describe.each(PROFILES)("the %s page", (profile) => {
  const metrics = recordedMetrics({});

  test("in text format 0.0.4", async () => {
    expectGolden(`test/golden/metrics/${profile}.txt`, await pageOf(metrics, [profile], ACCEPT.text));
  });

  test("in OpenMetrics", async () => {
    const page = await pageOf(metrics, [profile], ACCEPT.openmetrics);
    expectGolden(`test/golden/metrics/${profile}.openmetrics.txt`, page);
  });

  test("has no series twice", async () => {
    const page = await pageOf(metrics, [profile], ACCEPT.text);
    const series = page.split("\n").flatMap((line) => /^([^#].*) [^ ]+$/.exec(line)?.[1] ?? []);
    expect(series.length).toBeGreaterThan(0);
    expect(new Set(series).size).toBe(series.length);
  });
});
