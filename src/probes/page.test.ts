import { afterAll, beforeAll, expect, it } from "vitest";
import { startExporter, type TestExporter } from "../../test/helpers/exporter.ts";
import { RawClient, request } from "../../test/helpers/raw-client.ts";

let exporter: TestExporter;
beforeAll(async () => {
  const probes = { modules: ["models"], interval: "1h", timeout: "10m" };
  exporter = await startExporter({ probes, upstreams: { mute: { baseUrl: "http://127.0.0.1:9/v1" } } });
});
afterAll(() => exporter.close());

async function ask(query: string, headers: Record<string, string> = {}) {
  const answer = await fetch(`${exporter.url}/probe${query}`, { headers });
  return { status: answer.status, type: answer.headers.get("content-type") ?? "", body: await answer.text() };
}

it("without a module asks for the list of models", async () => {
  const { status, type, body } = await ask("?upstream=relay");
  expect(status).toBe(200);
  expect(type).toContain("text/plain; version=0.0.4");
  expect(body).toContain("\nprobe_success 1\n");
  expect(body).toContain('probe="models"');
});

it("speaks OpenMetrics to who asks for it", async () => {
  const { type, body } = await ask("?upstream=relay", {
    accept: "application/openmetrics-text;version=1.0.0",
  });
  expect(type).toContain("application/openmetrics-text");
  expect(body.endsWith("# EOF\n")).toBe(true);
});

it.each([
  ["", 400, "Say which: /probe?upstream=NAME&module=NAME. Upstreams: relay, mute."],
  ["?upstream=relay&module=ping", 400, "There is no module of this name."],
  [
    "?upstream=http://169.254.169.254/&module=tls",
    404,
    "There is no upstream of this name. Configured: relay, mute.",
  ],
  ["?upstream=mute&module=balance", 404, "Upstream mute cannot be probed with `balance`: nobody knows how"],
  ["?upstream=relay&module=images", 400, "only where it is among `probes.modules`"],
  ["?upstream=__proto__&module=constructor", 400, "There is no module of this name."],
])("%s is refused with %i and what to do", async (query, status, text) => {
  const answer = await ask(query);
  expect(answer.status).toBe(status);
  expect(answer.body).toContain(text);
});

it("an upstream that cannot be reached is a page that says so, not an error of the scrape", async () => {
  const { status, body } = await ask("?upstream=mute&module=chat");
  expect(status).toBe(200);
  expect(body).toContain("\nprobe_success 0\n");
});

it("ends within the scrape's timeout", async () => {
  exporter.sandbox.set({ hang: "head" });
  // The probe's own limit is ten minutes, longer than a test may take; the scrape's leaves half a second.
  const { status, body } = await ask("?upstream=relay&module=chat", {
    "x-prometheus-scrape-timeout-seconds": "1",
  });
  exporter.sandbox.reset();
  expect(status).toBe(200);
  expect(body).toContain("\nprobe_success 0\n");
});

it("those who ask at the same time get one run's result", async () => {
  const before = exporter.sandbox.books.connections;
  exporter.sandbox.set({ latency: 200 });
  // In one piece, so that all have come before the first is answered.
  const four = Array.from({ length: 4 }, () => request("GET", "/probe?upstream=relay&module=embeddings"));
  const client = await RawClient.open(exporter.url, Buffer.concat(four));
  const durations = new Set<string>();
  for (let at = 0; at < four.length; at++) {
    const { body } = await client.answer("GET");
    durations.add(/^probe_duration_seconds .*$/m.exec(body.toString())?.[0] ?? "none");
  }
  client.close();
  exporter.sandbox.reset();
  expect(durations.size).toBe(1);
  expect(exporter.sandbox.books.connections - before).toBeLessThanOrEqual(1);
});

it("when the day's money is spent the scrape fails, and the upstream is not said to be down", async () => {
  const poor = await startExporter({
    probes: { modules: ["models"], interval: "1h", spendPerDay: { usd: 0 } },
  });
  const { status, body } = await poor.probe("chat");
  expect(status).toBe(503);
  expect(body).toContain("raise `probes.spendPerDay.usd`");
  expect((await poor.probe("models")).status).toBe(200);
  expect(poor.sandbox.books.inFlight).toBe(0);
  await poor.close();
});
