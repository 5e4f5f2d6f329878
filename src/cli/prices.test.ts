import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { PricedUpstream } from "../prices/book.ts";
import type { Pricing } from "../prices/pricing.ts";
import { pricesCommand } from "./prices.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "prices-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const pricing: Pricing = { list: "holysheep", own: {}, multiplier: 1, currency: "USD", usdPer: 1 };
const holysheep: PricedUpstream = { name: "holysheep", pricing };

/** Runs the command as a user would and gives back what it printed. */
async function run(args: string, upstreams: readonly PricedUpstream[] = [holysheep], files: string[] = []) {
  let out = "";
  const command = pricesCommand({
    load: async () => ({ upstreams, files }),
    write: (text) => {
      out += text;
    },
    paint: (_, text) => text,
  });
  quiet(command);
  await command.parseAsync(args.split(" "), { from: "user" });
  return out;
}

/** Errors are thrown, and commander prints none. */
function quiet(command: Command): void {
  command.exitOverride().configureOutput({ writeErr: () => {} });
  for (const each of command.commands) quiet(each);
}

describe("explain", () => {
  test("shows the sum line by line, its source, and the list price beside it", async () => {
    const out = await run("explain gpt-4.1 --input 1000 --cached 500 --output 200 --at 2026-11-01");
    expect(out).toBe(`gpt-4.1 at holysheep
  input         500  × 2 per M tokens  = 0.001
  cached input  500  × 2 per M tokens  = 0.001   (no price of its own: as input)
  output        200  × 8 per M tokens  = 0.0016
  total  0.0036 USD
  0.00075 USD (26.3 %) more than the list price
  price list holysheep, model gpt-4.1
  source: HolySheep tutorials, 2026
  note: one source says 8.00 for input as well
${/ {2}note: USD per million tokens as charged.*/.exec(out)?.[0]}

gpt-4.1, list price
  input         500  × 2 per M tokens    = 0.001
  cached input  500  × 0.5 per M tokens  = 0.00025
  output        200  × 8 per M tokens    = 0.0016
  total  0.00285 USD
  list price of openai, model gpt-4.1
${/ {2}source: @pydantic\/genai-prices .*/.exec(out)?.[0]}
`);
  });

  test("prints the same as JSON, in exact decimals", async () => {
    const json = JSON.parse(await run("explain gpt-4.1 --input 1000 --cached 500 --output 200 --json"));
    expect(json.upstreams[0]).toMatchObject({ upstream: "holysheep", usd: "0.0036", pico: "3600000000" });
    expect(json.list.lines[1]).toEqual({
      kind: "cachedInput",
      quantity: 500,
      price: "0.5",
      per: "M tokens",
      priceOf: "cachedInput",
      usd: "0.00025",
    });
  });

  test("without a configuration shows the list price", async () => {
    const out = await run("explain openai/gpt-4.1-2025-04-14 --input 10", []);
    expect(out).toMatch(/^openai\/gpt-4.1-2025-04-14, list price\n/);
    expect(out).toContain("model gpt-4.1 (by prefix openai/)");
    expect(out).toContain("total  0.00002 USD");
  });

  test("without quantities shows the prices", async () => {
    expect(await run("explain tts-1", [])).toContain("characters  15  USD per M characters");
  });

  test("images, seconds and characters", async () => {
    expect(await run("explain dall-e-3 --images 2 --size 1024x1792 --quality hd", [])).toContain(
      "total  0.24 USD",
    );
    expect(await run("explain whisper-1 --seconds 1.5", [])).toContain("total  0.00015 USD");
    expect(await run("explain tts-1 --characters 1000", [])).toContain("total  0.015 USD");
  });

  test("says which service tier and context tier counted", async () => {
    const flat = await run("explain gpt-4.1 --input 10 --tier flex");
    expect(flat).toContain("note: service tier flex costs the same as ordinary service here");
    expect(flat).toContain("total  0.00001 USD");
    const priority = await run("explain gpt-4.1 --input 10 --tier priority", []);
    expect(priority).toMatch(/note: price of service tier priority: openai\.com.*, 2026-11-21\n/);
    const long = await run("explain gpt-5.4 --input 300000 --output 1", []);
    expect(long).toContain("note: more than 271999 input tokens: other prices hold, for the whole call");
    expect(long).toContain("× 5 per M tokens");
  });

  test("the price of the day", async () => {
    expect(await run("explain o3 --input 1000000 --at 2025-06-09", [])).toContain("total  10 USD");
    expect(await run("explain o3 --input 1000000 --at 2025-06-10", [])).toContain("total  2 USD");
  });

  test.each([
    ["explain gpt-4.1-ultra --input 1", /gpt-4.1-ultra is unpriced/],
    ["explain claude-opus-4-1 --input 1 --tier priority", /is unpriced/],
    ["explain gpt-4.1 --upstream nobody", /no upstream nobody; configured are holysheep/],
    ["explain gpt-4.1 --input -1", /whole number/],
    ["explain gpt-4.1 --input 1.5", /whole number/],
    ["explain gpt-4.1 --at yesterday", /must be a date/],
    ["explain gpt-4.1 --seconds x", /number of seconds/],
  ])("%s fails with what to do", async (args, message) => {
    await expect(run(args)).rejects.toThrow(message);
  });

  test("an unpriced model is shown as such before it fails", async () => {
    let out = "";
    const command = pricesCommand({
      load: async () => ({ upstreams: [holysheep], files: [] }),
      write: (text) => {
        out += text;
      },
      paint: (_, text) => text,
    });
    await expect(command.parseAsync(["explain", "x-1"], { from: "user" })).rejects.toThrow();
    expect(out).toContain("unpriced: add it under upstreams.holysheep.prices");
    expect(out).toContain("unpriced: no vendor's list knows it");
  });
});

describe("list and search", () => {
  test("one list", async () => {
    expect(await run("list --provider holysheep")).toBe(`model              input  cached  output  list
gpt-4.1                2               8  holysheep
gpt-4.1-mini         0.5               2  holysheep
claude-sonnet-4.5      3              15  holysheep
claude-opus-4         15              75  holysheep
gemini-2.5-flash     0.3             2.5  holysheep
deepseek-v3.2       0.07            0.42  holysheep
`);
  });

  test("what an upstream charges, its own prices first", async () => {
    const own = { name: "mine", pricing: { ...pricing, own: { "My-Model": { input: 1 } }, multiplier: 2 } };
    const rows = JSON.parse(await run("list --upstream mine --json", [own]));
    expect(rows[0]).toMatchObject({ model: "My-Model", layer: "own", usd: { input: "1" } });
    expect(rows[1]).toMatchObject({ model: "gpt-4.1", layer: "preset", usd: { input: "4", output: "16" } });
    const listed = rows.filter(({ model }: { model: string }) => model === "gpt-4.1");
    expect(listed).toHaveLength(1);
    expect(rows.some(({ layer }: { layer: string }) => layer === "list")).toBe(true);
  });

  test("models by part of any of their names", async () => {
    const rows = JSON.parse(await run("search opus-4.1 --json"));
    expect(rows.map(({ list }: { list: string }) => list)).toContain("anthropic");
    expect(await run("search DALL-E")).toMatch(/dall-e-3 +openai {2}0.04 per image/);
  });

  test.each([
    ["list --provider nobody", /no price list nobody; known are holysheep, openai/],
    ["list --upstream nobody", /no upstream nobody/],
    ["search zzzz", /no price list knows a model with zzzz/],
  ])("%s fails with what to do", async (args, message) => {
    await expect(run(args)).rejects.toThrow(message);
  });
});

describe("import", () => {
  const litellm = {
    "gpt-9": { litellm_provider: "openai", input_cost_per_token: 2e-6, output_cost_per_token: 8e-6 },
    "xai/grok-9": { litellm_provider: "xai", input_cost_per_token: 3e-6, output_cost_per_token: 9e-6 },
    "ollama/free": { litellm_provider: "ollama", input_cost_per_token: 0 },
  };
  const source = () => {
    const path = join(folder, "litellm.json");
    writeFileSync(path, JSON.stringify(litellm));
    return path;
  };

  test("writes a price file that then counts", async () => {
    const out = join(folder, "imported.json");
    expect(await run(`import ${source()} --out ${out} --date 2026-11-01`)).toBe(
      `2 models written to ${out}; 1 entries have no price that Bellwether meters\n`,
    );
    expect(JSON.parse(readFileSync(out, "utf8"))).toMatchObject({ format: 1, date: "2026-11-01" });
    const explained = await run("explain gpt-9 --input 1000", [], [out]);
    expect(explained).toContain("total  0.002 USD");
    expect(explained).toContain("source: LiteLLM model_prices_and_context_window.json, 2026-11-01");
  });

  test("prints YAML for one upstream", async () => {
    expect(parse(await run(`import ${source()} --provider openai --upstream backup`))).toEqual({
      upstreams: { backup: { prices: { "gpt-9": { input: 2, output: 8 } } } },
    });
  });

  test("fails with what to do", async () => {
    await expect(run(`import ${source()} --provider nobody`)).rejects.toThrow(
      /no prices of nobody; it has openai, x-ai/,
    );
    await expect(run(`import ${join(folder, "none.json")}`)).rejects.toThrow(/none\.json/);
  });
});
