/** The official Gemini client against the sandbox. */
import { ApiError, FunctionCallingConfigMode, GoogleGenAI, Type } from "@google/genai";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "./server.ts";

let sandbox: Sandbox;
let client: GoogleGenAI;

beforeAll(async () => {
  sandbox = await startSandbox();
  client = new GoogleGenAI({ apiKey: SANDBOX_KEY, httpOptions: { baseUrl: sandbox.url } });
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.reset());

const request = { model: "gemini-2.5-flash", contents: "Who leads the flock?" };

it("gives the same text streamed and whole, with usage that grows to the whole", async () => {
  const whole = await client.models.generateContent(request);
  expect(whole.text?.length).toBeGreaterThan(10);
  const usage = whole.usageMetadata;
  expect(usage?.totalTokenCount).toBe(
    (usage?.promptTokenCount ?? 0) + (usage?.candidatesTokenCount ?? 0) + (usage?.thoughtsTokenCount ?? 0),
  );
  let text = "";
  const totals = [];
  let last: unknown;
  for await (const chunk of await client.models.generateContentStream(request)) {
    text += chunk.text ?? "";
    totals.push(chunk.usageMetadata?.totalTokenCount ?? 0);
    last = chunk.usageMetadata;
  }
  expect(text).toBe(whole.text);
  expect(last).toEqual(usage);
  expect(totals).toEqual(totals.toSorted((a, b) => a - b));
  expect(sandbox.books.total().reported).toEqual(sandbox.books.total().used);
});

it("streams a JSON array when server-sent events are not asked for", async () => {
  const response = await fetch(`${sandbox.url}/v1beta/models/gemini-2.0-flash:streamGenerateContent`, {
    method: "POST",
    headers: { "x-goog-api-key": SANDBOX_KEY },
    body: JSON.stringify({ contents: [{ parts: [{ text: "hello" }] }] }),
  });
  expect(response.headers.get("content-type")).toBe("application/json");
  const chunks = (await response.json()) as {
    usageMetadata: object;
    candidates: { finishReason?: string }[];
  }[];
  expect(chunks.length).toBeGreaterThan(1);
  expect(chunks.at(-1)?.candidates[0]?.finishReason).toBe("STOP");
});

it("calls a function and fits a schema", async () => {
  const called = await client.models.generateContent({
    ...request,
    config: {
      tools: [
        {
          functionDeclarations: [
            {
              name: "weather",
              parameters: { type: Type.OBJECT, properties: { city: { type: Type.STRING } } },
            },
          ],
        },
      ],
      toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } },
    },
  });
  expect(called.functionCalls?.[0]).toMatchObject({ name: "weather", args: { city: "naïve 羊" } });
  const fitted = await client.models.generateContent({
    ...request,
    config: {
      responseMimeType: "application/json",
      responseSchema: { type: Type.OBJECT, properties: { n: { type: Type.INTEGER } } },
    },
  });
  expect(JSON.parse(fitted.text ?? "")).toEqual({ n: 7 });
});

it("stops at maxOutputTokens, thoughts included", async () => {
  const cut = await client.models.generateContent({ ...request, config: { maxOutputTokens: 20 } });
  expect(cut.candidates?.[0]?.finishReason).toBe("MAX_TOKENS");
  const { candidatesTokenCount = 0, thoughtsTokenCount = 0 } = cut.usageMetadata ?? {};
  expect(candidatesTokenCount + thoughtsTokenCount).toBe(20);
});

it("counts, embeds and lists", async () => {
  expect((await client.models.countTokens(request)).totalTokens).toBe(5);
  const embedded = await client.models.embedContent({
    model: "gemini-embedding-001",
    contents: ["a", "b"],
    config: { outputDimensionality: 16 },
  });
  expect(embedded.embeddings?.map((embedding) => embedding.values?.length)).toEqual([16, 16]);
  const names = [];
  for await (const model of await client.models.list()) names.push(model.name);
  expect(names).toContain("models/gemini-2.5-flash");
});

it("refuses a wrong key in Gemini's shape, and takes a key in the query", async () => {
  const stranger = new GoogleGenAI({ apiKey: "wrong", httpOptions: { baseUrl: sandbox.url } });
  await expect(stranger.models.generateContent(request)).rejects.toBeInstanceOf(ApiError);
  const refused = await fetch(`${sandbox.url}/v1beta/models?key=wrong`);
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({ error: { code: 400, status: "INVALID_ARGUMENT" } });
  expect((await fetch(`${sandbox.url}/v1beta/models?key=${SANDBOX_KEY}`)).status).toBe(200);
});
