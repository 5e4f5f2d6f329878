/** What the benchmarks of the ledger need: the product's own modules as plain JavaScript, and invented calls. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { basename, join } from "node:path";

const ROOT = new URL("..", import.meta.url).pathname;

/** A folder for bundles, inside the project, so that they find its packages. */
export function scratchFolder() {
  const results = join(ROOT, "bench/results");
  mkdirSync(results, { recursive: true });
  const path = mkdtempSync(join(results, "scratch-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Bundles a module of the product, with what it imports of it, into a folder; gives the file. */
export async function bundled(folder, source) {
  const { rolldown } = await import("rolldown");
  const bundle = await rolldown({
    cwd: ROOT,
    input: source,
    platform: "node",
    tsconfig: false,
    logLevel: "silent",
    external: /^@duckdb\//,
  });
  const name = `${basename(source, ".ts")}.mjs`;
  await bundle.write({ dir: folder, format: "esm", entryFileNames: name });
  await bundle.close();
  return join(folder, name);
}

/** Settled calls over many series, with everything that a typical one has. */
export function inventedCalls(count, startedAt = Date.now()) {
  return Array.from({ length: count }, (_, i) => {
    const model = ["gpt-4.1", "gpt-4.1-mini", "claude-sonnet-4.5", "gemini-2.5-flash", "deepseek-v3.2"][
      i % 5
    ];
    const failed = i % 20 === 19;
    const durationMs = 120 + ((i * 7919) % 20_000) / 3;
    return {
      id: crypto.randomUUID(),
      startedAt: startedAt + i,
      app: ["shop", "support", "search", "anonymous"][i % 4],
      team: i % 4 === 3 ? "" : "commerce",
      probe: false,
      upstream: i % 3 === 0 ? "openai" : "holysheep",
      endpoint: "chat",
      modelRequested: model,
      modelSent: model,
      modelLabel: model,
      route: "",
      streaming: i % 2 === 0,
      method: "POST",
      path: "/v1/chat/completions",
      traceId: "0af7651916cd43dd8448eb211c80319c",
      bytesIn: 1024 + (i % 512),
      status: failed ? 429 : 200,
      errorType: failed ? "rate_limit" : undefined,
      errorCode: undefined,
      modelAnswered: failed ? "" : model,
      upstreamRequestId: `req_${i.toString(16).padStart(24, "0")}`,
      serviceTier: "default",
      quantities: failed ? {} : { inputTokens: 214 + i, cachedInputTokens: 128, outputTokens: 57 + i },
      source: failed ? "missing" : "reported",
      billable: !failed,
      cost: failed ? undefined : 138_400_000n + BigInt(i),
      listCost: failed ? undefined : 276_800_000n + BigInt(i),
      durationMs,
      firstTokenMs: i % 2 === 0 ? durationMs / 10 : undefined,
      firstByteMs: durationMs / 12,
      overheadMs: 0.05 + (i % 100) / 100,
      bytesOut: 760,
      retries: 0,
      sentMs: 0.2,
    };
  });
}

/** An id like those of calls: UUID version 7. */
export function timeOrdered(ms) {
  const time = ms.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`;
}
