/** src/prices/data/list-prices.json is what its generator makes of the installed package. */
import { readFileSync } from "node:fs";
import { calcPrice } from "@pydantic/genai-prices";
import { expect, test } from "vitest";
import { generate, render } from "../../scripts/generate-list-prices.mjs";
import { loadPriceLists } from "./data.ts";

const path = new URL("./data/list-prices.json", import.meta.url);

test("list-prices.json is up to date (else run `node scripts/generate-list-prices.mjs`)", () => {
  const text = readFileSync(path, "utf8");
  expect(render(generate(JSON.parse(text)))).toBe(text);
});

test("every name has the price that the package itself finds for it", () => {
  const lists = loadPriceLists();
  const at = new Date("2026-11-01T12:00:00Z");
  let compared = 0;
  for (const list of ["openai", "anthropic", "google", "mistral", "x-ai", "openrouter"]) {
    for (const name of lists.modelNames(list)) {
      const listed = lists.find(list, name);
      if (!listed?.source.includes("genai-prices")) continue;
      const theirs = calcPrice({}, name, { providerId: list, timestamp: at })?.model_price.input_mtok;
      const dated = listed.model.prices.filter(({ from }) => from === undefined || Date.parse(from) <= +at);
      const input = typeof theirs === "object" ? theirs.base : theirs;
      if (input === undefined) continue;
      expect(dated.at(-1)?.input, `${list}/${name}`).toBe(input);
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(1000);
});
