/** What users do with the Vercel AI SDK, through its OpenAI and Anthropic providers. */
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { embed, embedMany, generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import type { Place } from "../twins.ts";
import { all, plain, type Scenario } from "./scenario.ts";

const prompt = "Who leads the flock? 领头羊";
const base = { maxRetries: 0 };
const tools = {
  get_weather: tool({
    inputSchema: z.object({ city: z.string() }),
    execute: ({ city }) => `rain in ${city}`,
  }),
};

export function vercelAt({ url, key, fetch }: Place) {
  const settings = { apiKey: key, baseURL: `${url}/v1`, ...(fetch && { fetch }) };
  const openai = createOpenAI(settings);
  const anthropic = createAnthropic(settings);
  return {
    "chat completions": openai.chat("gpt-4.1"),
    responses: openai.responses("gpt-4.1"),
    messages: anthropic("claude-haiku-4-5"),
    embedding: openai.embedding("text-embedding-3-small"),
    unknown: openai.chat("gpt-nonsense"),
  };
}

type Apis = ReturnType<typeof vercelAt>;

function vercel(name: string, run: (apis: Apis) => Promise<unknown>): Scenario {
  return { name, run: async (place) => plain(await run(vercelAt(place))) };
}

function overApi(api: "chat completions" | "responses" | "messages"): Scenario[] {
  return [
    vercel(`generates text over ${api}`, async (apis) => {
      const { text, usage, finishReason, content } = await generateText({
        ...base,
        model: apis[api],
        prompt,
      });
      return { text, usage, finishReason, content };
    }),
    vercel(`streams text over ${api}`, async (apis) => {
      const result = streamText({ ...base, model: apis[api], prompt });
      const parts = await all(result.fullStream);
      return { kinds: parts.map(({ type }) => type), text: await result.text, usage: await result.usage };
    }),
    vercel(`runs a tool over ${api}`, async (apis) => {
      const { steps, text, totalUsage } = await generateText({
        ...base,
        model: apis[api],
        prompt: "please use get_weather",
        tools,
        stopWhen: stepCountIs(3),
      });
      return { text, totalUsage, calls: steps.map(({ toolCalls, toolResults }) => [toolCalls, toolResults]) };
    }),
    vercel(`runs a tool while it streams over ${api}`, async (apis) => {
      const result = streamText({
        ...base,
        model: apis[api],
        prompt: "please use get_weather",
        tools,
        stopWhen: stepCountIs(3),
      });
      return { text: await result.text, usage: await result.totalUsage };
    }),
  ];
}

export const vercelScenarios: readonly Scenario[] = [
  ...overApi("chat completions"),
  ...overApi("responses"),
  ...overApi("messages"),
  vercel("generates an object", async (apis) => {
    const schema = z.object({ name: z.string(), sheep: z.array(z.number()) });
    const { object, usage } = await generateObject({ ...base, model: apis.responses, schema, prompt });
    return { object, usage };
  }),
  vercel("embeds", async (apis) => {
    const one = await embed({ ...base, model: apis.embedding, value: "bell" });
    const many = await embedMany({ ...base, model: apis.embedding, values: ["a", "羊"] });
    return { one: [one.embedding, one.usage], many: [many.embeddings, many.usage] };
  }),
];

export const vercelErrors: readonly Scenario[] = [
  vercel("asks for a model that does not exist", (apis) =>
    generateText({ ...base, model: apis.unknown, prompt }),
  ),
];

export const vercelLeaving: Scenario = vercel("aborts amid a stream", async (apis) => {
  const leaving = new AbortController();
  const result = streamText({
    ...base,
    model: apis["chat completions"],
    prompt,
    abortSignal: leaving.signal,
    headers: { "x-sandbox": "hang=stream; after=4" },
  });
  const kinds: string[] = [];
  for await (const { type } of result.fullStream) {
    if (kinds.push(type) === 6) leaving.abort();
  }
  return kinds;
});
