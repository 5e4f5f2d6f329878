/** The official OpenAI client against the sandbox's Responses, embeddings, images, audio and the rest. */
import OpenAI, { toFile } from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "./server.ts";

let sandbox: Sandbox;
let client: OpenAI;

beforeAll(async () => {
  sandbox = await startSandbox();
  client = new OpenAI({ apiKey: SANDBOX_KEY, baseURL: `${sandbox.url}/v1`, maxRetries: 0 });
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.reset());

const input = "Who leads the flock?";

describe("responses", () => {
  it("gives the same response streamed and whole", async () => {
    const whole = await client.responses.create({ model: "gpt-4.1", input });
    expect(whole.status).toBe("completed");
    expect(whole.output_text.length).toBeGreaterThan(10);
    const types: string[] = [];
    const stream = client.responses.stream({ model: "gpt-4.1", input });
    for await (const event of stream) types.push(event.type);
    const streamed = await stream.finalResponse();
    expect(streamed.output_text).toBe(whole.output_text);
    expect(streamed.usage).toEqual(whole.usage);
    expect(types[0]).toBe("response.created");
    expect(types.at(-1)).toBe("response.completed");
    expect(types).toContain("response.output_text.delta");
    expect(sandbox.books.total().reported.outputTokens).toBe(2 * (whole.usage?.output_tokens ?? 0));
  });

  it("is incomplete at max_output_tokens, and thinks first where the model does", async () => {
    const short = await client.responses.create({ model: "gpt-4.1", input, max_output_tokens: 4 });
    expect(short).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
      usage: { output_tokens: 4 },
    });
    const thought = await client.responses.create({ model: "gpt-5", input });
    expect(thought.output.map((item) => item.type)).toEqual(["reasoning", "message"]);
    expect(thought.usage?.output_tokens_details.reasoning_tokens).toBeGreaterThan(0);
  });

  it("calls a function", async () => {
    const request = {
      model: "gpt-4.1",
      input: "what does get_weather say?",
      tools: [
        {
          type: "function" as const,
          name: "get_weather",
          strict: false,
          parameters: { type: "object", properties: { city: { type: "string" } } },
        },
      ],
    };
    const whole = await client.responses.create(request);
    expect(whole.output[0]).toMatchObject({ type: "function_call", name: "get_weather" });
    const streamed = await client.responses.stream(request).finalResponse();
    expect(streamed.output[0]).toMatchObject(whole.output[0] ?? {});
  });
});

describe("embeddings", () => {
  it("gives the same vectors as floats and as base64, one for each input", async () => {
    const request = { model: "text-embedding-3-small", input: ["bell", "wether"] };
    const floats = await client.embeddings.create({ ...request, encoding_format: "float" });
    const packed = await client.embeddings.create(request);
    expect(floats.data).toHaveLength(2);
    expect(floats.data[0]?.embedding).toHaveLength(1536);
    expect(packed.data[1]?.embedding).toEqual(floats.data[1]?.embedding);
    expect(floats.data[0]?.embedding).not.toEqual(floats.data[1]?.embedding);
    expect(floats.usage).toEqual({ prompt_tokens: 3, total_tokens: 3 });
  });

  it("has as many dimensions as asked", async () => {
    const answer = await client.embeddings.create({
      model: "text-embedding-3-large",
      input: "bell",
      dimensions: 64,
    });
    const vector = answer.data[0]?.embedding ?? [];
    expect(vector).toHaveLength(64);
    expect(vector.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 4);
  });
});

describe("images", () => {
  it("reports tokens for gpt-image, and none for DALL·E", async () => {
    const made = await client.images.generate({
      model: "gpt-image-1",
      prompt: "a bell",
      n: 2,
      quality: "low",
      size: "1024x1024",
    });
    expect(made.data).toHaveLength(2);
    expect(
      Buffer.from(made.data?.[0]?.b64_json ?? "", "base64")
        .subarray(1, 4)
        .toString(),
    ).toBe("PNG");
    expect(made.usage).toMatchObject({ input_tokens: 2, output_tokens: 544, total_tokens: 546 });
    const old = await client.images.generate({ model: "dall-e-3", prompt: "a bell" });
    expect(old.data?.[0]?.url).toMatch(/^https:/);
    expect(old.usage).toBeUndefined();
  });

  it("edits an uploaded image, and counts it as input", async () => {
    const image = await toFile(Buffer.from("picture"), "a.png", { type: "image/png" });
    const edited = await client.images.edit({ model: "gpt-image-1", image, prompt: "more bell" });
    expect(edited.usage?.input_tokens_details.image_tokens).toBe(323);
    const varied = await client.images.createVariation({ model: "dall-e-2", image, n: 3 });
    expect(varied.data).toHaveLength(3);
    expect(sandbox.books.total({ model: "dall-e-2" }).used).toEqual({ images: 3 });
  });

  it("streams partial images, then the whole with its usage", async () => {
    const types = [];
    const stream = await client.images.generate({
      model: "gpt-image-1",
      prompt: "a bell",
      stream: true,
      partial_images: 2,
    });
    for await (const event of stream) types.push(event.type);
    expect(types).toEqual([
      "image_generation.partial_image",
      "image_generation.partial_image",
      "image_generation.completed",
    ]);
    expect(sandbox.books.total().reported.outputTokens).toBe(1056);
  });
});

describe("audio", () => {
  const file = () => toFile(Buffer.alloc(40_000), "a.mp3", { type: "audio/mpeg" });

  it("speaks, and books the characters", async () => {
    const spoken = await client.audio.speech.create({ model: "tts-1", voice: "alloy", input: "羊🐑 bell" });
    expect(spoken.headers.get("content-type")).toBe("audio/mpeg");
    expect((await spoken.arrayBuffer()).byteLength).toBe(7 * 200);
    expect(sandbox.books.total().used).toEqual({ characters: 7 });
  });

  it("makes a wave whose length can be told from its head", async () => {
    const spoken = await client.audio.speech.create({
      model: "tts-1",
      voice: "alloy",
      input: "x".repeat(480),
      response_format: "wav",
    });
    const heard = await client.audio.transcriptions.create({
      model: "whisper-1",
      file: await toFile(Buffer.from(await spoken.arrayBuffer()), "a.wav"),
    });
    expect(heard.usage).toEqual({ type: "duration", seconds: 2 });
  });

  it("transcribes by duration or by tokens, as the model has it", async () => {
    const timed = await client.audio.transcriptions.create({ model: "whisper-1", file: await file() });
    expect(timed.text.length).toBeGreaterThan(5);
    expect(timed.usage).toEqual({ type: "duration", seconds: 3 });
    const counted = await client.audio.transcriptions.create({
      model: "gpt-4o-transcribe",
      file: await file(),
    });
    expect(counted.usage).toMatchObject({ type: "tokens", input_tokens: 30, output_tokens: 6 });
    expect(sandbox.books.total({ model: "whisper-1" }).reported).toEqual({ audioMs: 3000 });
  });

  it("answers in every format", async () => {
    const verbose = await client.audio.transcriptions.create({
      model: "whisper-1",
      file: await file(),
      response_format: "verbose_json",
    });
    expect(verbose.duration).toBe(2.5);
    const subtitles = await client.audio.transcriptions.create({
      model: "whisper-1",
      file: await file(),
      response_format: "vtt",
    });
    expect(subtitles).toContain("WEBVTT\n\n00:00:00.000 --> 00:00:02.500");
    const translated = await client.audio.translations.create({ model: "whisper-1", file: await file() });
    expect(translated.text).toBe(verbose.text);
  });

  it("streams a transcript", async () => {
    let text = "";
    let usage: unknown;
    const stream = await client.audio.transcriptions.create({
      model: "gpt-4o-mini-transcribe",
      file: await file(),
      stream: true,
    });
    for await (const event of stream) {
      if (event.type === "transcript.text.delta") text += event.delta;
      if (event.type === "transcript.text.done") {
        expect(event.text).toBe(text);
        usage = event.usage;
      }
    }
    expect(usage).toMatchObject({ total_tokens: 36 });
  });
});

describe("the rest", () => {
  it("completes a text, streamed and whole alike", async () => {
    const request = { model: "gpt-3.5-turbo-instruct", prompt: "Once", max_tokens: 9 };
    const whole = await client.completions.create(request);
    expect(whole.choices[0]?.finish_reason).toBe("length");
    let text = "";
    let usage: unknown;
    const stream = await client.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) {
      text += chunk.choices[0]?.text ?? "";
      usage = chunk.usage;
    }
    expect(text).toBe(whole.choices[0]?.text);
    expect(usage).toEqual(whole.usage);
  });

  it("moderates", async () => {
    const answer = await client.moderations.create({ input: ["a", "b"] });
    expect(answer.results.map((result) => result.flagged)).toEqual([false, false]);
  });
});
