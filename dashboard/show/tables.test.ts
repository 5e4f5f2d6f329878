import { describe, expect, it } from "vitest";
import type { ReportTable } from "../../src/http/api.ts";
import { numbersOf, pivot, totalOf } from "./tables.ts";

const column = (name: string) => ({ name, title: name, unit: "text" }) as const;
const series: ReportTable = {
  name: "over_time",
  title: "by hour",
  series: "hour",
  columns: [column("hour"), column("cost_usd")],
  rows: [
    [1, "0.5"],
    [2, null],
    [3, "2"],
  ],
  totals: [null, "2.5"],
};
const table: ReportTable = {
  name: "by_hour_model",
  title: "",
  columns: [column("hour"), column("model"), column("cost_usd")],
  rows: [
    [1, "a", "0.5"],
    [3, "b", "1.5"],
    [3, "c", "0.25"],
    [3, "d", "0.25"],
    [3, "free", "0"],
    [9, "a", "7"],
  ],
};

describe("reports", () => {
  it("give columns as numbers, with holes where there is nothing", () => {
    expect(numbersOf(series, "cost_usd")).toEqual([0.5, null, 2]);
    expect(totalOf(series, "cost_usd")).toBe("2.5");
    expect(totalOf(series, "none")).toBeUndefined();
  });

  it("become one line for each group, the largest first and the small ones together", () => {
    expect(pivot(table, series, "model", "cost_usd", 2)).toEqual({
      unit: "hour",
      times: [1, 2, 3],
      groups: [
        { name: "b", values: [0, 0, 1.5] },
        { name: "a", values: [0.5, 0, 0] },
        { name: undefined, values: [0, 0, 0.5] },
      ],
    });
    expect(pivot(undefined, series, "model", "cost_usd", 2)).toBeUndefined();
  });
});
