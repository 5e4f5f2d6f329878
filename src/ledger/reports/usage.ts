/** `usage`: tokens and whatever else is billed, and how surely they are known. */
import { runGrouped } from "./grouped.ts";
import { MEASURES as m } from "./measures.ts";
import type { Report } from "./report.ts";

export const usage: Report = {
  name: "usage",
  summary: "tokens by kind, cache hits, images, audio, and where the counts come from",
  defaultFrom: "7d",
  groups: true,
  run: (store, query) =>
    runGrouped(store, query, {
      name: "usage",
      by: ["model"],
      order: "inputTokens",
      measures: [
        m.calls,
        m.inputTokens,
        m.cachedTokens,
        m.cacheHits,
        m.cacheWriteTokens,
        m.outputTokens,
        m.reasoningTokens,
        m.audioTokens,
        m.images,
        m.characters,
        m.audioMs,
        m.reported,
        m.estimated,
        m.partial,
        m.missing,
      ],
      series: [m.inputTokens, m.outputTokens],
    }),
};
