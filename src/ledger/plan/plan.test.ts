/** Plans with sums worked out by hand, and what is answered to demands that cannot be. */
import { describe, expect, it } from "vitest";
import { duckdbLedger } from "../../../test/helpers/duckdb-ledger.ts";
import { DAY, SMALL_LEDGER } from "../../../test/helpers/small-ledger.ts";
import { PriceBook, type PricedUpstream } from "../../prices/book.ts";
import { PriceLists } from "../../prices/lists.ts";
import { runReport } from "../reports/index.ts";
import { demandsOfUsage } from "./from-ledger.ts";
import { type PlanOptions, plan } from "./plan.ts";
import { parseTokens } from "./tokens.ts";
import { type Demand, demandsOf, demandsOfFile, parseMix, parseWorkload } from "./workload.ts";

const usd = { list: undefined, multiplier: 1, currency: "USD", usdPer: 1 };
const lists = new PriceLists([
  {
    format: 1,
    source: "test",
    date: "2026-01-01",
    lists: {
      openai: {
        models: {
          "gpt-4.1": { prices: [{ input: 2, output: 8 }] },
          mini: { prices: [{ input: 0.4, output: 1.6 }] },
        },
      },
    },
  },
]);
const upstreams: PricedUpstream[] = [
  { name: "cheap", pricing: { ...usd, own: { "gpt-4.1": { input: 1, output: 4 } }, multiplier: 0.5 } },
  { name: "yuan", pricing: { ...usd, own: {}, currency: "CNY" } },
];
const demands: Demand[] = demandsOf({
  tokens: 10_000_000,
  mix: [
    ["gpt-4.1", 60],
    ["mini", 40],
  ],
  inputShare: 0.75,
  cachedShare: 0,
  inputPerCall: 2000,
});

function run(options: Partial<PlanOptions> = {}) {
  const book = new PriceBook(lists, options.upstreams ?? upstreams);
  return plan({
    demands,
    book,
    upstreams,
    now: DAY,
    timeZone: "UTC",
    fixedCost: "0",
    currency: "USD",
    cnyPerUsd: "7.3",
    ...options,
  });
}

describe("plan", () => {
  it("adds up exact costs at each upstream, the cheapest first, against list price", () => {
    // gpt-4.1: 4.5M in, 1.5M out: list 9 + 12 = 21, cheap 10.5. mini: 3M in, 1M out: list 1.2 + 1.6 = 2.8, cheap 1.4.
    const [byUpstream, byModel] = run().tables;
    expect(byUpstream?.rows).toEqual([
      ["cheap", "11.9", "142.8", "11.9", 0.5],
      ["yuan", "23.8", "285.6", "0", 0],
      ["list price", "23.8", "285.6", null, null],
    ]);
    expect(byModel?.rows[0]).toEqual(["gpt-4.1", 4_500_000, 1_500_000, "10.5", "21", "21"]);
    expect(byModel?.totals).toEqual([null, 7_500_000, 2_500_000, "11.9", "23.8", "23.8"]);
  });

  it("says from how many tokens on a fixed cost pays for itself", () => {
    // 11.9 saved on 10M tokens; 5.95 is half of that. What saves nothing never breaks even.
    const rows = run({ fixedCost: "5.95" }).tables[0]?.rows;
    expect(rows?.[0]?.slice(-2)).toEqual(["5.95", 5_000_000]);
    expect(rows?.[1]?.slice(-2)).toEqual(["-5.95", null]);
  });

  it("counts in yuan, at the upstream's own rate where it bills in yuan", () => {
    const rows = run({ currency: "CNY" }).tables[0]?.rows;
    expect(rows?.map((row) => row.slice(0, 2))).toEqual([
      ["yuan", "23.8"],
      ["cheap", "86.87"],
      ["list price", "173.74"],
    ]);
  });

  it("has no sum where a model has no price, and says which", () => {
    const result = run({
      demands: [...demands, { model: "unheard-of", calls: 1, quantities: { inputTokens: 5 } }],
    });
    expect(result.tables[0]?.rows.map((row) => row[1])).toEqual([null, null, null]);
    expect(result.notes[0]).toBe(
      "cheap has no price for unheard-of: its sum is unknown (the rest comes to 11.9 USD).",
    );
  });

  it("goes by the average call where prices depend on its length", () => {
    const prices = [{ input: 1, tiers: [{ above: 1000, input: 2 }] }];
    const models = { long: { prices } };
    const tiered = new PriceLists([
      { format: 1, source: "test", date: "2026-01-01", lists: { openai: { models } } },
    ]);
    const cost = (calls: number) =>
      plan({
        demands: [{ model: "long", calls, quantities: { inputTokens: 1_000_000 } }],
        book: new PriceBook(tiered, []),
        upstreams: [],
        now: DAY,
        timeZone: "UTC",
        fixedCost: "0",
        currency: "USD",
        cnyPerUsd: "7.3",
      }).tables[0]?.rows[0]?.[1];
    expect([cost(1000), cost(999)]).toEqual(["1", "2"]);
  });
});

describe("demand", () => {
  it.each([
    ["50M", 50_000_000],
    ["1.5b", 1_500_000_000],
    ["200k", 200_000],
    ["1_000", 1000],
  ])("reads %s", (text, count) => expect(parseTokens(text)).toBe(count));

  it.each(["", "-1", "0", "1e9", "5X", "99999999T", "1.5.2M"])("does not read %j", (text) => {
    expect(parseTokens(text)).toBeUndefined();
  });

  it.each([
    ["a=60,b=30", /add up to 90, not to 100/],
    ["a=60,a=40", /names a twice/],
    ["a=x", /is not model=percent/],
    ["a=-5,b=105", /is not model=percent/],
    ["", /names no model/],
  ])("refuses the mix %j", (text, message) => expect(() => parseMix(text)).toThrow(message));

  it("loses no token to rounding", () => {
    const parts = demandsOf({
      tokens: 1000,
      mix: [
        ["a", 33.33],
        ["b", 33.33],
        ["c", 33.34],
      ],
      inputShare: 1 / 3,
      cachedShare: 0.5,
      inputPerCall: 2000,
    });
    const sum = parts.reduce(
      (all, { quantities: q }) => all + (q.inputTokens ?? 0) + (q.outputTokens ?? 0),
      0,
    );
    expect(sum).toBe(1000);
  });

  it("comes from a file", () => {
    const file = parseWorkload(
      "traffic:\n  - { model: gpt-4.1, input: 20M, output: 4M, calls: 10k }\nfixedCost: 20\n",
      "w",
    );
    expect(demandsOfFile(file)).toEqual([
      { model: "gpt-4.1", calls: 10_000, quantities: { inputTokens: 20_000_000, outputTokens: 4_000_000 } },
    ]);
  });

  it.each([
    ["tokens: 5M", /either `tokens` and `mix`, or `traffic`/],
    ["mix: { a: 100 }", /`mix` needs `tokens`/],
    ["tokens: many\nmix: { a: 100 }", /tokens: is no number of tokens/],
    ["tokns: 5M\nmix: { a: 100 }", /[Uu]nrecognized key/],
    ["traffic: [", /w\.yaml: /],
    ["- 1", /w\.yaml: file: /],
  ])("refuses the file %j", (text, message) => {
    expect(() => parseWorkload(text, "w.yaml")).toThrow(message);
  });

  it("comes from the ledger, with models replaced by others", async () => {
    const store = await duckdbLedger();
    await store.insert(SMALL_LEDGER);
    const range = { from: "2026-03-10", to: "2026-03-10", tz: "UTC", by: "model" };
    const usage = await runReport("usage", range, store, DAY + 80_000_000);
    // Billable calls with usage: 1 to 4 of gpt-4.1, 6, 8 and 9 of mini (no probe, nothing refused or interrupted).
    expect(demandsOfUsage(usage, new Map())).toEqual([
      { model: "gpt-4.1", calls: 4, quantities: { inputTokens: 5000, outputTokens: 500 } },
      { model: "mini", calls: 3, quantities: { inputTokens: 1300, outputTokens: 110 } },
    ]);
    expect(demandsOfUsage(usage, new Map([["gpt-4.1", "mini"]]))).toEqual([
      { model: "mini", calls: 7, quantities: { inputTokens: 6300, outputTokens: 610 } },
    ]);
    expect(() => demandsOfUsage(usage, new Map([["gpt-5", "mini"]]))).toThrow(
      /gpt-5 was not used.*gpt-4.1, mini/,
    );
    await store.close();
  });
});
