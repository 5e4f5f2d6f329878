import { describe, expect, test } from "vitest";
import { PriceBook, type PricedUpstream } from "./book.ts";
import { costOf } from "./cost.ts";
import { loadPriceLists } from "./data.ts";
import { PriceLists } from "./lists.ts";
import type { ModelPrices, PriceFile } from "./price-file.ts";
import type { Pricing } from "./pricing.ts";

const builtIn = loadPriceLists();
const NOW = Date.parse("2026-11-01T12:00:00Z");

function upstream(name: string, pricing: Partial<Pricing>): PricedUpstream {
  const defaults = { list: undefined, own: {}, multiplier: 1, currency: "USD", usdPer: 1 };
  return { name, pricing: { ...defaults, ...pricing } };
}

function file(list: string, models: Record<string, ModelPrices>): PriceFile {
  return { format: 1, source: "test", date: "2026-01-01", lists: { [list]: { models } } };
}

describe("the three layers", () => {
  const book = new PriceBook(builtIn, [
    upstream("relay", {
      list: "holysheep",
      own: { "gpt-4.1-mini": { input: 9, output: 9 } },
      multiplier: 1.5,
    }),
    upstream("plain", {}),
  ]);
  const input = (model: string, name = "relay") => book.price(name, model, NOW)?.standard.base.input;

  test("the user's own price is final: no multiplier", () => {
    expect(input("gpt-4.1-mini")).toBe(9_000_000);
    expect(book.price("relay", "gpt-4.1-mini", NOW)?.layer).toBe("own");
  });

  test("the preset's list is multiplied", () => {
    expect(input("gpt-4.1")).toBe(3_000_000);
    expect(book.price("relay", "gpt-4.1", NOW)).toMatchObject({ layer: "preset", list: "holysheep" });
  });

  test("then the vendor's list is multiplied", () => {
    expect(input("gpt-4o")).toBe(3_750_000);
    expect(book.price("relay", "gpt-4o", NOW)).toMatchObject({ layer: "list", list: "openai" });
  });

  test("the list price knows no multiplier", () => {
    expect(book.listPrice("gpt-4.1", NOW)?.standard.base.input).toBe(2_000_000);
  });

  test("an unknown upstream and an unknown model have no price", () => {
    expect(book.price("elsewhere", "gpt-4.1", NOW)).toBeUndefined();
    expect(input("gpt-4.1-ultra")).toBeUndefined();
    expect(book.listPrice("gpt-4.1-ultra", NOW)).toBeUndefined();
    expect(book.listPrice("constructor", NOW)).toBeUndefined();
  });
});

describe("another spelling", () => {
  const own = { "gpt-4o": { input: 1, output: 1 }, "Claude-Sonnet-4.5": { input: 2, output: 2 } };
  const book = new PriceBook(builtIn, [upstream("relay", { list: "holysheep", own })]);

  test.each([
    ["gpt-4o-2024-11-20", "own"],
    ["openai/gpt-4o", "own"],
    ["claude-sonnet-4-5-20250929", "own"],
    ["claude-opus-4-20250514", "preset"],
    ["openai/gpt-4.1-2025-04-14", "preset"],
    ["models/gemini-2.5-flash", "preset"],
    ["models/gemini-2.5-pro", "list"],
  ])("%s is found in layer %s", (model, layer) => {
    expect(book.price("relay", model, NOW)?.layer).toBe(layer);
  });

  test("a dated release that the vendor sells at another price keeps its own", () => {
    expect(book.price("relay", "gpt-4o-2024-05-13", NOW)).toMatchObject({
      layer: "list",
      model: "gpt-4o-2024-05-13",
    });
    expect(book.price("relay", "openai/gpt-4o-2024-05-13", NOW)).toMatchObject({
      layer: "list",
      model: "gpt-4o-2024-05-13",
    });
  });

  test("a prefix of another vendor is another model", () => {
    expect(book.price("relay", "google/gpt-4o", NOW)).toBeUndefined();
  });

  test("names the rules that applied", () => {
    expect(book.price("relay", "openai/gpt-4.1-2025-04-14", NOW)?.rules).toEqual([
      "prefix openai/",
      "date 2025-04-14",
    ]);
  });

  test("a reseller's name counts where no vendor is known", () => {
    expect(book.listPrice("01-ai/yi-large", NOW)).toMatchObject({ list: "openrouter" });
    expect(book.listPrice("openai/gpt-4.1", NOW)).toMatchObject({ list: "openai" });
  });
});

describe("money abroad", () => {
  test("multiplier and exchange rate apply exactly, rounded once", () => {
    const book = new PriceBook(builtIn, [
      upstream("cny", { list: "holysheep", multiplier: 1.1, currency: "CNY", usdPer: 0.1369863 }),
    ]);
    // 2.00 × 1.1 × 0.1369863 = 0.30136986 USD per million: 301369.86 pico-dollars per token.
    expect(book.price("cny", "gpt-4.1", NOW)?.standard.base.input).toBe(301_370);
  });

  test("own prices are in the upstream's currency", () => {
    const own = { m: { input: 7.3, output: 14.6 } };
    const book = new PriceBook(builtIn, [
      upstream("cny", { own, multiplier: 3, currency: "CNY", usdPer: 0.1 }),
    ]);
    expect(book.price("cny", "m", NOW)?.standard.base).toMatchObject({ input: 730_000, output: 1_460_000 });
  });

  test.each([
    [{ own: { m: { input: -1 } } }, "upstream x: price of m: a price cannot be negative: -1"],
    [{ own: { m: { input: Number.NaN } } }, "upstream x: price of m: not a decimal number: NaN"],
    [
      { own: { m: { perImage: 1e9 } } },
      "upstream x: price of m: a price of 1000000000 is too large to be exact",
    ],
    [{ multiplier: 1000 }, "upstream x: priceMultiplier × usdPer must be at most 100"],
    [{ multiplier: -1 }, "upstream x: a price cannot be negative: -1"],
    [{ list: "nobody" }, "upstream x: there is no price list nobody; known are holysheep,"],
  ])("refuses %j, naming the upstream", (pricing: Partial<Pricing>, message) => {
    expect(() => new PriceBook(builtIn, [upstream("x", pricing)])).toThrow(message);
  });
});

describe("the price in force", () => {
  const lists = new PriceLists([
    file("openai", {
      m: {
        prices: [
          { input: 1 },
          { input: 2, from: "2026-03-13" },
          { input: 3, from: "2026-03-13", between: ["16:30", "00:30"] },
        ],
      },
    }),
  ]);
  const book = new PriceBook(lists, []);
  test.each([
    ["2026-03-12T23:59:59Z", 1],
    ["2026-03-13T00:29:59Z", 3],
    ["2026-03-13T00:30:00Z", 2],
    ["2026-03-13T16:29:59Z", 2],
    ["2026-03-13T16:30:00Z", 3],
  ])("at %s it is variant %d", (at, expected) => {
    expect(book.listPrice("m", Date.parse(at))?.standard.base.input).toBe(expected * 1_000_000);
  });
});

describe("price files of the user", () => {
  const mine = file("openai", { "gpt-4.1": { prices: [{ input: 5, output: 6 }] } });
  const lists = new PriceLists([
    mine,
    ...[file("openai", { "gpt-4.1": { names: ["alias"], prices: [{ input: 1 }] } })],
  ]);

  test("count before the built-in ones, for every name of the model", () => {
    const book = new PriceBook(lists, []);
    expect(book.listPrice("gpt-4.1", NOW)?.standard.base.input).toBe(5_000_000);
    expect(book.listPrice("alias", NOW)?.standard.base.input).toBe(5_000_000);
  });
});

describe("invented names", () => {
  test("have no price, and 10,000 of them are not all remembered", () => {
    const book = new PriceBook(builtIn, [upstream("relay", { list: "holysheep" })]);
    const before = book.price("relay", "gpt-4.1", NOW);
    expect(book.price("relay", "gpt-4.1", NOW)).toBe(before);
    for (let index = 0; index < 10_000; index++) {
      expect(book.price("relay", `invented-${index}`, NOW)).toBeUndefined();
    }
    const after = book.price("relay", "gpt-4.1", NOW);
    expect(after).not.toBe(before);
    expect(after).toEqual(before);
  });
});

describe("knownModels", () => {
  test("holds listed names and the user's own", () => {
    const known = new Set(
      new PriceBook(builtIn, [upstream("relay", { own: { "my-Model": { input: 1 } } })]).knownModels(),
    );
    for (const name of ["gpt-4.1", "gpt-4.1-2025-04-14", "claude-sonnet-4.5", "my-Model", "dall-e-3"]) {
      expect(known.has(name), name).toBe(true);
    }
    expect(known.has("gpt-4.1-ultra")).toBe(false);
  });
});

describe("service tiers", () => {
  const book = new PriceBook(builtIn, [
    upstream("relay", { list: "holysheep" }),
    upstream("plain", { multiplier: 2 }),
  ]);
  const cost = (name: string, model: string, serviceTier: string, inputTokens = 1000) => {
    const entry = book.price(name, model, NOW);
    return entry && costOf(entry, { inputTokens, outputTokens: 0 }, { serviceTier });
  };

  test("flex and batch halve every vendor price", () => {
    expect(cost("plain", "gpt-4.1", "")).toBe(4_000_000_000n);
    expect(cost("plain", "gpt-4.1", "flex")).toBe(2_000_000_000n);
    expect(cost("plain", "gpt-4.1", "batch")).toBe(2_000_000_000n);
  });

  test("priority has the vendor's own price", () => {
    expect(cost("plain", "gpt-4.1", "priority")).toBe(7_000_000_000n);
  });

  test("priority has no price for a long context that costs more elsewhere", () => {
    expect(cost("plain", "gpt-5.4", "priority", 271_999)).toBe(2_719_990_000_000n);
    expect(cost("plain", "gpt-5.4", "priority", 272_000)).toBeUndefined();
  });

  test("a tier without a price leaves the call unpriced, never at the ordinary price", () => {
    expect(cost("plain", "claude-sonnet-4-5", "priority")).toBeUndefined();
    expect(cost("plain", "gpt-4.1", "turbo")).toBeUndefined();
    expect(cost("plain", "gpt-4.1", "constructor")).toBeUndefined();
  });

  test("a relay's own list is flat", () => {
    expect(cost("relay", "gpt-4.1", "priority")).toBe(2_000_000_000n);
    expect(cost("relay", "gpt-4.1", "flex")).toBe(2_000_000_000n);
  });

  test("the names of ordinary service change nothing", () => {
    for (const tier of ["default", "standard", "AUTO", "on_demand"]) {
      expect(cost("plain", "gpt-4.1", tier)).toBe(4_000_000_000n);
    }
  });
});
