/** What users do with the `openai` package: text. */
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import type { Place } from "../twins.ts";
import { all, plain, type Scenario, some } from "./scenario.ts";

export function openaiAt({ url, key, fetch }: Place): OpenAI {
  return new OpenAI({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0, ...(fetch && { fetch }) });
}

/** Names a scenario of this client. */
export function openai(
  name: string,
  run: (client: OpenAI, place: Place) => PromiseLike<unknown>,
  more: Pick<Scenario, "told"> = {},
): Scenario {
  return { name, run: async (place) => run(openaiAt(place), place), ...more };
}

const messages = [{ role: "user" as const, content: "Who leads the flock? 领头羊" }];
const chat = { model: "gpt-4.1", messages };
const parameters = { type: "object", properties: { city: { type: "string" }, days: { type: "integer" } } };
const weather = { type: "function" as const, function: { name: "get_weather", parameters } };
const input = "Who leads the flock? 🐑";
const knobs = (text: string) => ({ headers: { "x-sandbox": text } });

export const openaiChat: readonly Scenario[] = [
  openai("chats", async (client) => {
    const { data, response, request_id } = await client.chat.completions.create(chat).withResponse();
    return { data, request_id, limit: response.headers.get("x-ratelimit-limit-requests") };
  }),
  openai("chats with several choices", (client) => client.chat.completions.create({ ...chat, n: 3 })),
  openai("chats until a limit", (client) => client.chat.completions.create({ ...chat, max_tokens: 5 })),
  openai("chats with a model that reasons", (client) =>
    client.chat.completions.create({ ...chat, model: "o3", reasoning_effort: "high" }),
  ),
  openai("chats with a dated model", (client) =>
    client.chat.completions.create({ ...chat, model: "gpt-4.1-mini-2031-01-31" }),
  ),
  openai("chats with a long prompt that is cached", (client) =>
    client.chat.completions.create({ ...chat, messages: [{ role: "user", content: "羊".repeat(3000) }] }),
  ),
  openai("chats with DeepSeek's own fields", (client) =>
    client.chat.completions.create({
      model: "deepseek-reasoner",
      messages: [{ role: "user", content: "x".repeat(8000) }],
    }),
  ),
  openai("chats and reads a compressed answer", (client) =>
    client.chat.completions.create(chat, knobs("encoding=gzip; output=900")),
  ),
  openai("chats in JSON", (client) =>
    client.chat.completions.parse({
      ...chat,
      response_format: zodResponseFormat(z.object({ name: z.string(), age: z.number() }), "sheep"),
    }),
  ),
  openai("streams a chat", (client) => all(client.chat.completions.create({ ...chat, stream: true }))),
  openai("streams a chat and asks for usage", (client) =>
    all(client.chat.completions.create({ ...chat, stream: true, stream_options: { include_usage: true } })),
  ),
  openai("streams a chat and says that it wants no usage", (client) =>
    all(client.chat.completions.create({ ...chat, stream: true, stream_options: { include_usage: false } })),
  ),
  openai("streams several choices through the helper", (client) =>
    client.chat.completions.stream({ ...chat, n: 2 }).finalChatCompletion(),
  ),
  openai("streams a chat in small pieces with other line ends", (client) =>
    all(client.chat.completions.create({ ...chat, stream: true }, knobs("cut=utf8; eol=crlf"))),
  ),
  openai("streams a long chat", (client) =>
    all(client.chat.completions.create({ ...chat, stream: true }, knobs("output=2000"))),
  ),
  openai("streams the thoughts of DeepSeek", (client) =>
    all(client.chat.completions.create({ ...chat, model: "deepseek-reasoner", stream: true })),
  ),
  openai("calls a tool and answers with its result", async (client) => {
    const request = { ...chat, tools: [weather], tool_choice: "required" as const };
    const called = await client.chat.completions.create(request);
    const message = called.choices[0]?.message ?? { role: "assistant" as const };
    const id = called.choices[0]?.message.tool_calls?.[0]?.id ?? "";
    const result = { role: "tool" as const, tool_call_id: id, content: "sunny" };
    const after = await client.chat.completions.create({
      ...request,
      tool_choice: "auto",
      messages: [...messages, message, result],
    });
    return { called, after };
  }),
  openai("streams a tool's call", (client) =>
    all(client.chat.completions.create({ ...chat, tools: [weather], tool_choice: "required", stream: true })),
  ),
  openai("runs a tool by itself", (client) => {
    const tool = { ...weather.function, description: "Says it", function: () => "rain", parse: JSON.parse };
    return client.chat.completions
      .runTools({
        ...chat,
        messages: [{ role: "user", content: "use get_weather please" }],
        tools: [{ type: "function", function: tool }],
      })
      .finalContent();
  }),
];

export const openaiResponses: readonly Scenario[] = [
  openai("gets a response", (client) => client.responses.create({ model: "gpt-4.1", input })),
  openai("gets a response of a model that reasons", (client) =>
    client.responses.create({ model: "gpt-5", input, reasoning: { effort: "low" } }),
  ),
  openai("gets an incomplete response", (client) =>
    client.responses.create({ model: "gpt-4.1", input, max_output_tokens: 16 }),
  ),
  openai("streams a response", (client) =>
    all(client.responses.create({ model: "gpt-5-mini", input, stream: true })),
  ),
  openai("streams a response through the helper", (client) =>
    client.responses.stream({ model: "gpt-4.1", input }).finalResponse(),
  ),
  openai("calls a tool in a response, whole and streamed", async (client) => {
    const tool = { type: "function" as const, name: "get_weather", strict: false, parameters };
    const request = { model: "gpt-4.1", input: "what does get_weather say?", tools: [tool] };
    const whole = await client.responses.create(request);
    return { whole, streamed: await all(client.responses.create({ ...request, stream: true })) };
  }),
];

const completion = { model: "gpt-3.5-turbo-instruct", prompt: "Once upon a time", max_tokens: 9 };

export const openaiRest: readonly Scenario[] = [
  openai("completes", (client) => client.completions.create(completion)),
  openai("streams a completion", (client) => all(client.completions.create({ ...completion, stream: true }))),
  openai("streams a completion and asks for usage", (client) =>
    all(client.completions.create({ ...completion, stream: true, stream_options: { include_usage: true } })),
  ),
  openai("embeds several texts", (client) =>
    client.embeddings.create({ model: "text-embedding-3-small", input: ["bell", "领头羊"] }),
  ),
  openai("embeds as floats", (client) =>
    client.embeddings.create({
      model: "text-embedding-3-large",
      input,
      dimensions: 64,
      encoding_format: "float",
    }),
  ),
  openai("lists models", async (client) => plain(await all(client.models.list()))),
  openai("retrieves a model", (client) => client.models.retrieve("gpt-4.1")),
  openai("moderates", (client) => client.moderations.create({ input: "bell" }), { told: false }),
];

export const openaiErrors: readonly Scenario[] = [
  openai("asks for a model that does not exist", (client) =>
    client.chat.completions.create({ ...chat, model: "gpt-nonsense" }),
  ),
  openai("sends no messages", (client) => client.chat.completions.create({ ...chat, messages: [] })),
  openai("sends a speech no voice", (client) =>
    client.post("/audio/speech", { body: { model: "tts-1", input: "羊" } }),
  ),
  openai("is limited", (client) => client.chat.completions.create(chat, knobs("status=429; retryAfter=7"))),
  openai("is limited as it begins to stream", (client) =>
    all(client.chat.completions.create({ ...chat, stream: true }, knobs("status=429"))),
  ),
  openai("meets a failure", (client) =>
    client.embeddings.create({ model: "text-embedding-3-small", input }, knobs("status=500")),
  ),
  openai("meets an overload", (client) =>
    client.responses.create({ model: "gpt-4.1", input }, knobs("status=503")),
  ),
  openai("asks a path that does not exist", (client) => client.get("/nowhere?x=%20y&x=2")),
];

export const openaiLeaving: readonly Scenario[] = [
  openai("leaves amid a stream", async (client) => {
    const request = { ...chat, stream: true, stream_options: { include_usage: true } } as const;
    return some(await client.chat.completions.create(request, knobs("hang=stream; after=3")), 3);
  }),
  openai("aborts amid a response", async (client) => {
    const request = { model: "gpt-4.1", input, stream: true } as const;
    const stream = await client.responses.create(request, knobs("hang=stream; after=6"));
    const types: string[] = [];
    for await (const event of stream) {
      if (types.push(event.type) === 6) stream.controller.abort();
    }
    return types;
  }),
  openai("gives up before an answer", async (client, place) => {
    const leaving = new AbortController();
    const asked = client.embeddings.create(
      { model: "text-embedding-3-small", input },
      { ...knobs("hang=head"), signal: leaving.signal },
    );
    await Promise.race([asked, place.asked?.()]);
    leaving.abort();
    return asked;
  }),
];
