/** Every report over twelve calls, with figures worked out by hand from the table in small-ledger.ts. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { duckdbLedger } from "../../../test/helpers/duckdb-ledger.ts";
import { DAY, SMALL_LEDGER } from "../../../test/helpers/small-ledger.ts";
import type { LedgerStore, Value } from "../../store/ledger-store.ts";
import { runReport } from "./index.ts";
import type { ReportResult, ReportTable } from "./report.ts";

const NOON = DAY + 12 * 3_600_000;
let store: LedgerStore;

beforeAll(async () => {
  store = await duckdbLedger();
  await store.insert(SMALL_LEDGER);
});
afterAll(() => store.close());

const APPS = [
  { name: "shop", labels: { env: "prod" } },
  { name: "bot", labels: { owner: "Ann's", tier: "1" } },
  { name: "idle", labels: { env: "test", tier: "1" } },
];
const run = (name: string, parameters: Record<string, string> = {}) =>
  runReport(name, { from: "2026-03-10", to: "2026-03-10", tz: "UTC", ...parameters }, store, NOON, APPS);

function table(result: ReportResult, name: string): ReportTable {
  const found = result.tables.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no table ${name}`);
  return found;
}

/** A row as an object, `total` for the totals. */
function row(from: ReportTable, key: string | "total"): Record<string, Value> {
  const values = key === "total" ? from.totals : from.rows.find((one) => one[0] === key);
  return Object.fromEntries(from.columns.map(({ name }, index) => [name, values?.[index] ?? null]));
}

describe("summary", () => {
  it("has a short stretch's course minute by minute, also where nothing happened", async () => {
    const result = await run("summary", { from: "2026-03-10T00:00Z", to: "2026-03-10T02:00Z" });
    const course = table(result, "over_time");
    expect([course.series, course.rows.length]).toEqual(["minute", 120]);
    expect(course.rows[0]).toEqual([DAY, 0, null, null, "0"]);
    expect(
      course.rows.filter((each) => each[1] !== 0).map((each) => (Number(each[0]) - DAY) / 60_000),
    ).toEqual([10, 20, 30, 70, 80, 90]);
    expect(row(course, "total")).toMatchObject({ calls: 6, cost_usd: "0.0127" });
  });

  it("counts calls, success, tokens and exact money by model, with totals over all", async () => {
    const result = await run("summary");
    const models = table(result, "by_model");
    // gpt-4.1: calls 1 to 5 and 11; 4 succeeded, 2 failed (502, 401).
    // p50 of 1000, 2000, 3000, 4000 lies halfway between 2000 and 3000; p95 at rank 2.85, p99 at rank 2.97.
    // Cost 0.0028 + 0.0028 + 0.0056 + 0.0014 = 0.0126 over 5500 tokens: 0.0022909…/1000.
    const gpt = row(models, "gpt-4.1");
    expect(gpt).toMatchObject({
      calls: 6,
      success_rate: 4 / 6,
      error_rate: 2 / 6,
      p50_ms: 2500,
      first_token_p50_ms: 500,
      input_tokens: 5000,
      output_tokens: 500,
      cost_usd: "0.0126",
      cost_per_1k_tokens_usd: "0.002290909091",
    });
    expect(gpt.p95_ms).toBeCloseTo(3850, 6);
    expect(gpt.p99_ms).toBeCloseTo(3970, 6);
    // mini without the probe: 6 to 10; ok 500 and 700, one 429, one left, one interrupted. The one that is
    // unpriced (660 tokens) is in no sum of money: 0.00015 over 440 + 310 = 750 tokens is 0.0002 per 1000.
    expect(row(models, "mini")).toMatchObject({
      calls: 5,
      success_rate: 2 / 3,
      p50_ms: 600,
      input_tokens: 1300,
      output_tokens: 110,
      cost_usd: "0.00015",
      cost_per_1k_tokens_usd: "0.0002",
    });
    // All: 11 calls, 6 of 9 succeeded; durations 500 700 1000 2000 3000 4000: p50 1500.
    expect(row(models, "total")).toMatchObject({
      calls: 11,
      success_rate: 6 / 9,
      p50_ms: 1500,
      cost_usd: "0.01275",
    });
    expect(models.rows.map(([model]) => model)).toEqual(["gpt-4.1", "mini"]);
  });

  it("tells what is not in its sums", async () => {
    const { notes } = await run("summary");
    expect(notes.join("\n")).toMatch(
      /1 call was interrupted.*\n.*1 call is unpriced.*\n.*1 call was cut.*\n.*1 call was left/,
    );
  });

  it("counts probes only when asked to", async () => {
    const models = table(await run("summary", { probes: "true" }), "by_model");
    expect(row(models, "mini")).toMatchObject({ calls: 6, cost_usd: "0.00016" });
  });

  it("has a point for every hour, also for those without calls", async () => {
    const series = table(await run("summary"), "over_time");
    expect(series.series).toBe("hour");
    expect(series.rows.length).toBe(24);
    // 3 calls in the first hour, 3 in the second, 4 in the third, 1 in the fourth (the probe is left out).
    expect(series.rows.slice(0, 5).map((point) => point[1])).toEqual([3, 3, 4, 1, 0]);
    expect(series.rows[4]).toEqual([DAY + 4 * 3_600_000, 0, null, null, "0"]);
  });

  it("counts days as people in the time zone do", async () => {
    const result = await run("summary", { from: "2026-03-09", tz: "Asia/Tokyo", by: "day" });
    // In Tokyo 10 March ends at 15:00 UTC: all calls (00:10 to 03:10 UTC) are of 10 March, which begins on the 9th UTC.
    expect(table(result, "by_day").rows.map((point) => point.slice(0, 2))).toEqual([
      [DAY - 9 * 3_600_000, 11],
    ]);
  });
});

describe("cost", () => {
  it("sets spending against list price, for the calls that have both", async () => {
    const models = table(await run("cost"), "by_model");
    // Saving of gpt-4.1: only call 4, at half its list price: 0.0014 of 0.014, a tenth.
    expect(row(models, "gpt-4.1")).toMatchObject({
      cost_usd: "0.0126",
      list_cost_usd: "0.014",
      saving_usd: "0.0014",
      saving_ratio: 0.1,
    });
    // mini has 0.00035 list cost, 0.0002 of it of the call without a price: no saving.
    expect(row(models, "mini")).toMatchObject({ list_cost_usd: "0.00035", saving_usd: "0" });
    expect(row(models, "total")).toMatchObject({ cost_usd: "0.01275", saving_usd: "0.0014", cost_share: 1 });
  });

  it("projects the month from the hours so far", async () => {
    const month = table(await run("cost"), "month");
    // 0.01275 in the 11 whole hours since the first (the call at 00:10 begins the ledger: 01:00 to 12:00 hold
    // 0.0014 + 0.0001 + 0.00005 = 0.00155), so 0.00155 / 11 an hour for the 516 hours left, and 0.01275 so far.
    const expected = 0.01275 + (0.00155 / 11) * 516;
    expect(month.rows[0]?.slice(0, 2)).toEqual([Date.UTC(2026, 2, 1), "0.01275"]);
    expect(Number(month.rows[0]?.[2])).toBeCloseTo(expected, 9);
    expect(month.rows[0]?.slice(3)).toEqual([null, null, "linear"]);
  });

  it("groups by several dimensions", async () => {
    const apps = table(await run("cost", { by: "team,upstream" }), "by_team_upstream");
    expect(apps.rows.map((one) => [one[0], one[1], one[5]])).toEqual([
      ["commerce", "relay", "0.0112"],
      ["commerce", "cheap", "0.0014"],
      ["support", "relay", "0.00015"],
      ["commerce", "none", null],
      ["support", "cheap", null],
    ]);
  });
});

describe("a label of apps", () => {
  it("groups calls by what their apps have, those without it under nothing", async () => {
    const environments = table(await run("cost", { by: "label:env" }), "by_label:env");
    expect(environments.columns[0]).toMatchObject({ name: "label:env", unit: "text" });
    expect(environments.rows.map((one) => [one[0], one[1], one[4]])).toEqual([
      ["prod", 5, "0.0126"],
      ["", 6, "0.00015"],
    ]);
    expect(row(environments, "total")).toMatchObject({ calls: 11, cost_usd: "0.01275" });
  });

  it("goes together with other dimensions, and has its own percentiles", async () => {
    const owners = table(await run("latency", { by: "Label:owner,model" }), "by_label:owner_model");
    const p50 = owners.columns.findIndex(({ name }) => name === "p50_ms");
    expect(owners.rows.map((one) => [one[0], one[1], one[p50]]).sort()).toEqual([
      ["", "gpt-4.1", 2500],
      ["Ann's", "gpt-4.1", null],
      ["Ann's", "mini", 600],
    ]);
    const tiers = table(await run("latency", { by: "label:tier" }), "by_label:tier");
    expect(tiers.rows.map(([tier]) => tier).sort()).toEqual(["", "1"]);
  });
});

describe("errors", () => {
  it("tells kinds, with their share, and rates by model; who left is no error", async () => {
    const result = await run("errors");
    expect(table(result, "kinds").rows).toEqual([
      ["cheap", "upstream_5xx", "", 502, 1, 1 / 3, DAY + 80 * 60_000],
      ["none", "auth", "invalid_api_key", 401, 1, 1 / 3, DAY + 190 * 60_000],
      ["relay", "rate_limit", "", 429, 1, 1 / 3, DAY + 130 * 60_000],
    ]);
    // gpt-4.1: 5 calls reached an upstream, one 502 among them.
    expect(row(table(result, "by_model"), "gpt-4.1")).toMatchObject({ failed: 2, availability: 0.8 });
  });
});

describe("latency", () => {
  it("measures only calls that succeeded", async () => {
    const mini = row(table(await run("latency"), "by_model"), "mini");
    // 500 and 700; first token 100 of one of them; its pace (500 − 100) / 39.
    expect(mini).toMatchObject({ succeeded: 2, p50_ms: 600, max_ms: 700, first_token_p50_ms: 100 });
    expect(mini.per_token_p50_ms).toBeCloseTo(400 / 39, 9);
  });
});

describe("usage", () => {
  it("tells where the counts come from", async () => {
    expect(row(table(await run("usage"), "by_model"), "mini")).toMatchObject({
      input_tokens: 1300,
      output_tokens: 110,
      reported: 2,
      partial: 1,
      estimated: 0,
    });
  });
});

describe("slow and calls", () => {
  it("lists the slowest first", async () => {
    const slow = table(await run("slow", { limit: "3" }), "calls");
    expect(slow.rows.map((one) => one[3])).toEqual([4000, 3000, 2000]);
  });

  it("finds calls by what is asked, and says how many it left out", async () => {
    const found = table(await run("calls", { model: "gpt*", status: "4*" }), "calls");
    expect(found.rows.map((one) => one[1])).toEqual(["401"]);
    const cut = table(await run("calls", { limit: "4" }), "calls");
    expect(cut.rows.length + (cut.omitted ?? 0)).toBe(11);
  });

  it("finds one by its id whatever the range, with all that is known", async () => {
    const id = SMALL_LEDGER[3]?.id ?? "";
    const found = table(await run("calls", { id, from: "1h", to: "now" }), "calls");
    expect(found.rows.length).toBe(1);
    expect(found.columns.map(({ name }) => name)).toContain("upstream_request_id");
    expect(found.rows[0]?.[found.columns.findIndex(({ name }) => name === "cost_usd")]).toBe("0.0014");
  });
});

describe("compare", () => {
  it("sets the upstreams of one model beside each other", async () => {
    const comparison = table(await run("compare"), "by_model_upstream");
    const [cheap, relay] = comparison.rows.map((values) =>
      Object.fromEntries(comparison.columns.map(({ name }, index) => [name, values[index]])),
    );
    // Calls 4 and 5: one of two came back, at half the list price; 0.0014 over 1100 tokens.
    expect(cheap).toMatchObject({
      model: "gpt-4.1",
      upstream: "cheap",
      cost_per_1m_tokens_usd: "1.272727272727",
      of_list_price: 0.5,
      p50_ms: 4000,
      availability: 0.5,
      error_rate: 0.5,
      saving_usd: "0.0014",
      at_cheapest_usd: "0.0014",
    });
    // Calls 1 to 3: 0.0112 at list price; at half of it 0.0056.
    expect(relay).toMatchObject({
      upstream: "relay",
      of_list_price: 1,
      p50_ms: 2000,
      availability: 1,
      at_cheapest_usd: "0.0056",
    });
    expect(comparison.rows.map((values) => values.slice(0, 2))).toEqual([
      ["gpt-4.1", "cheap"],
      ["gpt-4.1", "relay"],
      ["mini", "relay"],
    ]);
  });
});
