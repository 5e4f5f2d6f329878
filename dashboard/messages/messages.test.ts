/** The languages say the same things, and nothing that nobody reads. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { de } from "./de.ts";
import { en } from "./en.ts";
import { vi } from "./vi.ts";
import { zh } from "./zh.ts";

const dashboard = fileURLToPath(new URL("..", import.meta.url));
const sources = readdirSync(dashboard, { recursive: true, encoding: "utf8" })
  .filter((file) => /\.tsx?$/.test(file) && !/\.test\.|^messages\/(?!index)/.test(file))
  .map((file) => readFileSync(`${dashboard}/${file}`, "utf8"))
  .join("\n");

const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

describe.each(Object.entries({ de, vi, zh }))("%s", (_name, messages) => {
  it("has the keys of English, in its order", () => {
    expect(Object.keys(messages)).toEqual(Object.keys(en));
  });

  it("fills in the same values", () => {
    const filled = (all: object) =>
      Object.fromEntries(Object.entries(all).map(([key, text]) => [key, placeholders(text)]));
    expect(filled(messages)).toEqual(filled(en));
  });

  it("is translated, and nothing is empty", () => {
    const same = Object.entries(messages).filter(([key, text]) => text === en[key as keyof typeof en]);
    // Words that are the same in both languages.
    expect(same.length / Object.keys(en).length).toBeLessThan(0.15);
    expect(Object.values(messages).filter((text) => text.trim() === "")).toEqual([]);
  });
});

it("every message is used, and every message that is used exists", () => {
  expect(Object.keys(en).filter((key) => !sources.includes(`"${key}"`))).toEqual([]);
  const asked = [...sources.matchAll(/\bt\(\s*"([^"]+)"/g)].map(([, key]) => key ?? "");
  expect(asked.length).toBeGreaterThan(100);
  expect(asked.filter((key) => !Object.hasOwn(en, key))).toEqual([]);
});
