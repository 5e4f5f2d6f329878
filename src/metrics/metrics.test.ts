import { describe, expect, test } from "vitest";
import { catalogue } from "./catalogue.ts";
import { Metrics, type Page } from "./metrics.ts";
import { ProcessMetrics } from "./process.ts";
import { UnknownProfileError } from "./profiles/index.ts";

async function textOf({ body }: Page): Promise<string> {
  let text = "";
  for await (const chunk of body) text += chunk;
  return text;
}

function withOneCall(): Metrics {
  const metrics = new Metrics();
  metrics.registry.counter(catalogue.inputTokens).with(["up", "m", "shop"]).inc(3);
  return metrics;
}

describe("the page", () => {
  test("shows the default profile when none is asked for", async () => {
    const text = await textOf(await withOneCall().page());
    expect(text).toContain('\nbellwether_input_tokens_total{upstream="up",model="m",app="shop"} 3\n');
    expect(text).not.toContain("holysheep_");
  });

  test("shows several profiles one after the other, each once", async () => {
    const text = await textOf(await withOneCall().page(["llm", "ai_api", "llm"]));
    expect(text.match(/^# TYPE .*tokens.*$/gm)).toEqual([
      "# TYPE llm_tokens_consumed_total counter",
      "# TYPE ai_api_input_tokens_total counter",
    ]);
  });

  test("refuses an unknown profile and names the known ones", async () => {
    const asked = withOneCall().page(["bellwether", "nope"]);
    await expect(asked).rejects.toThrow(UnknownProfileError);
    await expect(asked).rejects.toThrow(
      'There is no metrics profile "nope". Ask for one of: bellwether, holysheep, ai_api, llm, genai.',
    );
  });

  test("has the content type of the format that was preferred, and one # EOF", async () => {
    const metrics = withOneCall();
    const page = await metrics.page(["llm", "ai_api"], "application/openmetrics-text");
    expect(page.contentType).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
    expect((await textOf(page)).match(/# EOF\n/g)).toHaveLength(1);
    expect((await metrics.page()).contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
  });

  test("has the process metrics only where the default profile is", async () => {
    const metrics = new Metrics({ process: new ProcessMetrics() });
    expect(await textOf(await metrics.page(["bellwether"]))).toContain("process_start_time_seconds ");
    expect(await textOf(await metrics.page(["llm"]))).not.toContain("process_start_time_seconds ");
  });

  test("brings gauges up to date first", async () => {
    const metrics = new Metrics();
    metrics.registry.beforeScrape(() => metrics.registry.gauge(catalogue.reloadSuccess).with([]).set(1));
    expect(await textOf(await metrics.page())).toContain("\nbellwether_config_last_reload_success 1\n");
  });

  test("follows a change of the upstreams' identities", async () => {
    const metrics = withOneCall();
    expect(await textOf(await metrics.page(["ai_api"]))).toContain('{provider="up",model="m"} 3');
    metrics.setUpstreams(new Map([["up", { provider: "openai", address: "" }]]));
    expect(await textOf(await metrics.page(["ai_api"]))).toContain('{provider="openai",model="m"} 3');
  });
});

describe("configured buckets", () => {
  test.each(["request_duration_seconds", "bellwether_request_duration_seconds"])(
    "of %s replace the catalogue's, and other profiles keep theirs exact",
    async (name) => {
      const metrics = new Metrics({ buckets: { [name]: [0.3, 3] } });
      const series = metrics.registry.histogram(catalogue.duration).with(["u", "m", "chat", "", "", "POST"]);
      for (const seconds of [0.04, 0.2, 4]) series.observe(seconds);
      const counts = (page: string) =>
        [...page.matchAll(/le="([^"]+)"} (\d+)/g)].map(([, le, count]) => `${le}: ${count}`);
      expect(counts(await textOf(await metrics.page()))).toEqual(["0.3: 2", "3.0: 2", "+Inf: 3"]);
      const llm = counts(await textOf(await metrics.page(["llm"])));
      expect(llm.slice(0, 8)).toEqual([
        "0.1: 1",
        "0.25: 2",
        "0.5: 2",
        "1.0: 2",
        "2.5: 2",
        "5.0: 3",
        "10.0: 3",
        "+Inf: 3",
      ]);
    },
  );

  test.each([
    [
      { requests_total: [1] },
      "requests_total is not a histogram. Use one of: bellwether_request_duration_seconds,",
    ],
    [{ tokens_per_call: [1] }, "tokens_per_call is not a histogram"],
    [{ concurrency: [2, 1] }, "the bounds of concurrency must be numbers, each above the one before"],
    [{ concurrency: [] }, "the bounds of concurrency must be"],
    [{ concurrency: [1, Number.POSITIVE_INFINITY] }, "the bounds of concurrency must be"],
  ])("%j are refused", (buckets, message) => {
    expect(() => new Metrics({ buckets })).toThrow(message);
  });
});

test("ten thousand histogram series render slice by slice (prints how long the longest took)", async () => {
  const metrics = new Metrics();
  const family = metrics.registry.histogram(catalogue.duration);
  for (let i = 0; i < 10_000; i++)
    family.with([`up${i % 10}`, `m${i}`, "chat", "", "", "POST"]).observe(i / 1000);
  for (const scrape of ["first", "second"]) {
    let longest = 0;
    let turns = 0;
    let last = performance.now();
    let done = false;
    const tick = () => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
      turns++;
      if (!done) setImmediate(tick);
    };
    setImmediate(tick);
    const began = last;
    const text = await textOf(await metrics.page());
    done = true;
    const took = performance.now() - began;
    process.stdout.write(
      `${scrape} scrape: ${took.toFixed(0)} ms in all, longest slice ${longest.toFixed(1)} ms\n`,
    );
    expect(text.match(/_count\{/g)).toHaveLength(10_000);
    expect(turns).toBeGreaterThan(2);
  }
});
