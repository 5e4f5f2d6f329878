/**
 * Runs alone in a process: records invented calls through the bundled metrics in the folder given as argument, and
 * prints the CPU per call in microseconds, as JSON.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const { Metrics } = await import(pathToFileURL(join(folder, "metrics.js")).href);
const { TrafficMetrics } = await import(pathToFileURL(join(folder, "traffic-metrics.js")).href);

const MODELS = 20;
const APPS = 5;
const CALLS = 1000;
const BATCH = 100_000;
const BATCHES = 11;

/** Calls over many series, with durations over all buckets; every tenth fails. */
function invented(streaming) {
  return Array.from({ length: CALLS }, (_, i) => {
    const model = `model-${i % MODELS}`;
    const failed = i % 10 === 9;
    const durationMs = 20 + ((i * 7919) % 60_000);
    return {
      id: "0192d0a0-0000-7000-8000-000000000000",
      startedAt: 1_700_000_000_000 + i,
      app: `app-${i % APPS}`,
      team: "",
      probe: false,
      route: "",
      upstream: "bench",
      endpoint: "chat",
      modelRequested: model,
      modelSent: model,
      modelLabel: model,
      streaming,
      method: "POST",
      path: "/v1/chat/completions",
      traceId: "",
      bytesIn: 1024,
      status: failed ? 429 : 200,
      errorType: failed ? "rate_limit" : undefined,
      errorCode: undefined,
      modelAnswered: failed ? "" : model,
      upstreamRequestId: "req_bench",
      serviceTier: "default",
      quantities: failed
        ? {}
        : { inputTokens: 214 + i, cachedInputTokens: 128, outputTokens: 57 + i, reasoningTokens: i % 7 },
      source: failed ? "missing" : "reported",
      billable: !failed,
      cost: failed ? undefined : 138_400_000n + BigInt(i),
      listCost: failed ? undefined : 276_800_000n + BigInt(i),
      durationMs,
      firstTokenMs: streaming ? durationMs / 10 : undefined,
      firstByteMs: durationMs / 12,
      overheadMs: 0.05 + (i % 100) / 100,
      bytesOut: 760,
      retries: 0,
      sentMs: 0.2,
    };
  });
}

function cpuMicrosecondsPerCall(traffic, calls) {
  const batches = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    const before = process.cpuUsage();
    for (let i = 0; i < BATCH; i++) {
      const usage = calls[i % CALLS];
      traffic.settled(traffic.started(usage), usage);
    }
    const used = process.cpuUsage(before);
    batches.push((used.user + used.system) / BATCH);
  }
  return batches.sort((a, b) => a - b)[BATCHES >> 1];
}

const metrics = new Metrics();
const traffic = new TrafficMetrics(metrics.registry, { maxModels: 200 });
const plain = cpuMicrosecondsPerCall(traffic, invented(false));
const streaming = cpuMicrosecondsPerCall(traffic, invented(true));
process.stdout.write(`${JSON.stringify({ plain, streaming })}\n`);
