import { describe, expect, test } from "vitest";
import { PriceBook } from "./book.ts";
import { costOf } from "./cost.ts";
import { importLiteLlm } from "./import.ts";
import { PriceLists } from "./lists.ts";
import { parsePriceFile } from "./price-file-check.ts";

const text = JSON.stringify({
  sample_spec: { input_cost_per_token: 0, litellm_provider: "one of https://docs.litellm.ai/docs/providers" },
  "gpt-9": {
    cache_read_input_token_cost: 5e-7,
    cache_read_input_token_cost_priority: 8.75e-7,
    input_cost_per_token: 2e-6,
    input_cost_per_token_batches: 1e-6,
    input_cost_per_token_priority: 3.5e-6,
    litellm_provider: "openai",
    max_input_tokens: 1047576,
    mode: "chat",
    output_cost_per_token: 8e-6,
    output_cost_per_token_batches: 4e-6,
    output_cost_per_token_priority: 1.4e-5,
    supports_vision: true,
  },
  "gpt-9-2026-04-14": {
    cache_read_input_token_cost: 5e-7,
    cache_read_input_token_cost_priority: 8.75e-7,
    input_cost_per_token: 2e-6,
    input_cost_per_token_batches: 1e-6,
    input_cost_per_token_priority: 3.5e-6,
    litellm_provider: "openai",
    max_input_tokens: 1047576,
    output_cost_per_token: 8e-6,
    output_cost_per_token_batches: 4e-6,
    output_cost_per_token_priority: 1.4e-5,
  },
  "gpt-9-2026-01-01": {
    input_cost_per_token: 5e-6,
    output_cost_per_token: 1.5e-5,
    litellm_provider: "openai",
  },
  "claude-x-4-5": {
    cache_creation_input_token_cost: 3.75e-6,
    cache_creation_input_token_cost_above_1hr: 6e-6,
    cache_creation_input_token_cost_above_200k_tokens: 7.5e-6,
    cache_creation_input_token_cost_above_1hr_above_200k_tokens: 1.2e-5,
    cache_read_input_token_cost: 3e-7,
    cache_read_input_token_cost_above_200k_tokens: 6e-7,
    input_cost_per_token: 3e-6,
    input_cost_per_token_above_200k_tokens: 6e-6,
    litellm_provider: "anthropic",
    output_cost_per_token: 1.5e-5,
    output_cost_per_token_above_200k_tokens: 2.25e-5,
  },
  "gemini/gemini-9-flash": {
    input_cost_per_audio_token: 1e-6,
    input_cost_per_token: 3e-7,
    litellm_provider: "gemini",
    output_cost_per_reasoning_token: 3.5e-6,
    output_cost_per_token: 2.5e-6,
  },
  "dashscope/qwen-9": {
    litellm_provider: "dashscope",
    tiered_pricing: [
      { input_cost_per_token: 3e-7, output_cost_per_token: 1.5e-6, range: [0, 256000] },
      { input_cost_per_token: 5e-7, output_cost_per_token: 2.5e-6, range: [256000, 1000000] },
    ],
  },
  "groq/whisper": {
    input_cost_per_second: 3.083e-5,
    output_cost_per_second: 0,
    litellm_provider: "groq",
    mode: "audio_transcription",
  },
  "groq/tts": { input_cost_per_character: 5e-5, litellm_provider: "groq", mode: "audio_speech" },
  "standard/1024-x-1024/dall-e-9": {
    input_cost_per_pixel: 3.81469e-8,
    litellm_provider: "openai",
    mode: "image_generation",
    output_cost_per_pixel: 0,
  },
  "hd/1024-x-1792/dall-e-9": {
    input_cost_per_pixel: 6.539e-8,
    litellm_provider: "openai",
    mode: "image_generation",
    output_cost_per_pixel: 0,
  },
  "high/1024-x-1536/gpt-image-9": {
    input_cost_per_image: 0.25,
    input_cost_per_pixel: 1.58945719e-7,
    litellm_provider: "openai",
    mode: "image_generation",
  },
  "aiml/flux": { litellm_provider: "aiml", mode: "image_generation", output_cost_per_image: 0.065 },
  "ollama/llama": { input_cost_per_token: 0, output_cost_per_token: 0, litellm_provider: "ollama" },
  "bedrock/1-month-commitment/m": { input_cost_per_second: 0.04, litellm_provider: "bedrock", mode: "chat" },
  "abroad/m": { currency: "CNY", input_cost_per_token: 1e-6, litellm_provider: "abroad" },
  "search/one": { input_cost_per_query: 0.005, litellm_provider: "search" },
});

const { file, skipped } = importLiteLlm(text, "2026-11-01");
const model = (list: string, name: string) => file.lists[list]?.models[name];

describe("LiteLLM's price file", () => {
  test("is read by decimal text: exact per million tokens", () => {
    expect(model("openai", "gpt-9")).toEqual({
      contextWindow: 1047576,
      names: ["gpt-9-2026-04-14"],
      prices: [
        {
          input: 2,
          cachedInput: 0.5,
          output: 8,
          serviceTiers: {
            batch: { input: 1, cachedInput: 0.5, output: 4 },
            priority: { input: 3.5, cachedInput: 0.875, output: 14 },
          },
        },
      ],
    });
  });

  test("a dated release at another price stays a model of its own", () => {
    expect(model("openai", "gpt-9-2026-01-01")?.prices).toEqual([{ input: 5, output: 15 }]);
  });

  test("cache writes and context tiers", () => {
    expect(model("anthropic", "claude-x-4-5")?.prices).toEqual([
      {
        input: 3,
        cachedInput: 0.3,
        cacheWrite5m: 3.75,
        cacheWrite1h: 6,
        output: 15,
        tiers: [
          { above: 200_000, input: 6, cachedInput: 0.6, cacheWrite5m: 7.5, cacheWrite1h: 12, output: 22.5 },
        ],
      },
    ]);
    expect(model("alibaba", "qwen-9")?.prices).toEqual([
      { input: 0.3, output: 1.5, tiers: [{ above: 256_000, input: 0.5, output: 2.5 }] },
    ]);
  });

  test("a provider's prefix is its list", () => {
    expect(model("google", "gemini-9-flash")?.prices).toEqual([
      { input: 0.3, audioInput: 1, reasoning: 3.5, output: 2.5 },
    ]);
  });

  test("seconds, characters and images", () => {
    expect(model("groq", "whisper")?.prices).toEqual([{ perSecond: 3.083e-5 }]);
    expect(model("groq", "tts")?.prices).toEqual([{ perMillionCharacters: 50 }]);
    expect(model("aiml", "flux")?.prices).toEqual([{ perImage: 0.065 }]);
    expect(model("openai", "dall-e-9")?.prices).toEqual([
      { perImage: 0.04, images: { "1024x1024": 0.04, "hd/1024x1792": 0.12 } },
    ]);
    expect(model("openai", "gpt-image-9")?.prices).toEqual([{ images: { "high/1024x1536": 0.25 } }]);
  });

  test("what has no price, or only zeros, stays unpriced", () => {
    expect(skipped).toEqual(["ollama/llama", "bedrock/1-month-commitment/m", "abroad/m", "search/one"]);
  });

  test("the result is a valid price file that prices calls", () => {
    const book = new PriceBook(new PriceLists([parsePriceFile(JSON.stringify(file), "imported")]), []);
    const entry = book.listPrice("gpt-9-2026-04-14", 0);
    expect(entry && costOf(entry, { inputTokens: 1000, cachedInputTokens: 500 }, { serviceTier: "" })).toBe(
      1_250_000_000n,
    );
  });

  test.each([
    ["not json", "not JSON"],
    ["[]", "not an object of models"],
    ['{"m": 1}', "m: must be an object"],
    ['{"m": {"input_cost_per_token": 1}}', "m: litellm_provider is missing"],
    [
      '{"m": {"litellm_provider": "openai", "input_cost_per_token": "2"}}',
      'm: input_cost_per_token must be a number that is not negative, but is "2"',
    ],
    ['{"m": {"litellm_provider": "openai", "input_cost_per_token": -1}}', "m: input_cost_per_token must be"],
    [
      '{"m": {"litellm_provider": "openai", "input_cost_per_token": 2000000}}',
      "openai → models → m → prices → 0 → input must be a number from 0 to 9000000",
    ],
  ])("refuses %s", (bad, message) => {
    expect(() => importLiteLlm(bad, "2026")).toThrow(message);
  });
});
