import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RequestFacts } from "../dialect.ts";
import { recognise } from "./index.ts";
import { codePoints } from "./openai-audio.ts";

function ask(path: string, body: unknown): RequestFacts {
  const operation = recognise("POST", path);
  if (operation === undefined) throw new Error(`${path} is not recognised`);
  const form = body instanceof Map ? (body as ReadonlyMap<string, string>) : undefined;
  return operation.dialect.facts(operation, { json: form === undefined ? body : undefined, form });
}

function prompt(path: string, body: unknown): string | undefined {
  const form = body instanceof Map ? (body as ReadonlyMap<string, string>) : undefined;
  return recognise("POST", path)?.dialect.promptText({ json: form === undefined ? body : undefined, form });
}

describe("facts of a request", () => {
  it("chat: model, streaming, limit, usage wish, tier", () => {
    const body = {
      model: "gpt-4.1",
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 100,
      max_completion_tokens: 50,
      service_tier: "flex",
    };
    expect(ask("/v1/chat/completions", body)).toEqual({
      model: "gpt-4.1",
      streaming: true,
      asksForUsage: true,
      maxOutputTokens: 50,
      serviceTier: "flex",
    });
    expect(ask("/v1/chat/completions", { model: "m", max_tokens: 9 }).maxOutputTokens).toBe(9);
  });

  it("the wrong types read as absent", () => {
    for (const body of [
      undefined,
      null,
      "x",
      [],
      { model: 1, stream: "true", max_tokens: "5", stream_options: "include_usage", service_tier: {} },
    ]) {
      expect(ask("/v1/chat/completions", body)).toEqual({ model: "", streaming: false, asksForUsage: false });
    }
  });

  it("a model's name is cut at 256 characters", () => {
    for (const path of ["/v1/chat/completions", "/v1/messages", "/v1/embeddings", "/v1/files"]) {
      expect(ask(path, { model: "m".repeat(10_000) }).model).toHaveLength(256);
    }
  });

  it("completions, responses and messages name their limits differently", () => {
    const body = { model: "m", max_tokens: 1, max_output_tokens: 2, max_completion_tokens: 3 };
    expect(ask("/v1/completions", body).maxOutputTokens).toBe(1);
    expect(ask("/v1/responses", body).maxOutputTokens).toBe(2);
    expect(ask("/v1/messages", { ...body, stream: true, service_tier: "auto" })).toEqual({
      model: "m",
      streaming: true,
      maxOutputTokens: 1,
      serviceTier: "auto",
    });
  });

  it("gemini: model and streaming from the path, the rest from the body", () => {
    const path = "/v1beta/models/gemini-2.5-flash:streamGenerateContent";
    expect(
      ask(path, { model: "x", generationConfig: { maxOutputTokens: 7 }, serviceTier: "priority" }),
    ).toEqual({
      model: "gemini-2.5-flash",
      streaming: true,
      maxOutputTokens: 7,
      serviceTier: "priority",
    });
    expect(ask(path, { generation_config: { max_output_tokens: 8 } }).maxOutputTokens).toBe(8);
    expect(
      ask("/v1beta/models/imagen-4:predict", { parameters: { sampleCount: 2, sampleImageSize: "2K" } }),
    ).toMatchObject({ model: "imagen-4", quantities: { images: 2 }, image: { size: "2K", quality: "" } });
  });

  it("images: number, size and quality, from JSON or a form", () => {
    expect(
      ask("/v1/images/generations", { model: "dall-e-3", n: 2, size: "1024x1792", quality: "hd" }),
    ).toEqual({
      model: "dall-e-3",
      streaming: false,
      quantities: { images: 2 },
      image: { size: "1024x1792", quality: "hd" },
    });
    const form = new Map([
      ["model", "gpt-image-1"],
      ["n", "3"],
      ["stream", "true"],
    ]);
    expect(ask("/v1/images/edits", form)).toEqual({
      model: "gpt-image-1",
      streaming: true,
      quantities: { images: 3 },
      image: { size: "", quality: "" },
    });
    for (const n of [undefined, null, "2", -1, 0]) {
      expect(ask("/v1/images/generations", { n }).quantities).toEqual({ images: 1 });
    }
  });

  it("audio: a form's fields, or the characters to be spoken", () => {
    const form = new Map([
      ["model", "gpt-4o-transcribe"],
      ["stream", "true"],
    ]);
    expect(ask("/v1/audio/transcriptions", form)).toEqual({ model: "gpt-4o-transcribe", streaming: true });
    expect(ask("/v1/audio/speech", { model: "tts-1", input: "Grüß 🐑" })).toEqual({
      model: "tts-1",
      streaming: false,
      quantities: { characters: 6 },
    });
    expect(ask("/v1/audio/speech", { model: "m", input: "a", stream_format: "sse" }).streaming).toBe(true);
  });

  it("need no more of a request than its fact keys, whatever that asks for", () => {
    const paths = [
      ...["chat/completions", "completions", "responses", "messages", "embeddings", "images/edits"],
      ...["audio/speech", "audio/transcriptions", "models", "files"],
    ].map((path) => `/v1/${path}`);
    for (const path of [...paths, "/v1beta/models/a:generateContent", "/v1beta/models/imagen:predict"]) {
      const operation = recognise("POST", path);
      const needed = new Set<string | symbol>();
      const spy = new Proxy({}, { get: (_, key) => void needed.add(key) });
      operation?.dialect.facts(operation, { json: spy, form: undefined });
      expect(
        [...needed].filter((key) => !operation?.dialect.factKeys.has(String(key))),
        path,
      ).toEqual([]);
    }
  });

  it("lists ask for no model", () => {
    expect(ask("/v1/models", { model: "x" })).toEqual({ model: "", streaming: false });
  });
});

describe("codePoints", () => {
  it("counts a text the same whether it was parsed from UTF-8 or from latin1", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(codePoints(Buffer.from(text).toString("latin1"))).toBe([...text].length);
      }),
    );
    expect(codePoints("Grüße, 世界 🐑")).toBe(11);
    expect(codePoints("é")).toBe(1);
    expect(codePoints("\ud83d")).toBe(1);
    expect(codePoints("\ud83d\ud83d\udc11")).toBe(2);
    expect(codePoints("")).toBe(0);
  });
});

describe("text of a prompt", () => {
  it("chat: messages, calls of tools, definitions; no images", () => {
    const body = {
      messages: [
        { role: "system", content: "Be brief." },
        {
          role: "user",
          content: [
            { type: "text", text: "What?" },
            { type: "image_url", image_url: { url: "data:" } },
          ],
        },
        { role: "assistant", content: null, tool_calls: [{ function: { name: "f", arguments: '{"a":1}' } }] },
      ],
      tools: [{ type: "function" }],
    };
    expect(prompt("/v1/chat/completions", body)).toBe('Be brief.\nWhat?\n{"a":1}\n[{"type":"function"}]');
  });

  it("completions and embeddings: a text or several, but no tokens", () => {
    expect(prompt("/v1/completions", { prompt: ["a", "b"], suffix: "c" })).toBe("a\nb\nc");
    expect(prompt("/v1/embeddings", { input: "a" })).toBe("a");
    expect(prompt("/v1/embeddings", { input: [[1, 2], [3]] })).toBe("");
  });

  it("responses: instructions, input and outputs of tools", () => {
    const input = [
      { role: "user", content: [{ type: "input_text", text: "b" }] },
      { type: "function_call", arguments: "c" },
      { type: "function_call_output", output: "d" },
    ];
    expect(prompt("/v1/responses", { instructions: "a", input })).toBe("a\nb\nc\nd");
    expect(prompt("/v1/responses", { input: "x" })).toBe("x");
  });

  it("messages: system, blocks, and results of tools", () => {
    const messages = [
      { role: "user", content: "b" },
      { role: "assistant", content: [{ type: "tool_use", name: "f", input: { a: 1 } }] },
      { role: "user", content: [{ type: "tool_result", content: [{ type: "text", text: "c" }] }] },
    ];
    expect(prompt("/v1/messages", { system: [{ type: "text", text: "a" }], messages })).toBe(
      'a\nb\n{"a":1}\nc',
    );
  });

  it("gemini: system, contents, and embeddings' contents", () => {
    const parts = (text: string) => ({ parts: [{ text }, { inlineData: { data: "AAAA" } }] });
    const path = "/v1beta/models/m:generateContent";
    expect(prompt(path, { systemInstruction: parts("a"), contents: [parts("b"), parts("c")] })).toBe(
      "a\nb\nc",
    );
    expect(prompt("/v1beta/models/m:embedContent", { content: parts("a") })).toBe("a");
    const requests = [{ content: parts("a") }, { content: parts("b") }];
    expect(prompt("/v1beta/models/m:batchEmbedContents", { requests })).toBe("a\nb");
  });

  it("images and audio: the prompt, or what is to be spoken", () => {
    expect(prompt("/v1/images/generations", { prompt: "a sheep" })).toBe("a sheep");
    expect(prompt("/v1/images/edits", new Map([["prompt", "a bell"]]))).toBe("a bell");
    expect(prompt("/v1/audio/speech", { input: "a", instructions: "b" })).toBe("a\nb");
  });
});
