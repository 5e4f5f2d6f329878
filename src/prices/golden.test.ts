/**
 * Runs the price scripts in test/golden/prices: one line per call, with what it must cost at a fixed time.
 * The language is the comment at the head of holysheep.txt.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { formatUsd } from "../core/money.ts";
import { PriceBook, type PricedUpstream } from "./book.ts";
import { costOf } from "./cost.ts";
import { loadPriceLists } from "./data.ts";

const folder = new URL("../../test/golden/prices/", import.meta.url);
const at = Date.parse("2026-11-01T12:00:00Z");
const lists = loadPriceLists();

const settings = (words: readonly string[]) =>
  new Map(words.map((word) => word.split("=") as [string, string]));

function upstreamOf([name = "", ...words]: readonly string[]): PricedUpstream {
  const given = settings(words);
  return {
    name,
    pricing: {
      list: given.get("list"),
      own: {},
      multiplier: Number(given.get("multiplier") ?? 1),
      currency: given.get("currency") ?? "USD",
      usdPer: Number(given.get("usdPer") ?? 1),
    },
  };
}

function costIn(book: PriceBook, words: readonly string[]): string {
  const [model = "", , upstream = "", ...rest] = words;
  const { tier = "", size = "", quality = "", ...counts } = Object.fromEntries(settings(rest));
  const quantities = Object.fromEntries(Object.entries(counts).map(([key, count]) => [key, Number(count)]));
  const entry = book.price(upstream, model, at);
  const cost = entry && costOf(entry, quantities, { serviceTier: tier, image: { size, quality } });
  return cost === undefined ? "unpriced" : formatUsd(cost);
}

for (const file of readdirSync(folder)) {
  const lines = readFileSync(new URL(file, folder), "utf8").split("\n");
  const statements = lines
    .map((line) => line.split(/\s+/).filter((word) => word !== ""))
    .filter(([first]) => first !== undefined && !first.startsWith("#"));
  const upstreams = statements
    .filter(([verb]) => verb === "upstream")
    .map(([, ...words]) => upstreamOf(words));
  const book = new PriceBook(lists, upstreams);

  describe(file, () => {
    for (const [verb, ...words] of statements.filter(([verb]) => verb !== "upstream")) {
      test(words.join(" "), () => {
        expect(verb).toBe("price");
        expect(costIn(book, words.slice(0, -2))).toBe(words.at(-1));
      });
    }
  });
}
