/** Reports over more calls than are sorted, and sums over calls that nobody chose: against what can be computed otherwise. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { duckdbLedger } from "../../../test/helpers/duckdb-ledger.ts";
import { DAY, ledgerRow } from "../../../test/helpers/small-ledger.ts";
import { formatUsd } from "../../core/money.ts";
import { classSql } from "../../store/facts.ts";
import { COLUMNS } from "../../store/ledger-row.ts";
import { runReport } from "./index.ts";
import { EXACT_UP_TO, quantileOfClasses } from "./percentiles.ts";

const NOON = DAY + 43_200_000;
const RANGE = { from: "2026-03-10", to: "2026-03-10", tz: "UTC" };

describe("over more calls than are sorted", () => {
  it("percentiles are within 0.6 % of the exact ones, by group and in total, and a note says so", async () => {
    const store = await duckdbLedger();
    await store.insert([ledgerRow(1, 1, { durationMs: 1, quantities: {}, billable: false })]);
    const rows = EXACT_UP_TO + 50_000;
    // Models a and b, with durations i + 1 of each i below the number of rows: b's are the odd i.
    const changed = new Map([
      ["id", "'x' || i"],
      ["model", "['a', 'b'][1 + i % 2]"],
      ["duration_ms", "(i + 1)::DOUBLE"],
    ]);
    const names = COLUMNS.map(({ name }) => name);
    const values = names.map((name) => changed.get(name) ?? name);
    await store.query({
      text: `INSERT INTO calls (${names.join(", ")}) SELECT ${values.join(", ")} FROM calls, range(${rows}) AS r(i)`,
      params: [],
    });
    const { tables, notes } = await runReport("latency", { ...RANGE, model: ["a", "b"] }, store, NOON);
    const [table] = tables;
    const column = (name: string) => table?.columns.findIndex((one) => one.name === name) ?? -1;
    const all = [...(table?.rows ?? []), table?.totals ?? []];
    expect(all.map((row) => row[column("succeeded")])).toEqual([rows / 2, rows / 2, rows]);
    for (const row of all) {
      for (const [name, q] of [
        ["p50_ms", 0.5],
        ["p95_ms", 0.95],
        ["p99_ms", 0.99],
      ] as const) {
        expect(Math.abs(Number(row[column(name)]) / (q * rows) - 1)).toBeLessThan(0.006);
      }
    }
    expect(notes.join()).toContain("within 0.6 %");
    await store.close();
  });

  it("classes of nothing have no percentile, and no value is too small for one", () => {
    expect(quantileOfClasses(new Map(), 0.5)).toBeNull();
    expect(classSql("x")).toContain("ELSE 0.001");
  });
});

describe("sums", () => {
  it("are exact to the pico-dollar over any calls, and groups add up to them", async () => {
    const call = fc.record({
      model: fc.constantFrom("a", "b", "c"),
      cost: fc.option(fc.bigInt({ min: 0n, max: 10n ** 15n }), { nil: undefined }),
      tokens: fc.integer({ min: 0, max: 2 ** 40 }),
      minute: fc.integer({ min: 0, max: 1439 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 30 }), async (calls) => {
        const store = await duckdbLedger();
        await store.insert(
          calls.map(({ model, cost, tokens, minute }, index) =>
            ledgerRow(index, minute, { modelLabel: model, cost, quantities: { inputTokens: tokens } }),
          ),
        );
        const { tables } = await runReport("cost", RANGE, store, NOON);
        await store.close();
        const priced = calls.flatMap(({ cost }) => cost ?? []);
        const total = priced.reduce((sum, cost) => sum + cost, 0n);
        const [table] = tables;
        const at = table?.columns.findIndex(({ name }) => name === "cost_usd") ?? -1;
        expect(table?.totals?.[at]).toBe(priced.length === 0 ? null : formatUsd(total));
        for (const row of table?.rows ?? []) {
          const own = calls.filter(({ model }) => model === row[0]).flatMap(({ cost }) => cost ?? []);
          const sum = own.reduce((all, cost) => all + cost, 0n);
          expect(row[at]).toBe(own.length === 0 ? null : formatUsd(sum));
        }
      }),
      { numRuns: 15 },
    );
  });
});
