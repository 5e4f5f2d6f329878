import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PriceBook } from "./book.ts";
import { builtInFiles, loadPriceLists } from "./data.ts";
import { priceFileFaults } from "./price-file-check.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "prices-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function written(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

describe("the built-in price files", () => {
  test("are valid", () => {
    for (const file of builtInFiles()) {
      expect(priceFileFaults(file), file.source).toEqual([]);
    }
  });

  test("price every model with exact integers, also at the largest factor", () => {
    const lists = loadPriceLists();
    for (const list of lists.listNames()) {
      const pricing = { list, own: {}, multiplier: 100, currency: "USD", usdPer: 1 };
      const book = new PriceBook(lists, [{ name: "x", pricing }]);
      for (const { key } of lists.models(list)) {
        const entry = book.price("x", key, Date.parse("2026-11-01T00:00:00Z"));
        expect(entry?.model, `${list}/${key}`).toBe(key);
        expect(entry?.source, `${list}/${key}`).not.toBe("");
      }
    }
  });

  test("list every service tier's model in the same list", () => {
    const lists = loadPriceLists();
    for (const list of lists.listNames()) {
      for (const { tier, stated } of lists.serviceTiers(list)) {
        for (const model of typeof stated === "number" ? [] : Object.keys(stated)) {
          expect(lists.find(list, model)?.key, `${list} ${tier}`).toBe(model);
        }
      }
    }
  });

  test("give HolySheep's prices a source, a date, and a note where sources disagree", () => {
    const listed = loadPriceLists().find("holysheep", "gpt-4.1");
    expect(listed).toMatchObject({ source: "HolySheep tutorials", date: "2026" });
    expect(listed?.notes[0]).toContain("one source says 8.00");
  });
});

describe("price files of the user", () => {
  test("count before the built-in ones", () => {
    const models = { "gpt-4.1": { prices: [{ input: 1, output: 1 }] } };
    const path = written("mine.json", {
      format: 1,
      source: "me",
      date: "2026",
      lists: { openai: { models } },
    });
    const book = new PriceBook(loadPriceLists([path]), []);
    expect(book.listPrice("gpt-4.1-2025-04-14", 0)).toMatchObject({ source: "me" });
    expect(book.listPrice("gpt-4o", 0)?.source).toContain("genai-prices");
  });

  test.each<[string, unknown, RegExp]>([
    ["not JSON", "{", /price file .*bad\.json is not JSON/],
    ["another format", { models: {} }, /not in Bellwether's price format/],
    [
      "a misspelt key",
      { format: 1, source: "", date: "", lists: { a: { models: { m: { prices: [{ inptu: 1 }] } } } } },
      /lists → a → models → m → prices → 0 → inptu is not known here/,
    ],
    [
      "a negative price",
      { format: 1, source: "x", date: "", lists: { a: { models: { m: { prices: [{ input: -1 }] } } } } },
      /m → prices → 0 → input must be a number from 0 to 9000000, not -1/,
    ],
    [
      "a model without prices, a name in capitals, a date that cannot be",
      {
        format: 1,
        source: "x",
        date: "",
        lists: { a: { models: { M: { prices: [] }, n: { prices: [{ from: "2026-13-01" }] }, o: {} } } },
      },
      /"M" must be a name in lower case\n.*must be a list of at least 1\n.*from must look like 2026-03-13\n.*o lacks prices/,
    ],
  ])("say what is wrong: %s", (_, content, message) => {
    const path = written("bad.json", content);
    expect(() => loadPriceLists([path])).toThrow(message);
  });

  test("that are missing are named", () => {
    expect(() => loadPriceLists([join(folder, "none.json")])).toThrow(
      /price file .*none\.json cannot be read/,
    );
  });
});
