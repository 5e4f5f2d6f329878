import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { roundedDivide } from "../core/money.ts";
import type { Quantities } from "../core/quantities.ts";
import { PriceBook } from "./book.ts";
import { amountOf, type CostContext, charges, costOf, displayPrices, total } from "./cost.ts";
import type { PriceEntry } from "./entry.ts";
import { PriceLists } from "./lists.ts";
import type { PriceVariant } from "./price-file.ts";

const ordinary: CostContext = { serviceTier: "" };

function entryOf(price: PriceVariant): PriceEntry {
  const lists = new PriceLists([
    { format: 1, source: "test", date: "", lists: { openai: { models: { m: { prices: [price] } } } } },
  ]);
  const entry = new PriceBook(lists, []).listPrice("m", 0);
  if (entry === undefined) throw new Error("no entry");
  return entry;
}

const cost = (price: PriceVariant, quantities: Quantities, context = ordinary) =>
  costOf(entryOf(price), quantities, context);

describe("subsets of input", () => {
  const price = {
    input: 10,
    cachedInput: 1,
    cacheWrite5m: 12.5,
    cacheWrite1h: 20,
    audioInput: 40,
    imageInput: 7,
    output: 30,
  };

  test("are charged at their own price, the rest at the base price", () => {
    const quantities = {
      inputTokens: 1000,
      cachedInputTokens: 100,
      cacheWrite5mTokens: 50,
      cacheWrite1hTokens: 25,
      audioInputTokens: 10,
      imageInputTokens: 5,
    };
    const micro = 810 * 10 + 100 * 1 + 50 * 12.5 + 25 * 20 + 10 * 40 + 5 * 7;
    expect(cost(price, quantities)).toBe(BigInt(micro) * 1_000_000n);
  });

  test("without a price of their own cost as input", () => {
    const quantities = {
      inputTokens: 100,
      cachedInputTokens: 60,
      audioInputTokens: 20,
      cacheWrite5mTokens: 20,
    };
    expect(cost({ input: 10 }, quantities)).toBe(1_000_000_000n);
  });

  test("cache kept for an hour costs as for five minutes when only that has a price", () => {
    expect(cost({ input: 10, cacheWrite5m: 12 }, { inputTokens: 1, cacheWrite1hTokens: 1 })).toBe(
      12_000_000n,
    );
    expect(cost({ input: 10 }, { inputTokens: 1, cacheWrite1hTokens: 1 })).toBe(10_000_000n);
  });

  test("larger than their total are cut", () => {
    expect(cost(price, { inputTokens: 10, cachedInputTokens: 1000, audioInputTokens: 5 })).toBe(10_000_000n);
    expect(cost(price, { outputTokens: 10, reasoningTokens: 11 })).toBe(300_000_000n);
  });

  test("without a total are their own total", () => {
    expect(cost(price, { cachedInputTokens: 10 })).toBe(10_000_000n);
  });
});

describe("subsets of output", () => {
  test("fall back to the price of output", () => {
    const quantities = {
      outputTokens: 100,
      reasoningTokens: 40,
      audioOutputTokens: 10,
      imageOutputTokens: 5,
    };
    expect(cost({ output: 1 }, quantities)).toBe(100_000_000n);
    const own = { output: 1, reasoning: 2, audioOutput: 3, imageOutput: 4 };
    expect(cost(own, quantities)).toBe(BigInt(45 + 80 + 30 + 20) * 1_000_000n);
  });
});

describe("context tiers", () => {
  const price = {
    input: 1,
    cachedInput: 0.1,
    output: 10,
    tiers: [
      { above: 1000, input: 3, output: 30 },
      { above: 200, input: 2, output: 20 },
    ],
  };

  test.each([
    [200, 200 * 1 + 10],
    [201, 201 * 2 + 20],
    [1000, 1000 * 2 + 20],
    [1001, 1001 * 3 + 30],
  ])("at %d tokens of input hold for the whole call", (inputTokens, micro) => {
    expect(cost(price, { inputTokens, outputTokens: 1 })).toBe(BigInt(micro) * 1_000_000n);
  });

  test("bound a service tier that has one price only", () => {
    const tiered = { ...price, serviceTiers: { priority: { input: 5 } } };
    const context = { serviceTier: "priority" };
    expect(cost(tiered, { inputTokens: 200 }, context)).toBe(1_000_000_000n);
    expect(cost(tiered, { inputTokens: 201 }, context)).toBeUndefined();
  });

  test("count cached input, and what they do not price costs as below them", () => {
    const quantities = { inputTokens: 201, cachedInputTokens: 200, outputTokens: 0 };
    expect(cost(price, quantities)).toBe(20_000_000n + 2_000_000n);
  });
});

describe("images, seconds, characters, requests", () => {
  const images = { "1024x1024": 0.04, "1024x1792": 0.08, hd: 0.08, "hd/1024x1792": 0.12 };
  test.each([
    ["", "", 40_000_000_000n],
    ["auto", "standard", 40_000_000_000n],
    ["1024x1792", "", 80_000_000_000n],
    ["1024x1792", "standard", 80_000_000_000n],
    ["", "hd", 80_000_000_000n],
    ["1024x1792", "hd", 120_000_000_000n],
  ])("an image of size %j and quality %j", (size, quality, expected) => {
    const context = { serviceTier: "", image: { size, quality } };
    expect(cost({ perImage: 0.04, images }, { images: 1 }, context)).toBe(expected);
  });

  test("a size that has no price is unpriced", () => {
    const context = { serviceTier: "", image: { size: "9x9", quality: "" } };
    expect(cost({ perImage: 0.04, images }, { images: 1 }, context)).toBeUndefined();
    expect(cost({ perImage: 0.04 }, { images: 2 }, context)).toBe(80_000_000_000n);
  });

  test("seconds are charged to the millisecond, rounded once per call", () => {
    expect(cost({ perSecond: 0.0001 }, { audioMs: 1500 })).toBe(150_000_000n);
    expect(cost({ perHour: 4.8 }, { audioMs: 3_600_000 })).toBe(4_800_000_000_000n);
    expect(cost({ perHour: 4.8 }, { audioMs: 1 })).toBe(1_333_333n);
  });

  test("characters", () => {
    expect(cost({ perMillionCharacters: 15 }, { characters: 4096 })).toBe(61_440_000_000n);
  });

  test("what is billed in tokens is not billed again by image, second or character", () => {
    const price = { input: 1, output: 1, perImage: 1, perSecond: 1, perMillionCharacters: 1 };
    const quantities = { inputTokens: 1, outputTokens: 1, images: 1, audioMs: 1000, characters: 9 };
    expect(cost(price, quantities)).toBe(2_000_000n);
    expect(cost({ input: 1, perImage: 1 }, { inputTokens: 1, outputTokens: 1, images: 1 })).toBe(
      1_000_001_000_000n,
    );
  });

  test("a fee per request is charged once, and only when something was used", () => {
    expect(cost({ input: 1, perRequest: 0.005 }, { inputTokens: 2 })).toBe(5_002_000_000n);
    expect(cost({ input: 1, perRequest: 0.005 }, {})).toBeUndefined();
  });
});

describe("unpriced", () => {
  test.each<[PriceVariant, Quantities]>([
    [{ perImage: 1 }, { inputTokens: 5, outputTokens: 5 }],
    [{ output: 1 }, { inputTokens: 5, outputTokens: 0 }],
    [{ input: 1 }, {}],
  ])("%j does not price %j", (price, quantities) => {
    expect(cost(price, quantities)).toBeUndefined();
  });

  test("a price of zero, and a use of zero, cost zero", () => {
    expect(cost({ input: 0, output: 0 }, { inputTokens: 5 })).toBe(0n);
    expect(cost({ input: 1 }, { inputTokens: 0 })).toBe(0n);
  });
});

describe("displayPrices", () => {
  test("are floats in USD per million tokens; cached input shows what it costs", () => {
    expect(displayPrices(entryOf({ input: 2, cachedInput: 0.5, output: 8 }))).toEqual({
      input: 2,
      output: 8,
      cached_input: 0.5,
    });
    expect(displayPrices(entryOf({ input: 0.1 }))).toEqual({ input: 0.1, cached_input: 0.1 });
    expect(displayPrices(entryOf({ perImage: 1 }))).toEqual({});
  });
});

// Prices as whole micro-dollars per million tokens, so that the naive computation below is exact as well.
const micro = fc.integer({ min: 0, max: 2_000_000_000 });
const price = fc.option(
  micro.map((value) => value / 1e6),
  { nil: undefined },
);
const tokens = fc.oneof(fc.integer({ min: 0, max: 3_000_000 }), fc.integer({ min: 0, max: 2 ** 50 }));
const plainPrice = fc.record(
  {
    input: price,
    cachedInput: price,
    cacheWrite5m: price,
    cacheWrite1h: price,
    audioInput: price,
    imageInput: price,
    output: price,
    reasoning: price,
    audioOutput: price,
    imageOutput: price,
    perMillionCharacters: price,
    perHour: fc.option(
      fc.integer({ min: 0, max: 80_000_000 }).map((value) => value / 1e6),
      { nil: undefined },
    ),
  },
  { requiredKeys: [] },
);
const someQuantities = fc.record(
  {
    inputTokens: tokens,
    cachedInputTokens: tokens,
    cacheWrite5mTokens: tokens,
    cacheWrite1hTokens: tokens,
    audioInputTokens: tokens,
    imageInputTokens: tokens,
    outputTokens: tokens,
    reasoningTokens: tokens,
    audioOutputTokens: tokens,
    imageOutputTokens: tokens,
    characters: tokens,
    audioMs: tokens,
  },
  { requiredKeys: ["inputTokens", "outputTokens"] },
);

/** Parts of a call's tokens, and what is no token. */
const zeroes: Omit<Required<Quantities>, "inputTokens" | "outputTokens"> = {
  cachedInputTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  audioInputTokens: 0,
  imageInputTokens: 0,
  reasoningTokens: 0,
  audioOutputTokens: 0,
  imageOutputTokens: 0,
  images: 0,
  characters: 0,
  audioMs: 0,
};

const clean = (raw: object) =>
  Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== undefined)) as PriceVariant;

/** The same sum in bigints, written the obvious way. */
function naive(p: PriceVariant, q: Quantities): bigint {
  const pico = (value: number | undefined) => BigInt(Math.round((value ?? 0) * 1e6));
  const side = (
    whole: number,
    base: number | undefined,
    parts: [number | undefined, number | undefined][],
  ) => {
    let left = BigInt(whole);
    let sum = 0n;
    for (const [quantity, own] of parts) {
      const part = BigInt(quantity ?? 0) < left ? BigInt(quantity ?? 0) : left;
      sum += part * pico(own ?? base);
      left -= part;
    }
    return sum + left * pico(base);
  };
  const input = side(q.inputTokens ?? 0, p.input, [
    [q.cachedInputTokens, p.cachedInput],
    [q.cacheWrite5mTokens, p.cacheWrite5m],
    [q.cacheWrite1hTokens, p.cacheWrite1h ?? p.cacheWrite5m],
    [q.audioInputTokens, p.audioInput],
    [q.imageInputTokens, p.imageInput],
  ]);
  const output = side(q.outputTokens ?? 0, p.output, [
    [q.reasoningTokens, p.reasoning],
    [q.audioOutputTokens, p.audioOutput],
    [q.imageOutputTokens, p.imageOutput],
  ]);
  return input + output;
}

describe("properties", () => {
  test("the cost of tokens equals the naive sum, to the pico-dollar", () => {
    fc.assert(
      fc.property(plainPrice, someQuantities, (raw, { characters: _, audioMs: __, ...quantities }) => {
        const p = clean(raw);
        const actual = costOf(entryOf(p), quantities, ordinary);
        if (actual !== undefined) expect(actual).toBe(naive(p, quantities));
        else expect(naive(p, quantities)).toBe(0n);
      }),
    );
  });

  test("the cost is the total of the bill, also where no bill is made for it", () => {
    const part = fc.constantFrom(...(Object.keys(zeroes) as (keyof typeof zeroes)[]));
    fc.assert(
      fc.property(
        plainPrice,
        someQuantities,
        part,
        tokens,
        fc.boolean(),
        (raw, plain, name, some, others) => {
          const { inputTokens, outputTokens } = plain;
          const entry = entryOf({ input: 1, output: 2, ...clean(raw) });
          const quantities = { ...(others && zeroes), inputTokens, outputTokens, [name]: some };
          const bill = charges(entry, quantities, ordinary) ?? expect.unreachable();
          expect(costOf(entry, quantities, ordinary)).toBe(total(bill));
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("the total is the sum of its lines, and no line is negative", () => {
    fc.assert(
      fc.property(plainPrice, someQuantities, (raw, quantities) => {
        const bill = charges(entryOf(clean(raw)), quantities, ordinary) ?? [];
        const amounts = bill.map(amountOf).filter((amount) => amount !== undefined);
        for (const line of bill) expect(line.quantity).toBeGreaterThanOrEqual(0);
        for (const amount of amounts) expect(amount >= 0n).toBe(true);
        expect(total(bill) ?? 0n).toBe(amounts.reduce((sum, amount) => sum + amount, 0n));
      }),
    );
  });

  test("lines of one side use up exactly its total", () => {
    fc.assert(
      fc.property(plainPrice, someQuantities, (raw, quantities) => {
        const bill = charges(entryOf(clean(raw)), quantities, ordinary) ?? [];
        const used = (kinds: string[]) =>
          bill.filter(({ kind }) => kinds.includes(kind)).reduce((sum, line) => sum + line.quantity, 0);
        expect(
          used(["input", "cachedInput", "cacheWrite5m", "cacheWrite1h", "audioInput", "imageInput"]),
        ).toBe(quantities.inputTokens);
        expect(used(["output", "reasoning", "audioOutput", "imageOutput"])).toBe(quantities.outputTokens);
      }),
    );
  });

  test("two calls of plain tokens cost what one call of both costs", () => {
    fc.assert(
      fc.property(plainPrice, tokens, tokens, tokens, tokens, (raw, a, b, c, d) => {
        const entry = entryOf({ input: 1, output: 1, ...clean(raw) });
        const of = (inputTokens: number, outputTokens: number) =>
          costOf(entry, { inputTokens, outputTokens }, ordinary) ?? 0n;
        expect(of(a, b) + of(c, d)).toBe(of(a + c, b + d));
      }),
    );
  });

  test("more of anything plain never costs less", () => {
    fc.assert(
      fc.property(plainPrice, someQuantities, tokens, tokens, (raw, quantities, moreIn, moreOut) => {
        const entry = entryOf(clean(raw));
        const { characters: _, audioMs: __, ...some } = quantities;
        const more = {
          ...some,
          inputTokens: some.inputTokens + moreIn,
          outputTokens: some.outputTokens + moreOut,
        };
        const before = costOf(entry, some, ordinary) ?? 0n;
        // With a subset dearer than its base, more of the base may only uncover more of that subset.
        expect((costOf(entry, more, ordinary) ?? 0n) >= before).toBe(true);
      }),
    );
  });

  test("audio costs its hours, rounded half up once", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 80_000_000 }), tokens, (rate, audioMs) => {
        const expected = roundedDivide(BigInt(rate) * 1_000_000n * BigInt(audioMs), 3_600_000n);
        expect(cost({ perHour: rate / 1e6 }, { audioMs })).toBe(expected);
      }),
    );
  });
});
