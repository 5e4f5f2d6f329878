/** `cost`: what was spent, on what, what the list price would have been, and what the month will come to. */
import { formatUsd } from "../../core/money.ts";
import type { LedgerStore } from "../../store/ledger-store.ts";
import { hourlySpend, hoursFrom } from "../spending/hourly.ts";
import { result, tableBy } from "./grouped.ts";
import { MEASURES as m } from "./measures.ts";
import { notesOn } from "./notes.ts";
import { HISTORY_MS, type Projection, project } from "./projection.ts";
import type { Report, ReportQuery, ReportTable } from "./report.ts";
import { seriesTable } from "./series.ts";
import { addUnits, startOf } from "./time-zone.ts";

export const cost: Report = {
  name: "cost",
  summary: "spending by any dimension, against list price; the month so far and its projection",
  defaultFrom: "month",
  groups: true,
  async run(store, query) {
    const table = await tableBy(store, query, {
      by: ["model"],
      order: "cost",
      measures: [
        m.calls,
        m.inputTokens,
        m.outputTokens,
        m.cost,
        m.costShare,
        m.listCost,
        m.saving,
        m.savingRatio,
        m.costPerThousand,
      ],
    });
    const projection = await projectMonth(store, query);
    const series = await seriesTable(store, query, [m.cost, m.listCost]);
    return result(
      "cost",
      query,
      [table, monthTable(projection, query), series],
      [...(await notesOn(store, query)), noteOn(projection)],
    );
  },
};

/** This month's spending by the calls that the query's filters choose, whatever its range. */
export async function projectMonth(store: LedgerStore, query: ReportQuery): Promise<Projection> {
  const { now, timeZone } = query;
  const monthStart = startOf("month", now, timeZone);
  const monthEnd = addUnits("month", monthStart, 1, timeZone);
  const history = { ...query, from: Math.min(monthStart, now - HISTORY_MS), to: now };
  const hours = await hourlySpend(store, history, [], hoursFrom(monthStart, timeZone));
  const firstCall = hours.reduce((least, { first }) => Math.min(least, first), now);
  return project({ hours, firstCall, monthStart, monthEnd, now, timeZone });
}

function monthTable({ soFar, expected, range, method }: Projection, query: ReportQuery): ReportTable {
  return {
    name: "month",
    title: "this month",
    columns: [
      { name: "month", title: "month", unit: "time" },
      { name: "so_far_usd", title: "so far", unit: "usd" },
      { name: "projected_usd", title: "projected", unit: "usd" },
      { name: "low_usd", title: "low", unit: "usd" },
      { name: "high_usd", title: "high", unit: "usd" },
      { name: "method", title: "method", unit: "text" },
    ],
    rows: [
      [
        startOf("month", query.now, query.timeZone),
        formatUsd(soFar),
        formatUsd(expected),
        range === undefined ? null : formatUsd(range.low),
        range === undefined ? null : formatUsd(range.high),
        method,
      ],
    ],
  };
}

function noteOn({ method, range }: Projection): string {
  const how =
    method === "seasonal"
      ? "The projection follows the hours of the week of the last weeks"
      : "The projection is linear: there are less than two weeks to learn a week's shape from";
  return range === undefined
    ? `${how}; a range needs two days.`
    : `${how}; low to high holds 80 of 100 months.`;
}
