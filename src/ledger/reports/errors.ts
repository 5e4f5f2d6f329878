/** `errors`: what went wrong, where, how often, and one call of each kind to look at. */
import { FAILED } from "../../store/facts.ts";
import { result, tableBy } from "./grouped.ts";
import { type Measure, MEASURES as m, numberOf, ratio } from "./measures.ts";
import { notesOn } from "./notes.ts";
import type { Report } from "./report.ts";
import { seriesTable } from "./series.ts";
import { groupOf, tabulate } from "./tabulate.ts";

const share: Measure = {
  column: { name: "share", title: "share", unit: "ratio" },
  facts: ["calls"],
  value: (facts, totals) => ratio(numberOf(facts, "calls"), numberOf(totals, "calls")),
};

export const errors: Report = {
  name: "errors",
  summary: "what failed, by kind, and the error rate by model",
  defaultFrom: "7d",
  groups: true,
  async run(store, query) {
    const kinds = await tabulate(store, query, {
      name: "kinds",
      title: "by kind of error",
      groups: [
        groupOf("upstream", query.timeZone),
        {
          column: { name: "error_type", title: "error", unit: "text" },
          sql: () => "coalesce(error_type, '')",
        },
        {
          column: { name: "error_code", title: "code", unit: "text" },
          sql: () => "coalesce(error_code, '')",
        },
        groupOf("status", query.timeZone),
      ],
      measures: [m.calls, share, m.lastSeen],
      order: "calls",
      limit: query.limit ?? 50,
      condition: FAILED,
    });
    const rates = await tableBy(store, query, {
      by: ["model"],
      order: "failed",
      measures: [m.calls, m.failed, m.errorRate, m.availability, m.retries, m.gone, m.interrupted],
    });
    const series = await seriesTable(store, query, [m.failed, m.errorRate]);
    return result("errors", query, [kinds.table, rates, series], await notesOn(store, query));
  },
};
