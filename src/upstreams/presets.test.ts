import { expect, test } from "vitest";
import { parseBaseUrl } from "./base-url.ts";
import { presetNamed, presetNames } from "./presets.ts";

test.each(presetNames)("%s is complete and its address is one that a user could write", (name) => {
  const preset = presetNamed(name);
  expect(preset?.baseUrl).toMatch(/^https:/);
  expect(parseBaseUrl(preset?.baseUrl ?? "")).toMatchObject({ baseUrl: preset?.baseUrl });
  expect(preset?.env.apiKey).toMatch(/^[A-Z]+_API_KEY$/);
  expect(preset?.dialects).toContain("other");
});

test("no two presets read the same variable", () => {
  const variables = presetNames.map((name) => presetNamed(name)?.env.apiKey);
  expect(new Set(variables).size).toBe(variables.length);
});

test("the environment's names are those that are promised", () => {
  const promised = ["HOLYSHEEP", "OPENAI", "ANTHROPIC", "GEMINI", "DEEPSEEK", "OPENROUTER"];
  expect(presetNames.slice(0, 6).map((name) => presetNamed(name)?.env.apiKey)).toEqual(
    promised.map((vendor) => `${vendor}_API_KEY`),
  );
});

test("names inherited from objects are no presets", () => {
  expect(presetNamed("constructor")).toBeUndefined();
  expect(presetNamed("__proto__")).toBeUndefined();
});
