/** What users do with `@anthropic-ai/sdk`. */
import Anthropic from "@anthropic-ai/sdk";
import type { Place } from "../twins.ts";
import { all, plain, type Scenario, some } from "./scenario.ts";

export function anthropicAt({ url, key, fetch }: Place): Anthropic {
  return new Anthropic({ apiKey: key, baseURL: url, maxRetries: 0, ...(fetch && { fetch }) });
}

function anthropic(name: string, run: (client: Anthropic) => PromiseLike<unknown>): Scenario {
  return { name, run: async (place) => run(anthropicAt(place)) };
}

const content = "Who leads the flock? 领头羊";
const request = {
  model: "claude-sonnet-4.5",
  max_tokens: 1000,
  messages: [{ role: "user" as const, content }],
};
const weather = {
  name: "get_weather",
  input_schema: { type: "object" as const, properties: { city: { type: "string" } } },
};
const thinking = { type: "enabled" as const, budget_tokens: 1024 };
const long = (ttl: "5m" | "1h") => [
  {
    role: "user" as const,
    content: [
      { type: "text" as const, text: "羊".repeat(4000), cache_control: { type: "ephemeral" as const, ttl } },
    ],
  },
];
const knobs = (text: string) => ({ headers: { "x-sandbox": text } });

export const anthropicMessages: readonly Scenario[] = [
  anthropic("gets a message", async (client) => {
    const { data, response, request_id } = await client.messages.create(request).withResponse();
    return { data, request_id, limit: response.headers.get("anthropic-ratelimit-tokens-limit") };
  }),
  anthropic("gets a message until a limit, with a system prompt", (client) =>
    client.messages.create({ ...request, max_tokens: 4, system: "Be brief." }),
  ),
  anthropic("streams a message", (client) => all(client.messages.create({ ...request, stream: true }))),
  anthropic("streams a message through the helper", async (client) => {
    const stream = client.messages.stream(request);
    return { events: await all(stream), message: await stream.finalMessage() };
  }),
  anthropic("streams a message in small pieces", (client) =>
    all(client.messages.create({ ...request, stream: true }, knobs("cut=random; eol=crlf"))),
  ),
  anthropic("uses a tool, and gives its result", async (client) => {
    const tooled = { ...request, tools: [weather], tool_choice: { type: "any" as const } };
    const called = await client.messages.create(tooled);
    const use = called.content.find((block) => block.type === "tool_use");
    const result = { type: "tool_result" as const, tool_use_id: use?.id ?? "", content: "sunny" };
    const after = await client.messages.create({
      ...tooled,
      tool_choice: { type: "auto" },
      messages: [
        ...request.messages,
        { role: "assistant", content: called.content },
        { role: "user", content: [result] },
      ],
    });
    return { called, after };
  }),
  anthropic("streams a tool's use", (client) =>
    all(client.messages.create({ ...request, tools: [weather], tool_choice: { type: "any" }, stream: true })),
  ),
  anthropic("thinks", (client) => client.messages.create({ ...request, max_tokens: 3000, thinking })),
  anthropic("streams its thoughts", (client) =>
    client.messages.stream({ ...request, max_tokens: 3000, thinking }).finalMessage(),
  ),
  anthropic("writes to the cache for five minutes", (client) =>
    client.messages.create({ ...request, messages: long("5m") }),
  ),
  anthropic("writes to the cache for an hour, streaming", (client) =>
    all(client.messages.create({ ...request, messages: long("1h"), stream: true })),
  ),
  anthropic("gets usage in every event", (client) =>
    all(client.messages.create({ ...request, stream: true }, knobs("usage=every-chunk"))),
  ),
  anthropic("counts tokens", (client) =>
    client.messages.countTokens({ model: "claude-opus-4-1", messages: request.messages }),
  ),
  anthropic("lists models", async (client) => plain(await all(client.models.list()))),
  anthropic("retrieves a model", (client) => client.models.retrieve("claude-sonnet-4.5")),
  {
    name: "sends its key as a bearer",
    run: async ({ url, key, fetch }) =>
      new Anthropic({ apiKey: null, authToken: key, baseURL: url, ...(fetch && { fetch }) }).messages.create(
        request,
      ),
  },
];

export const anthropicErrors: readonly Scenario[] = [
  anthropic("asks for a model that does not exist", (client) =>
    client.messages.create({ ...request, model: "claude-nonsense" }),
  ),
  anthropic("sends no messages", (client) => client.messages.create({ ...request, messages: [] })),
  anthropic("is limited", (client) => client.messages.create(request, knobs("status=429"))),
  anthropic("meets an overload as it begins to stream", (client) =>
    all(client.messages.create({ ...request, stream: true }, knobs("status=529"))),
  ),
  anthropic("counts tokens of nothing", (client) =>
    client.messages.countTokens({ model: "claude-opus-4-1", messages: [] }),
  ),
];

/** Reads the events of a stream that then hangs, and leaves. The client keeps the `ping` among them to itself. */
export const anthropicLeaving: Scenario = anthropic("leaves amid a stream", async (client) => {
  const stream = await client.messages.create({ ...request, stream: true }, knobs("hang=stream; after=6"));
  return some(stream, 5);
});
