/** What the demo's applications ask for: every API, streamed and not. A kind of traffic is one line of the table. */
import type { Quantities } from "../../core/quantities.ts";
import type { Random } from "../../sandbox/random.ts";
import type { Endpoint } from "../../usage/usage.ts";

/** A request as the application's own client would send it, but for the key. */
export interface DemoRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | FormData;
}

/** By its median and its 99th percentile, as durations and lengths of text are spread. */
type Spread = readonly [median: number, p99: number];

export interface Workload {
  readonly app: string;
  readonly endpoint: Endpoint;
  readonly model: string;
  /** How often, compared with the others. */
  readonly weight: number;
  /** Share of its calls that are streamed, 0 to 1. */
  readonly streamed: number;
  /** Tokens. */
  readonly input: Spread;
  readonly output: Spread;
  /** Costs more than a text does: left out where somebody pays for it. */
  readonly media?: true;
  /** The header that the key goes into. */
  readonly keyHeader: "authorization" | "x-api-key" | "x-goog-api-key";
  readonly path: (stream: boolean) => string;
  request(prompt: string, stream: boolean, maxTokens: number): DemoRequest;
  /** What such a call uses; tokens as drawn unless the kind counts something else. */
  used(input: number, output: number): Quantities;
}

/** The applications and their teams. */
export const DEMO_APPS: Readonly<
  Record<string, { readonly team: string; readonly prompts: readonly string[] }>
> = {
  shop: {
    team: "commerce",
    prompts: [
      "Write a short product text for a blue wool scarf.",
      "Which of these three kettles is the quietest?",
      "Translate the delivery note into Vietnamese.",
    ],
  },
  "support-bot": {
    team: "support",
    prompts: [
      "A customer's parcel is two days late. Answer politely.",
      "Sum up this ticket in two sentences.",
      "Is this complaint about the invoice or about the goods?",
    ],
  },
  research: {
    team: "data",
    prompts: [
      "Explain what a burn rate alert is, to somebody who runs a web shop.",
      "List the assumptions of this forecast.",
      "Find the mistake in this query.",
    ],
  },
  search: { team: "commerce", prompts: ["blue wool scarf", "quiet kettle", "late parcel"] },
  studio: {
    team: "marketing",
    prompts: ["A sheep with a bell, in ink.", "Welcome back! Your order is ready."],
  },
};

const json = (path: string, body: object, headers: Readonly<Record<string, string>> = {}): DemoRequest => ({
  path,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body),
});

const tokens = (inputTokens: number, outputTokens: number): Quantities => ({ inputTokens, outputTokens });

type Case = Pick<Workload, "app" | "model" | "weight" | "streamed" | "input" | "output">;

const chat = (of: Case): Workload => ({
  ...of,
  endpoint: "chat",
  keyHeader: "authorization",
  path: () => "/v1/chat/completions",
  used: tokens,
  request: (prompt, stream, max) =>
    json("/v1/chat/completions", {
      model: of.model,
      stream,
      max_tokens: max,
      messages: [{ role: "user", content: prompt }],
    }),
});

const responses = (of: Case): Workload => ({
  ...chat(of),
  endpoint: "responses",
  path: () => "/v1/responses",
  used: (input, output) => ({ ...tokens(input, output), reasoningTokens: Math.floor(output / 3) }),
  request: (prompt, stream, max) =>
    json("/v1/responses", { model: of.model, stream, max_output_tokens: max, input: prompt }),
});

const messages = (of: Case): Workload => ({
  ...of,
  endpoint: "messages",
  keyHeader: "x-api-key",
  path: () => "/v1/messages",
  used: (input, output) => ({ ...tokens(input, output), cachedInputTokens: Math.floor(input / 2) }),
  request: (prompt, stream, max) =>
    json(
      "/v1/messages",
      { model: of.model, stream, max_tokens: max, messages: [{ role: "user", content: prompt }] },
      { "anthropic-version": "2023-06-01" },
    ),
});

const generate = (of: Case): Workload => {
  const path = (stream: boolean): string =>
    `/v1beta/models/${of.model}:${stream ? "streamGenerateContent" : "generateContent"}`;
  return {
    ...of,
    endpoint: "generate",
    keyHeader: "x-goog-api-key",
    path,
    used: tokens,
    request: (prompt, stream, max) =>
      json(`${path(stream)}${stream ? "?alt=sse" : ""}`, {
        contents: [{ role: "user", parts: [{ text: prompt }] }],
        generationConfig: { maxOutputTokens: max },
      }),
  };
};

const embeddings = (of: Case): Workload => ({
  ...chat(of),
  endpoint: "embeddings",
  path: () => "/v1/embeddings",
  used: (inputTokens) => ({ inputTokens }),
  request: (prompt) => json("/v1/embeddings", { model: of.model, input: prompt }),
});

const completions = (of: Case): Workload => ({
  ...chat(of),
  endpoint: "completions",
  path: () => "/v1/completions",
  request: (prompt, stream, max) =>
    json("/v1/completions", { model: of.model, stream, max_tokens: max, prompt }),
});

const images = (of: Case): Workload => ({
  ...chat(of),
  media: true,
  endpoint: "images",
  path: () => "/v1/images/generations",
  used: (inputTokens) => ({ inputTokens, outputTokens: 1_056, imageOutputTokens: 1_056 }),
  request: (prompt) => json("/v1/images/generations", { model: of.model, prompt, size: "1024x1024" }),
});

const speech = (of: Case): Workload => ({
  ...chat(of),
  media: true,
  endpoint: "audio",
  path: () => "/v1/audio/speech",
  used: () => ({ characters: 120 }),
  request: (prompt) => json("/v1/audio/speech", { model: of.model, voice: "alloy", input: prompt }),
});

const transcription = (of: Case): Workload => ({
  ...chat(of),
  media: true,
  endpoint: "audio",
  path: () => "/v1/audio/transcriptions",
  used: () => ({ audioMs: 30_000 }),
  request: () => {
    const body = new FormData();
    body.set("model", of.model);
    body.set("file", new Blob([new Uint8Array(16_000)], { type: "audio/wav" }), "call.wav");
    return { path: "/v1/audio/transcriptions", headers: {}, body };
  },
});

export const WORKLOADS: readonly Workload[] = [
  chat({ app: "shop", model: "gpt-4.1", weight: 22, streamed: 0.9, input: [900, 6_000], output: [180, 700] }),
  chat({
    app: "shop",
    model: "gpt-4.1-mini",
    weight: 18,
    streamed: 0.3,
    input: [500, 3_000],
    output: [60, 300],
  }),
  messages({
    app: "support-bot",
    model: "claude-sonnet-4-5",
    weight: 16,
    streamed: 0.8,
    input: [1_800, 9_000],
    output: [160, 600],
  }),
  responses({
    app: "support-bot",
    model: "gpt-5-mini",
    weight: 9,
    streamed: 0.5,
    input: [700, 4_000],
    output: [150, 500],
  }),
  generate({
    app: "research",
    model: "gemini-2.5-flash",
    weight: 10,
    streamed: 0.6,
    input: [2_500, 20_000],
    output: [240, 800],
  }),
  chat({
    app: "research",
    model: "deepseek-v3.2",
    weight: 9,
    streamed: 0.7,
    input: [1_500, 12_000],
    output: [260, 900],
  }),
  embeddings({
    app: "search",
    model: "text-embedding-3-small",
    weight: 12,
    streamed: 0,
    input: [120, 900],
    output: [1, 1],
  }),
  completions({
    app: "search",
    model: "gpt-3.5-turbo-instruct",
    weight: 1,
    streamed: 0,
    input: [60, 300],
    output: [40, 120],
  }),
  images({ app: "studio", model: "gpt-image-1", weight: 1, streamed: 0, input: [40, 120], output: [1, 1] }),
  speech({ app: "studio", model: "tts-1", weight: 1, streamed: 0, input: [1, 1], output: [1, 1] }),
  transcription({ app: "studio", model: "whisper-1", weight: 1, streamed: 0, input: [1, 1], output: [1, 1] }),
];

/** One of them by chance, each as often as its weight says. */
export function chosen(workloads: readonly Workload[], random: Random): Workload {
  let place = random.fraction() * workloads.reduce((sum, { weight }) => sum + weight, 0);
  const found = workloads.find(({ weight }) => {
    place -= weight;
    return place < 0;
  });
  const last = found ?? workloads.at(-1);
  if (last === undefined) throw new Error("there is no traffic to choose from");
  return last;
}

/** The 99th percentile of the standard normal distribution. */
const Z_99 = 2.326;

/** A whole number, log-normally spread. */
export function drawn([median, p99]: Spread, random: Random): number {
  return Math.max(1, Math.round(median * Math.exp((Math.log(p99 / median) / Z_99) * random.normal())));
}
