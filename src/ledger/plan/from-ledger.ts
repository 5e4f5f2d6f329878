/** The real traffic of a range as a plan's demand, with models replaced by others when somebody asks what if. */
import type { Quantities, Quantity } from "../../core/quantities.ts";
import type { LedgerStore } from "../../store/ledger-store.ts";
import type { ReportQuery } from "../reports/report.ts";
import { Statement } from "../reports/statement.ts";
import type { Demand } from "./workload.ts";

const COLUMN: Readonly<Record<Quantity, string>> = {
  inputTokens: "input_tokens",
  cachedInputTokens: "cached_input_tokens",
  cacheWrite5mTokens: "cache_write_5m_tokens",
  cacheWrite1hTokens: "cache_write_1h_tokens",
  audioInputTokens: "audio_input_tokens",
  imageInputTokens: "image_input_tokens",
  outputTokens: "output_tokens",
  reasoningTokens: "reasoning_tokens",
  audioOutputTokens: "audio_output_tokens",
  imageOutputTokens: "image_output_tokens",
  images: "images",
  characters: "characters",
  audioMs: "audio_ms",
};

/** @param replace other models by the name of the one they stand in for */
export async function demandsOfLedger(
  store: LedgerStore,
  query: ReportQuery,
  replace: ReadonlyMap<string, string>,
): Promise<Demand[]> {
  const names = Object.keys(COLUMN) as Quantity[];
  const statement = new Statement(store);
  const source = statement.source(query, "billable AND NOT interrupted AND source <> 'missing'");
  const sums = names.map((name, index) => `sum(${COLUMN[name]}) AS q${index}`);
  const rows = await store.query(
    statement.query(`SELECT model AS m, count(*) AS n, ${sums.join(", ")} ${source} GROUP BY m`),
  );
  const byModel = new Map<string, { calls: number; quantities: Quantities }>();
  for (const row of rows) {
    const measured = String(row.m);
    const model = replace.get(measured) ?? measured;
    const demand = byModel.get(model) ?? { calls: 0, quantities: {} };
    byModel.set(model, demand);
    demand.calls += Number(row.n);
    names.forEach((name, index) => {
      const value = row[`q${index}`];
      if (value === null || value === undefined) return;
      demand.quantities[name] = (demand.quantities[name] ?? 0) + Number(value);
    });
  }
  return [...byModel]
    .map(([model, demand]) => ({ model, ...demand }))
    .sort(
      (a, b) =>
        (b.quantities.inputTokens ?? 0) - (a.quantities.inputTokens ?? 0) || (a.model < b.model ? -1 : 1),
    );
}
