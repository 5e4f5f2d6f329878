/** `latency`: how long calls that succeeded took, to the first byte, the first token, per token and to the end. */
import { runGrouped } from "./grouped.ts";
import { MEASURES as m } from "./measures.ts";
import type { Report } from "./report.ts";

export const latency: Report = {
  name: "latency",
  summary: "percentiles of duration, first token, pace and Bellwether's own share",
  defaultFrom: "7d",
  groups: true,
  run: (store, query) =>
    runGrouped(store, query, {
      name: "latency",
      by: ["model"],
      order: "calls",
      measures: [
        m.succeeded,
        m.p50,
        m.p95,
        m.p99,
        m.max,
        m.firstByteP50,
        m.firstTokenP50,
        m.firstTokenP95,
        m.firstTokenP99,
        m.perTokenP50,
        m.overheadP50,
        m.overheadP99,
      ],
      series: [m.p50, m.p95, m.p99, m.firstTokenP50],
    }),
};
