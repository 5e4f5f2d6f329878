/** The official Anthropic client against the sandbox. */
import Anthropic, { AuthenticationError, RateLimitError } from "@anthropic-ai/sdk";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "./server.ts";

let sandbox: Sandbox;
let client: Anthropic;

beforeAll(async () => {
  sandbox = await startSandbox();
  client = new Anthropic({ apiKey: SANDBOX_KEY, baseURL: sandbox.url, maxRetries: 0 });
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.reset());

const request = {
  model: "claude-sonnet-4.5",
  max_tokens: 1000,
  messages: [{ role: "user" as const, content: "Who leads the flock?" }],
};

it("gives the same message streamed and whole", async () => {
  const whole = await client.messages.create(request);
  expect(whole.content[0]?.type).toBe("text");
  expect(whole.stop_reason).toBe("end_turn");
  const streamed = await client.messages.stream(request).finalMessage();
  expect(streamed.content).toMatchObject(whole.content);
  expect(streamed.usage).toMatchObject({
    input_tokens: whole.usage.input_tokens,
    output_tokens: whole.usage.output_tokens,
  });
  const books = sandbox.books.total();
  expect(books.reported.outputTokens).toBe(2 * whole.usage.output_tokens);
  expect(books.reported).toEqual(books.used);
});

it("reports usage that grows to the whole", async () => {
  const types = [];
  const outputs = [];
  for await (const event of await client.messages.create({ ...request, stream: true })) {
    types.push(event.type);
    if (event.type === "message_start") outputs.push(event.message.usage.output_tokens);
    if (event.type === "message_delta") outputs.push(event.usage.output_tokens);
  }
  expect(types.slice(0, 3)).toEqual(["message_start", "content_block_start", "content_block_delta"]);
  expect(types.at(-1)).toBe("message_stop");
  expect(outputs[0]).toBe(1);
  expect(outputs.at(-1)).toBeGreaterThan(1);
});

it("reports what is read from and written to the cache apart from the rest of the input", async () => {
  const long = "x".repeat(4 * 2048);
  const answer = await client.messages.create({
    ...request,
    messages: [
      { role: "user", content: [{ type: "text", text: long, cache_control: { type: "ephemeral" } }] },
    ],
  });
  expect(answer.usage).toMatchObject({
    input_tokens: 512,
    cache_read_input_tokens: 1024,
    cache_creation_input_tokens: 512,
    cache_creation: { ephemeral_5m_input_tokens: 512, ephemeral_1h_input_tokens: 0 },
  });
  expect(sandbox.books.total().reported).toMatchObject({
    inputTokens: 2048,
    cachedInputTokens: 1024,
    cacheWrite5mTokens: 512,
  });
});

it("thinks when told to", async () => {
  const thinking = { ...request, thinking: { type: "enabled" as const, budget_tokens: 1024 } };
  const streamed = await client.messages.stream({ ...thinking, max_tokens: 2000 }).finalMessage();
  expect(streamed.content.map((block) => block.type)).toEqual(["thinking", "text"]);
  const block = streamed.content[0];
  expect(block?.type === "thinking" && block.signature.length).toBeGreaterThan(10);
});

it("uses a tool", async () => {
  const tooled = {
    ...request,
    tools: [
      {
        name: "get_weather",
        input_schema: { type: "object" as const, properties: { city: { type: "string" } } },
      },
    ],
    tool_choice: { type: "any" as const },
  };
  const whole = await client.messages.create(tooled);
  const streamed = await client.messages.stream(tooled).finalMessage();
  expect(whole.stop_reason).toBe("tool_use");
  expect(whole.content[0]).toMatchObject({
    type: "tool_use",
    name: "get_weather",
    input: { city: "naïve 羊" },
  });
  expect(streamed.content).toMatchObject(whole.content);
});

it("counts tokens without using any", async () => {
  const { max_tokens: _, ...counted } = request;
  const { input_tokens } = await client.messages.countTokens(counted);
  expect(input_tokens).toBe((await client.messages.create(request)).usage.input_tokens);
});

it("refuses wrong keys and reports limits in its own shape", async () => {
  const stranger = client.withOptions({ apiKey: "wrong" });
  await expect(stranger.messages.create(request)).rejects.toBeInstanceOf(AuthenticationError);
  const limited = client.messages.create({ ...request, model: "sandbox-429" });
  await expect(limited).rejects.toBeInstanceOf(RateLimitError);
  await expect(limited).rejects.toMatchObject({
    error: { type: "error", error: { type: "rate_limit_error" } },
  });
  const { response } = await client.messages.create(request).withResponse();
  expect(response.headers.get("request-id")).toMatch(/^req_/);
  expect(response.headers.get("anthropic-ratelimit-requests-limit")).toBe("10000");
});

it("accepts a bearer key, and lists its models", async () => {
  const bearer = new Anthropic({ apiKey: null, authToken: SANDBOX_KEY, baseURL: sandbox.url });
  expect((await bearer.messages.create(request)).role).toBe("assistant");
  const page = await client.models.list();
  expect(page.data.map((model) => model.id)).toContain("claude-sonnet-4-5");
});

it("names its events and pings, which the client hides", async () => {
  const raw = async (knobs: string) => {
    const response = await fetch(`${sandbox.url}/v1/messages`, {
      method: "POST",
      headers: { "x-api-key": SANDBOX_KEY, "x-sandbox": knobs },
      body: JSON.stringify({ ...request, stream: true }),
    });
    return response.text();
  };
  const text = await raw("output=2; input=100; cached=10; cacheWrite=20; cacheWrite1h=30");
  expect(text.match(/(?<=^event: ).*/gm)).toEqual([
    "message_start",
    "ping",
    "content_block_start",
    "content_block_delta",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
  ]);
  const usage =
    '"input_tokens":40,"cache_creation_input_tokens":50,"cache_read_input_tokens":10,"cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":30},"output_tokens":';
  expect(text.split(usage)).toHaveLength(3);
  expect(await raw("usage=none")).not.toContain("usage");
  expect(await raw("streamError; after=2")).toMatch(
    /event: error\ndata: \{"type":"error","error":\{"type":"overloaded_error"[^\n]+\n\n$/,
  );
});
