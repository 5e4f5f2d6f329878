/** Metrics after the calls of test/golden/metrics/calls.json, for tests that look at whole pages. */
import { readFileSync } from "node:fs";
import { catalogue } from "../../src/metrics/catalogue.ts";
import { Metrics, type MetricsOptions } from "../../src/metrics/metrics.ts";
import { TrafficMetrics } from "../../src/usage/traffic-metrics.ts";
import type { Usage } from "../../src/usage/usage.ts";

interface RecordedCall {
  readonly about: string;
  readonly upstream: string;
  readonly app: string;
  readonly endpoint: Usage["endpoint"];
  readonly model: string;
  /** The `model` label, where it is not the model. */
  readonly label?: string;
  readonly answered?: string;
  readonly method?: string;
  readonly streaming?: boolean;
  readonly status?: number;
  readonly errorType?: NonNullable<Usage["errorType"]>;
  readonly billable?: boolean;
  readonly source?: Usage["source"];
  readonly durationMs: number;
  readonly firstTokenMs?: number;
  readonly overheadMs: number;
  readonly quantities?: Usage["quantities"];
  /** Pico-dollars. */
  readonly cost?: string;
  readonly listCost?: string;
}

export const PROFILES = ["bellwether", "holysheep", "ai_api", "llm", "genai"];

export const ACCEPT = { text: "text/plain;version=0.0.4", openmetrics: "application/openmetrics-text" };

/** What the recorded calls leave behind. One more call is still in flight. */
export function recordedMetrics(options: MetricsOptions): Metrics {
  const metrics = new Metrics(options);
  const { registry } = metrics;
  metrics.setUpstreams(
    new Map([
      ["holysheep", { provider: "holysheep", address: "api.holysheep.ai" }],
      ["openai", { provider: "openai", address: "api.openai.com" }],
    ]),
  );
  const traffic = new TrafficMetrics(registry, { maxModels: 200 });
  traffic.prepare({ upstream: "holysheep", models: ["gpt-4.1"], endpoints: ["chat"], apps: ["shop"] });
  const calls = JSON.parse(
    readFileSync(new URL("../golden/metrics/calls.json", import.meta.url), "utf8"),
  ) as RecordedCall[];
  const usages = calls.map(usageOf);
  for (const usage of usages) traffic.settled(traffic.started(usage), usage);
  const [unfinished] = usages;
  if (unfinished !== undefined) traffic.started(unfinished);

  traffic.retried("holysheep", "upstream_5xx");
  traffic.rejected("anonymous", "auth");
  traffic.rateLimit("holysheep", "gpt-4.1", "requests", { remaining: 499, limit: 500 });
  traffic.rateLimit("holysheep", "gpt-4.1", "tokens", { remaining: 28_800, limit: undefined });
  const price = registry.gauge(catalogue.price);
  price.with(["holysheep", "gpt-4.1", "input"]).set(2);
  price.with(["holysheep", "gpt-4.1", "output"]).set(8);
  price.with(["openai", "gpt-4.1", "output"]).set(8.4);
  registry.counter(catalogue.labelOverflow).with(["model"]).inc();
  registry.gauge(catalogue.reloadSuccess).with([]).set(1);
  registry.gauge(catalogue.reloadTimestamp).with([]).set(1_767_225_600.5);
  registry.gauge(catalogue.buildInfo).with(["0.1.0", "v20.18.1"]).set(1);
  return metrics;
}

/** The whole page as one text. */
export async function pageOf(metrics: Metrics, profiles: readonly string[], accept: string): Promise<string> {
  const { body } = await metrics.page(profiles, accept);
  let text = "";
  for await (const chunk of body) text += chunk;
  return text;
}

function usageOf(call: RecordedCall): Usage {
  const failed = call.errorType !== undefined;
  return {
    id: "00000000-0000-7000-8000-000000000000",
    startedAt: 0,
    traceId: "",
    app: call.app,
    team: "",
    probe: false,
    route: "",
    upstream: call.upstream,
    endpoint: call.endpoint,
    modelRequested: call.model,
    modelSent: call.model,
    modelLabel: call.label ?? call.model,
    streaming: call.streaming ?? false,
    method: call.method ?? "POST",
    path: "/v1",
    bytesIn: 0,
    status: call.status ?? 200,
    errorType: call.errorType,
    errorCode: undefined,
    modelAnswered: call.answered ?? (failed ? "" : call.model),
    upstreamRequestId: "",
    serviceTier: "",
    quantities: call.quantities ?? {},
    source: call.source ?? (call.quantities === undefined ? "missing" : "reported"),
    billable: call.billable ?? true,
    cost: call.cost === undefined ? undefined : BigInt(call.cost),
    listCost: call.listCost === undefined ? undefined : BigInt(call.listCost),
    durationMs: call.durationMs,
    firstTokenMs: call.firstTokenMs,
    firstByteMs: undefined,
    sentMs: undefined,
    overheadMs: call.overheadMs,
    bytesOut: 0,
    retries: 0,
  };
}
