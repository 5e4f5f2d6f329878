import { describe, expect, it } from "vitest";
import { COUNTED_CHARACTERS, roughTokens, scaledTokens } from "./estimate.ts";
import { inThreadEstimator } from "./estimate-here.ts";
import { countTokens } from "./tokenizer.ts";

describe("countTokens", () => {
  it("counts with the vocabulary of the model", async () => {
    // Published examples of tiktoken: o200k_base and cl100k_base.
    expect(await countTokens("hello world", "gpt-4o")).toBe(2);
    expect(await countTokens("お誕生日おめでとう", "gpt-4.1")).toBe(8);
    expect(await countTokens("お誕生日おめでとう", "openai/gpt-4-0613")).toBe(9);
    expect(await countTokens("お誕生日おめでとう", "gpt-3.5-turbo")).toBe(9);
    expect(await countTokens("お誕生日おめでとう", "claude-sonnet-4.5")).toBe(8);
    expect(await countTokens("", "gpt-4o")).toBe(0);
  });

  it("takes markers in a text for text, and any malformed text", async () => {
    expect(await countTokens("a<|endoftext|>b", "gpt-4o")).toBeGreaterThan(3);
    expect(await countTokens("\ud800 x \udc00", "gpt-4o")).toBeGreaterThan(0);
  });

  it("counts a long text as the sum of its slices", async () => {
    const text = "The quick brown fox jumps over the lazy dog. ".repeat(200);
    expect(await countTokens(text, "gpt-4o")).toBeCloseTo(2001, -1);
  });
});

describe("roughTokens", () => {
  it("takes four Latin characters for a token", () => {
    expect(roughTokens("a".repeat(400), 400)).toBe(100);
    expect(roughTokens("a".repeat(400), 4000)).toBe(1000);
  });

  it("takes one and a half CJK characters for a token", () => {
    expect(roughTokens("中文字かナ한".repeat(50), 300)).toBe(200);
  });

  it("is 0 for nothing", () => {
    expect(roughTokens("", 0)).toBe(0);
  });
});

describe("scaledTokens", () => {
  it("scales the count of the beginning up to the whole", () => {
    expect(scaledTokens(10, 40, 400)).toBe(100);
    expect(scaledTokens(10, 40, 40)).toBe(10);
    expect(scaledTokens(0, 0, 0)).toBe(0);
  });
});

describe("inThreadEstimator", () => {
  it("counts the beginning of a text and scales it up", async () => {
    const estimator = inThreadEstimator();
    const text = "word ".repeat(100);
    expect(await estimator.tokens(text, text.length, "gpt-4o")).toBeCloseTo(101, -1);
    expect(await estimator.tokens(text, text.length * 10, "gpt-4o")).toBeCloseTo(1010, -2);
  });

  it("counts no more than its limit", async () => {
    const estimator = inThreadEstimator();
    const text = "x ".repeat(COUNTED_CHARACTERS);
    const whole = await estimator.tokens(text, text.length, "gpt-4o");
    expect(whole).toBe(
      2 * (await estimator.tokens(text.slice(0, COUNTED_CHARACTERS), COUNTED_CHARACTERS, "gpt-4o")),
    );
  });

  it("is rough once closed", async () => {
    const estimator = inThreadEstimator();
    estimator.close();
    expect(await estimator.tokens("hello world!", 12, "gpt-4o")).toBe(3);
  });
});
