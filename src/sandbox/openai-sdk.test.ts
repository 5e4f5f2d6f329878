/** The official OpenAI client against the sandbox: shapes are right when the client's own parsers say so. */
import OpenAI, { APIUserAbortError, AuthenticationError, NotFoundError, RateLimitError } from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "./server.ts";

let sandbox: Sandbox;
let client: OpenAI;

beforeAll(async () => {
  sandbox = await startSandbox();
  client = new OpenAI({ apiKey: SANDBOX_KEY, baseURL: `${sandbox.url}/v1`, maxRetries: 0 });
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.reset());

const messages = [{ role: "user" as const, content: "Who leads the flock? 领头羊" }];
const weather = {
  type: "function" as const,
  function: {
    name: "get_weather",
    parameters: { type: "object", properties: { city: { type: "string" }, days: { type: "integer" } } },
  },
};

describe("chat completions", () => {
  it("answers with text, a finish reason and usage by the documented rule", async () => {
    const answer = await client.chat.completions.create({ model: "gpt-4.1", messages });
    expect(answer.object).toBe("chat.completion");
    expect(answer.choices[0]?.message.content?.length).toBeGreaterThan(10);
    expect(answer.choices[0]?.finish_reason).toBe("stop");
    const bytes = Buffer.byteLength(messages[0]?.content ?? "");
    expect(answer.usage?.prompt_tokens).toBe(Math.ceil(bytes / 4));
    expect(answer.usage?.total_tokens).toBe(
      (answer.usage?.prompt_tokens ?? 0) + (answer.usage?.completion_tokens ?? 0),
    );
  });

  it("gives the same text streamed and whole, and one usage chunk at the end when asked", async () => {
    const whole = await client.chat.completions.create({ model: "gpt-4.1", messages });
    const stream = await client.chat.completions.create({
      model: "gpt-4.1",
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe(
      whole.choices[0]?.message.content,
    );
    const last = chunks.at(-1);
    expect(last?.choices).toEqual([]);
    expect(last?.usage).toEqual(whole.usage);
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe("stop");
  });

  it("reports no usage in a stream that did not ask for it", async () => {
    const stream = await client.chat.completions.create({ model: "gpt-4.1", messages, stream: true });
    for await (const chunk of stream) expect(chunk).not.toHaveProperty("usage");
    expect(sandbox.books.total().reported).toEqual({});
    expect(sandbox.books.total().used.outputTokens).toBeGreaterThan(0);
  });

  it("stops at max_tokens with finish reason length", async () => {
    const answer = await client.chat.completions.create({ model: "gpt-4.1", messages, max_tokens: 5 });
    expect(answer.usage?.completion_tokens).toBe(5);
    expect(answer.choices[0]?.finish_reason).toBe("length");
  });

  it("stops before a stop sequence", async () => {
    const whole = await client.chat.completions.create({ model: "gpt-4.1", messages });
    const text = whole.choices[0]?.message.content ?? "";
    const stop = text.slice(9, 12);
    const answer = await client.chat.completions.create({ model: "gpt-4.1", messages, stop });
    expect(answer.choices[0]?.message.content).toBe(text.slice(0, text.indexOf(stop)));
    expect(answer.choices[0]?.finish_reason).toBe("stop");
  });

  it("answers n choices that differ, and sums their tokens", async () => {
    const answer = await client.chat.completions.create({ model: "gpt-4.1", messages, n: 3 });
    expect(new Set(answer.choices.map((choice) => choice.message.content)).size).toBe(3);
    const stream = client.chat.completions.stream({
      model: "gpt-4.1",
      messages,
      n: 3,
      stream_options: { include_usage: true },
    });
    const streamed = await stream.finalChatCompletion();
    expect(streamed.choices.map((choice) => choice.message.content)).toEqual(
      answer.choices.map((choice) => choice.message.content),
    );
    expect(streamed.usage).toEqual(answer.usage);
  });

  it("calls a tool when asked to, and talks once it has the result", async () => {
    const request = { model: "gpt-4.1", messages, tools: [weather], tool_choice: "required" as const };
    const answer = await client.chat.completions.create(request);
    const call = answer.choices[0]?.message.tool_calls?.[0];
    expect(answer.choices[0]?.finish_reason).toBe("tool_calls");
    expect(call?.type === "function" && JSON.parse(call.function.arguments)).toEqual({
      city: "naïve 羊",
      days: 7,
    });
    const streamed = await client.chat.completions.stream(request).finalChatCompletion();
    expect(streamed.choices[0]?.message.tool_calls?.[0]?.id).toBe(call?.id);
    const after = await client.chat.completions.create({
      ...request,
      tool_choice: "auto",
      messages: [
        ...messages,
        answer.choices[0]?.message ?? { role: "assistant" },
        { role: "tool", tool_call_id: call?.id ?? "", content: "sunny" },
      ],
    });
    expect(after.choices[0]?.finish_reason).toBe("stop");
  });

  it("fits a JSON schema", async () => {
    const shape = z.object({ name: z.string(), tags: z.array(z.enum(["a", "b"])), age: z.number() });
    const answer = await client.chat.completions.parse({
      model: "gpt-4.1",
      messages,
      response_format: zodResponseFormat(shape, "sheep"),
    });
    expect(answer.choices[0]?.message.parsed).toEqual({ name: "naïve 羊", tags: ["a"], age: 7 });
  });

  it("reports thinking tokens of models that think, within the output", async () => {
    const answer = await client.chat.completions.create({ model: "o3", messages });
    const thinking = answer.usage?.completion_tokens_details?.reasoning_tokens ?? 0;
    expect(thinking).toBeGreaterThan(0);
    expect(thinking).toBeLessThan(answer.usage?.completion_tokens ?? 0);
  });

  it("caches half of a long prompt in steps of 128, in DeepSeek's own fields too", async () => {
    const long = [{ role: "user" as const, content: "x".repeat(4 * 2000) }];
    const answer = await client.chat.completions.create({ model: "deepseek-chat", messages: long });
    expect(answer.usage?.prompt_tokens).toBe(2000);
    expect(answer.usage?.prompt_tokens_details?.cached_tokens).toBe(896);
    expect(answer.usage).toMatchObject({ prompt_cache_hit_tokens: 896, prompt_cache_miss_tokens: 1104 });
  });
});

describe("models and errors", () => {
  it("lists models and retrieves one", async () => {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    expect(ids).toContain("gpt-4.1");
    expect((await client.models.retrieve("gpt-4.1")).owned_by).toBe("openai");
  });

  it("refuses a wrong key with 401", async () => {
    const stranger = client.withOptions({ apiKey: "sk-wrong" });
    await expect(stranger.models.list()).rejects.toBeInstanceOf(AuthenticationError);
  });

  it("does not know an invented model", async () => {
    const asked = client.chat.completions.create({ model: "gpt-nonsense", messages });
    await expect(asked).rejects.toBeInstanceOf(NotFoundError);
    await expect(asked).rejects.toMatchObject({ code: "model_not_found", param: "model" });
  });

  it("answers 429 with a retry-after and no requests remaining", async () => {
    const error = await client.chat.completions
      .create({ model: "sandbox-429", messages })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RateLimitError);
    const { headers } = error as RateLimitError;
    expect(headers.get("retry-after")).toBe("1");
    expect(headers.get("x-ratelimit-remaining-requests")).toBe("0");
  });

  it("books what had been streamed when the client aborts", async () => {
    const stream = await client.chat.completions.create(
      { model: "gpt-4.1", messages, stream: true },
      { headers: { "x-sandbox": "tokensPerSecond=50; output=4000" } },
    );
    let pieces = 0;
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content && ++pieces === 3) break;
    }
    await expect.poll(() => sandbox.books.total().aborted).toBe(1);
    const total = sandbox.books.total();
    expect(total.abortedTokens).toBeGreaterThanOrEqual(3);
    expect(total.abortedTokens).toBeLessThan(4000);
    expect(total.used.outputTokens).toBe(total.abortedTokens);
  });

  it("hangs until the client gives up", async () => {
    const controller = new AbortController();
    const asked = client.chat.completions.create(
      { model: "sandbox-hang", messages },
      { signal: controller.signal },
    );
    const ended = expect(asked).rejects.toBeInstanceOf(APIUserAbortError);
    await expect.poll(() => sandbox.books.inFlight).toBe(1);
    controller.abort();
    await ended;
    await expect.poll(() => sandbox.books.total().statuses).toEqual({ 0: 1 });
  });
});
