/** The Vercel AI SDK against the sandbox, through its OpenAI and Anthropic providers. */
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { embed, generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "./server.ts";

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

const openai = () => createOpenAI({ apiKey: SANDBOX_KEY, baseURL: `${sandbox.url}/v1` });
const anthropic = () => createAnthropic({ apiKey: SANDBOX_KEY, baseURL: `${sandbox.url}/v1` });
const prompt = "Who leads the flock?";

it.each([
  ["chat completions", () => openai().chat("gpt-4.1")],
  ["responses", () => openai().responses("gpt-4.1")],
  ["messages", () => anthropic()("claude-haiku-4-5")],
])("generates and streams the same text over %s", async (_name, model) => {
  const whole = await generateText({ model: model(), prompt });
  const streamed = streamText({ model: model(), prompt });
  expect(await streamed.text).toBe(whole.text);
  expect(whole.text.length).toBeGreaterThan(10);
  expect((await streamed.usage).outputTokens).toBe(whole.usage.outputTokens);
  expect(whole.usage.inputTokens).toBe(5);
});

it("runs a tool and comes back with text", async () => {
  const { steps, text } = await generateText({
    model: openai().chat("gpt-4.1"),
    prompt: "please use get_weather",
    tools: {
      get_weather: tool({
        inputSchema: z.object({ city: z.string() }),
        execute: ({ city }) => `rain in ${city}`,
      }),
    },
    stopWhen: stepCountIs(3),
  });
  expect(steps[0]?.toolResults[0]?.output).toBe("rain in naïve 羊");
  expect(text.length).toBeGreaterThan(10);
});

it("generates an object and embeds", async () => {
  const { object } = await generateObject({
    model: openai().responses("gpt-4.1"),
    schema: z.object({ name: z.string(), sheep: z.array(z.number()) }),
    prompt,
  });
  expect(object).toEqual({ name: "naïve 羊", sheep: [7] });
  const { embedding } = await embed({ model: openai().embedding("text-embedding-3-small"), value: "bell" });
  expect(embedding).toHaveLength(1536);
});
