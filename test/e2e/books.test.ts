/**
 * After hundreds of calls by all official clients at once, the metrics say what the sandbox's own books say: to
 * the token and the pico-dollar, under Bellwether's own names and in every profile.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sandboxPrices } from "../../src/sandbox/models.ts";
import { SANDBOX_KEY } from "../../src/sandbox/server.ts";
import { startGateway, type TestGateway } from "../helpers/gateway.ts";
import { type Ledger, ledgerOf, pricesAsConfigured } from "../helpers/ledger.ts";
import { type Row, rowsOf, sums } from "../helpers/page.ts";
import { anthropicErrors, anthropicMessages } from "../helpers/scenarios/anthropic.ts";
import { geminiContent, geminiErrors } from "../helpers/scenarios/gemini.ts";
import { openaiChat, openaiErrors, openaiResponses, openaiRest } from "../helpers/scenarios/openai.ts";
import { openaiMedia } from "../helpers/scenarios/openai-media.ts";
import type { Scenario } from "../helpers/scenarios/scenario.ts";
import { vercelErrors, vercelScenarios } from "../helpers/scenarios/vercel.ts";

const scenarios: readonly Scenario[] = [
  ...[...openaiChat, ...openaiResponses, ...openaiRest, ...openaiMedia, ...openaiErrors],
  ...[...anthropicMessages, ...anthropicErrors],
  ...[...geminiContent, ...geminiErrors],
  ...[...vercelScenarios, ...vercelErrors],
].filter(({ told }) => told !== false);

const ROUNDS = 3;
const AT_ONCE = 12;

let gateway: TestGateway;
let ledger: Ledger;
/** Pages by profile. */
let pages: Readonly<Record<string, string>>;

beforeAll(async () => {
  gateway = await startGateway({ upstream: { prices: pricesAsConfigured(sandboxPrices) } });
  await doAll(Array.from({ length: ROUNDS }, () => scenarios).flat());
  await gateway.quiet();
  const profiles = ["bellwether", "holysheep", "ai_api", "llm", "genai"];
  pages = Object.fromEntries(
    await Promise.all(profiles.map(async (profile) => [profile, await gateway.page(profile)] as const)),
  );
  ledger = ledgerOf(gateway.sandbox.books, {
    label: (model) => labels[model] ?? model,
    sources: {
      // Gemini does not report the tokens of embeddings, nor OpenAI the characters of speech: they are counted
      // here, and of these texts the estimate is right.
      "gemini-embedding-001": "estimated",
      "tts-1": "estimated",
      // Only asked to count tokens.
      "claude-opus-4-1": "none",
      "gemini-2.5-pro": "none",
    },
    // The gateway looks at the upstream's list of models when it meets one that it does not know.
    own: { models: 1 },
  });
});
afterAll(() => gateway.close());

/** The label of a model where it is not its name. */
const labels: Readonly<Record<string, string>> = {
  "gpt-4.1-mini-2031-01-31": "gpt-4.1-mini",
  "gpt-nonsense": "other",
  "claude-nonsense": "other",
  "gemini-nonsense": "other",
};

/** Answers that were event streams. */
let streams = 0;

/** Does them all, some at a time; where one ends the next begins. */
async function doAll(waiting: Scenario[]): Promise<void> {
  const place = { url: gateway.url, key: SANDBOX_KEY };
  const real = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const response = await real(input, init);
    if (response.headers.get("content-type")?.startsWith("text/event-stream") === true) streams++;
    return response;
  };
  const worker = async (): Promise<void> => {
    // Those that are about errors reject, as they should; what they reject with is tested elsewhere.
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
      await next.run(place).catch(() => {});
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  globalThis.fetch = real;
}

function shown(profile: string, name: string, ...by: readonly string[]): Record<string, string> {
  return sums(rowsOf(pages[profile] ?? "", name), ...by);
}

/** The rows with a label's values as another profile calls them. */
function renamed(rows: readonly Row[], label: string, name: (value: string, row: Row) => string): Row[] {
  return rows.map((row) => ({
    ...row,
    labels: { ...row.labels, [label]: name(row.labels[label] ?? "", row) },
  }));
}

it("made calls of every kind", () => {
  const endpoints = Object.keys(sums(ledger.requests, "endpoint"));
  expect(endpoints).toEqual([
    "audio",
    "chat",
    "completions",
    "embeddings",
    "generate",
    "images",
    "messages",
    "models",
    "other",
    "responses",
  ]);
  expect(Object.keys(sums(ledger.requests, "status"))).toEqual([
    "200",
    "400",
    "404",
    "429",
    "500",
    "503",
    "529",
  ]);
  for (const rows of Object.values(ledger))
    expect(Object.keys(sums(rows, "model")).length).toBeGreaterThan(0);
});

describe("Bellwether's own metrics equal the sandbox's books in", () => {
  const spender = ["upstream", "model", "app"];
  it.each([
    ["calls", "requests", "bellwether_requests_total", [...spender, "endpoint", "status"]],
    ["errors", "errors", "bellwether_errors_total", ["upstream", "model", "endpoint", "type"]],
    ["cost", "cost", "bellwether_cost_usd_total", spender],
    ["input tokens", "input", "bellwether_input_tokens_total", spender],
    ["output tokens", "output", "bellwether_output_tokens_total", spender],
    ["cached input tokens", "cached", "bellwether_cached_input_tokens_total", spender],
    ["written input tokens", "cacheWrite", "bellwether_cache_write_input_tokens_total", spender],
    ["reasoning tokens", "reasoning", "bellwether_reasoning_output_tokens_total", spender],
    ["audio tokens", "audio", "bellwether_audio_tokens_total", spender],
    ["provenance", "usageRecords", "bellwether_usage_records_total", ["upstream", "model", "source"]],
    ["durations", "requests", "bellwether_request_duration_seconds_count", ["upstream", "model", "endpoint"]],
    ["overheads", "requests", "bellwether_overhead_seconds_count", ["endpoint"]],
  ] as const)("%s", (_what, field, name, by) => {
    expect(shown("bellwether", name, ...by)).toEqual(sums(ledger[field], ...by));
  });

  it("the sum of money, which is exact", () => {
    const { costUsd } = gateway.sandbox.books.toJSON();
    expect(Number(costUsd)).toBeGreaterThan(0);
    expect(shown("bellwether", "bellwether_cost_usd_total")).toEqual({ "": costUsd });
  });

  it("first tokens, one for each stream", () => {
    const name = "bellwether_time_to_first_token_seconds_count";
    expect(shown("bellwether", name)).toEqual({ "": String(streams) });
  });

  it("nothing that is without a price, or still in flight", () => {
    expect(shown("bellwether", "bellwether_unpriced_tokens_total")).toEqual({});
    expect(shown("bellwether", "bellwether_requests_in_flight")).toEqual({});
    expect(shown("bellwether", "bellwether_rejected_total")).toEqual({});
  });
});

/** How the profiles write endpoints. */
const PATHS: Readonly<Record<string, string>> = {
  chat: "chat/completions",
  images: "images/generations",
  generate: "models:generateContent",
};
const path = (prefix: string) => (endpoint: string) =>
  endpoint === "other" ? "other" : prefix + (PATHS[endpoint] ?? endpoint);

const tokens = (input: string, output: string): Row[] => [
  ...renamed(ledger.input, "type", () => input),
  ...renamed(ledger.output, "type", () => output),
];

describe("the profiles equal the sandbox's books", () => {
  it("holysheep", () => {
    const page = (name: string, ...by: string[]) => shown("holysheep", `holysheep_${name}`, ...by);
    const calls = ["model", "status", "endpoint"];
    expect(page("requests_total", ...calls)).toEqual(sums(ledger.requests, ...calls));
    expect(page("request_duration_seconds_count", "model", "endpoint")).toEqual(
      sums(ledger.requests, "model", "endpoint"),
    );
    expect(page("request_latency_seconds_count", "endpoint")).toEqual(
      sums(renamed(ledger.requests, "endpoint", path("")), "endpoint"),
    );
    expect(page("tokens_total", "model", "type")).toEqual(
      sums(tokens("prompt", "completion"), "model", "type"),
    );
    expect(page("cost_total", "model")).toEqual(sums(ledger.cost, "model"));
    const names: Record<string, string> = {
      bad_request: "BadRequest",
      not_found: "NotFound",
      rate_limit: "RateLimit",
      upstream_5xx: "ServerError",
    };
    const errors = renamed(ledger.errors, "error_type", (_, { labels }) => names[labels.type ?? ""] ?? "");
    expect(page("errors_total", "error_type")).toEqual(sums(errors, "error_type"));
  });

  it("ai_api", () => {
    const page = (name: string, ...by: string[]) => shown("ai_api", `ai_api_${name}`, ...by);
    const rows = (of: readonly Row[]) =>
      renamed(
        renamed(of, "provider", () => "relay"),
        "endpoint",
        (value) => path("/")(value),
      );
    const calls = renamed(rows(ledger.requests), "status_code", (_, { labels }) => labels.status ?? "");
    const kind = ["provider", "model", "endpoint"];
    expect(page("requests_total", ...kind, "status_code")).toEqual(sums(calls, ...kind, "status_code"));
    expect(page("request_duration_milliseconds_count", ...kind)).toEqual(sums(calls, ...kind));
    expect(page("input_tokens_total", "provider", "model")).toEqual(
      sums(rows(ledger.input), "provider", "model"),
    );
    expect(page("output_tokens_total", "provider", "model")).toEqual(
      sums(rows(ledger.output), "provider", "model"),
    );
    const cents = Array.from({ length: 100 }, () => rows(ledger.cost)).flat();
    expect(page("cost_usd_cents", "provider", "model", "cost_type")).toEqual(
      sums(
        renamed(cents, "cost_type", () => "total"),
        "provider",
        "model",
        "cost_type",
      ),
    );
    const errors = renamed(rows(ledger.errors), "error_type", (_, { labels }) => `http_${labels.status}`);
    expect(page("errors_total", "provider", "model", "error_type")).toEqual(
      sums(errors, "provider", "model", "error_type"),
    );
    expect(page("batch_size_count", "model")).toEqual(sums(ledger.requests, "model"));
  });

  it("llm", () => {
    const page = (name: string, ...by: string[]) => shown("llm", name, ...by);
    const calls = renamed(ledger.requests, "endpoint", (endpoint) =>
      endpoint === "generate" ? "/v1beta/models:generateContent" : path("/v1/")(endpoint),
    );
    const kind = ["model", "status", "endpoint"];
    expect(page("llm_requests_total", ...kind)).toEqual(sums(calls, ...kind));
    expect(page("llm_request_duration_seconds_count", "model", "endpoint")).toEqual(
      sums(calls, "model", "endpoint"),
    );
    expect(page("llm_tokens_consumed_total", "model", "type")).toEqual(
      sums(tokens("prompt", "completion"), "model", "type"),
    );
    expect(page("llm_active_requests")).toEqual({});
    expect(page("http_requests_total", "status", "endpoint")).toEqual(sums(calls, "status", "endpoint"));
    expect(page("http_requests_total", "method")).toEqual(
      sums(
        // A path that does not exist was asked for by GET, as the lists of models were.
        renamed(ledger.requests, "method", (_, { labels }) =>
          labels.endpoint === "models" || labels.endpoint === "other" ? "GET" : "POST",
        ),
        "method",
      ),
    );
  });

  it("genai", () => {
    const page = (name: string, ...by: string[]) => shown("genai", `gen_ai_client_${name}`, ...by);
    const rows = (of: readonly Row[]) =>
      renamed(
        of.filter(({ labels: { endpoint = "" } }) => endpoint !== "models" && endpoint !== "other"),
        "gen_ai_request_model",
        (_, { labels }) => labels.model ?? "",
      );
    expect(page("operation_duration_seconds_count", "gen_ai_request_model")).toEqual(
      sums(rows(ledger.requests), "gen_ai_request_model"),
    );
    const errors = renamed(rows(ledger.errors), "error_type", (_, { labels }) => labels.type ?? "");
    const failed = rowsOf(pages.genai ?? "", "gen_ai_client_operation_duration_seconds_count").filter(
      ({ labels }) => labels.error_type !== "",
    );
    expect(sums(failed, "gen_ai_request_model", "error_type")).toEqual(
      sums(errors, "gen_ai_request_model", "error_type"),
    );
    const used = renamed(
      rows(tokens("input", "output")),
      "gen_ai_token_type",
      (_, { labels }) => labels.type ?? "",
    );
    expect(page("token_usage_sum", "gen_ai_request_model", "gen_ai_token_type")).toEqual(
      sums(used, "gen_ai_request_model", "gen_ai_token_type"),
    );
  });
});
