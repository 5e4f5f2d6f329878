/** `summary`: how many calls, how well and how fast they were served, and what they cost, overall and by model. */
import { runGrouped } from "./grouped.ts";
import { MEASURES as m } from "./measures.ts";
import type { Report } from "./report.ts";

export const summary: Report = {
  name: "summary",
  summary: "calls, success, latency, tokens and cost, overall and by model",
  defaultFrom: "7d",
  groups: true,
  run: (store, query) =>
    runGrouped(store, query, {
      name: "summary",
      by: ["model"],
      order: "calls",
      measures: [
        m.calls,
        m.successRate,
        m.errorRate,
        m.p50,
        m.p95,
        m.p99,
        m.firstTokenP50,
        m.inputTokens,
        m.outputTokens,
        m.cost,
        m.costPerThousand,
      ],
      series: [m.calls, m.successRate, m.p95, m.cost],
    }),
};
