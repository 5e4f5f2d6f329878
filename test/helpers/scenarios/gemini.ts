/** What users do with `@google/genai`. */
import { FunctionCallingConfigMode, GoogleGenAI, Type } from "@google/genai";
import type { Place } from "../twins.ts";
import { all, plain, type Scenario } from "./scenario.ts";

export function geminiAt({ url, key }: Place): GoogleGenAI {
  return new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url } });
}

function gemini(name: string, run: (client: GoogleGenAI) => Promise<unknown>): Scenario {
  return { name, run: async (place) => plain(await run(geminiAt(place))) };
}

const request = { model: "gemini-2.5-flash", contents: "Who leads the flock? 领头羊" };
const properties = { city: { type: Type.STRING } };
const tools = [
  { functionDeclarations: [{ name: "weather", parameters: { type: Type.OBJECT, properties } }] },
];
const toolConfig = { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } };
const knobs = (text: string) => ({ httpOptions: { headers: { "x-sandbox": text } } });

export const geminiContent: readonly Scenario[] = [
  gemini("generates", (client) => client.models.generateContent(request)),
  gemini("generates without thoughts until a limit", (client) =>
    client.models.generateContent({
      ...request,
      model: "gemini-2.0-flash",
      config: { maxOutputTokens: 7, systemInstruction: "Be brief." },
    }),
  ),
  gemini("generates several candidates from a long prompt", (client) =>
    client.models.generateContent({
      ...request,
      contents: "羊".repeat(4000),
      config: { candidateCount: 2 },
    }),
  ),
  gemini("streams", (client) => all(client.models.generateContentStream(request))),
  gemini("streams in small pieces", (client) =>
    all(client.models.generateContentStream({ ...request, config: knobs("cut=utf8; eol=crlf") })),
  ),
  gemini("calls a function", (client) =>
    client.models.generateContent({ ...request, config: { tools, toolConfig } }),
  ),
  gemini("streams a function's call", (client) =>
    all(client.models.generateContentStream({ ...request, config: { tools, toolConfig } })),
  ),
  gemini("fits a schema", (client) =>
    client.models.generateContent({
      ...request,
      config: {
        responseMimeType: "application/json",
        responseSchema: { type: Type.OBJECT, properties: { n: { type: Type.INTEGER } } },
      },
    }),
  ),
  gemini("holds a conversation", async (client) => {
    const chat = client.chats.create({ model: "gemini-2.5-flash" });
    const first = await chat.sendMessage({ message: "Hello" });
    const second = await all(chat.sendMessageStream({ message: "And now?" }));
    return { first, second, history: chat.getHistory() };
  }),
  gemini("counts tokens", (client) => client.models.countTokens({ ...request, model: "gemini-2.5-pro" })),
  gemini("embeds", (client) =>
    client.models.embedContent({
      model: "gemini-embedding-001",
      contents: "bell",
      config: { outputDimensionality: 16 },
    }),
  ),
  {
    ...gemini("embeds several texts", (client) =>
      client.models.embedContent({ model: "gemini-embedding-001", contents: ["bell", "领头羊"] }),
    ),
    told: false,
  },
  gemini("lists models", async (client) => all(await client.models.list())),
  gemini("gets a model", (client) => client.models.get({ model: "gemini-2.5-flash" })),
];

export const geminiErrors: readonly Scenario[] = [
  gemini("asks for a model that does not exist", (client) =>
    client.models.generateContent({ ...request, model: "gemini-nonsense" }),
  ),
  gemini("sends nothing", (client) => client.models.generateContent({ ...request, contents: [] })),
  gemini("is limited", (client) =>
    client.models.generateContent({ ...request, config: knobs("status=429") }),
  ),
  gemini("meets an overload as it begins to stream", (client) =>
    all(client.models.generateContentStream({ ...request, config: knobs("status=503") })),
  ),
];

export const geminiLeaving: Scenario = gemini("aborts amid a stream", async (client) => {
  const leaving = new AbortController();
  const config = { ...knobs("hang=stream; after=2"), abortSignal: leaving.signal };
  const chunks: unknown[] = [];
  try {
    for await (const chunk of await client.models.generateContentStream({ ...request, config })) {
      if (chunks.push(chunk) === 2) leaving.abort();
    }
  } catch (error) {
    return { chunks, error: String(error) };
  }
  return chunks;
});
