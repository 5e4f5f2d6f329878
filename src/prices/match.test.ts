import { describe, expect, test } from "vitest";
import { candidates, canonicalModel } from "./match.ts";

const names = (model: string) => candidates(model).map(({ name }) => name);

describe("candidates", () => {
  test("starts with the exact name", () => {
    expect(candidates("gpt-4.1")).toEqual([{ name: "gpt-4.1", rules: [], vendor: undefined }]);
  });

  test.each([
    ["GPT-4.1", "gpt-4.1"],
    ["gpt-4.1-2025-04-14", "gpt-4.1"],
    ["claude-opus-4-20250514", "claude-opus-4"],
    ["claude-opus-4@20250514", "claude-opus-4"],
    ["claude-3-5-haiku-latest", "claude-3-5-haiku"],
    ["claude-sonnet-4.5", "claude-sonnet-4-5"],
    ["claude-sonnet-4-5", "claude-sonnet-4.5"],
    ["claude-3.5-haiku", "claude-3-5-haiku"],
    ["claude-sonnet-4.5-20250929", "claude-sonnet-4-5"],
    ["anthropic/claude-sonnet-4.5-20250929", "claude-sonnet-4-5"],
    ["openai/gpt-4.1", "gpt-4.1"],
    ["models/gemini-2.5-pro", "gemini-2.5-pro"],
    ["gemini-2.0-flash-001", "gemini-2.0-flash"],
  ])("%s may be found as %s", (model, expected) => {
    expect(names(model)).toContain(expected);
  });

  test.each([
    ["gpt-4.1-ultra", "gpt-4.1"],
    ["gpt-4.1:free", "gpt-4.1"],
    ["gpt-4-0613", "gpt-4"],
    ["gpt-4.1-2025-13-14", "gpt-4.1"],
    ["gpt-4.1-2025-0414", "gpt-4.1"],
    ["gpt-4.1-20250432", "gpt-4.1"],
    ["gpt-4.1-preview-2025", "gpt-4.1-preview"],
    ["claude-sonnet-4-5-thinking", "claude-sonnet-4-5"],
    ["somebody/gpt-4.1", "gpt-4.1"],
    ["openai/ft/gpt-4.1", "gpt-4.1"],
    ["gpt-3.5-turbo", "gpt-3-5-turbo"],
  ])("%s is never %s", (model, other) => {
    expect(names(model)).not.toContain(other);
  });

  test("tells which rules led to a name", () => {
    const found = candidates("OpenAI/GPT-4.1-2025-04-14").find(({ name }) => name === "gpt-4.1");
    expect(found).toEqual({
      name: "gpt-4.1",
      rules: ["letter case", "prefix openai/", "date 2025-04-14"],
      vendor: "openai",
    });
  });

  test("a name too long to be real has none", () => {
    expect(candidates("a".repeat(201))).toEqual([]);
  });
});

describe("canonicalModel", () => {
  const known = new Set(["gpt-4.1", "claude-sonnet-4.5", "openai/gpt-4o", "Qwen/Qwen3"]);
  const canonical = (name: string) => canonicalModel(name, (candidate) => known.has(candidate));

  test.each([
    ["gpt-4.1", "gpt-4.1"],
    ["Qwen/Qwen3", "Qwen/Qwen3"],
    ["GPT-4.1", "gpt-4.1"],
    ["openai/gpt-4.1-2025-04-14", "gpt-4.1"],
    ["claude-sonnet-4-5-20250929", "claude-sonnet-4.5"],
    ["openai/gpt-4o-2024-08-06", "openai/gpt-4o"],
  ])("%s is labelled %s", (name, label) => {
    expect(canonical(name)).toBe(label);
  });

  test.each(["gpt-4.1-ultra", "invented-1", "", "x".repeat(500), "constructor"])(
    "%s has no label",
    (name) => {
      expect(canonical(name)).toBeUndefined();
    },
  );
});
