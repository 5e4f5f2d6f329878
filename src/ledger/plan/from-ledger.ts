/** The real traffic of a range as a plan's demand, with models replaced by others when somebody asks what if. */
import type { Quantities } from "../../core/quantities.ts";
import type { ReportResult } from "../reports/report.ts";
import type { Demand } from "./workload.ts";

/** Columns of the report `usage`, and what they are in a demand. */
const QUANTITIES = {
  input_tokens: "inputTokens",
  cached_input_tokens: "cachedInputTokens",
  cache_write_tokens: "cacheWrite5mTokens",
  output_tokens: "outputTokens",
  reasoning_tokens: "reasoningTokens",
  images: "images",
  characters: "characters",
  audio_ms: "audioMs",
} as const satisfies Record<string, keyof Quantities>;

/** How calls were counted that used something: the others cost nothing anywhere. */
const USED = ["reported", "estimated", "partial"] as const;

/**
 * @param usage the report `usage`, by model
 * @param replace other models by the name of the one they stand in for
 * @throws Error when nothing was used, or a model that is to be replaced was not
 */
export function demandsOfUsage(usage: ReportResult, replace: ReadonlyMap<string, string>): Demand[] {
  const table = usage.tables.find(({ name }) => name === "by_model");
  const at = new Map(table?.columns.map(({ name }, index) => [name, index]));
  const byModel = new Map<string, { calls: number; quantities: Quantities }>();
  const measured = new Set<string>();
  for (const row of table?.rows ?? []) {
    const number = (name: string) => Number(row[at.get(name) ?? -1] ?? 0);
    const calls = USED.reduce((sum, name) => sum + number(name), 0);
    if (calls === 0) continue;
    const name = String(row[0]);
    measured.add(name);
    const model = replace.get(name) ?? name;
    const demand = byModel.get(model) ?? { calls: 0, quantities: {} };
    byModel.set(model, demand);
    demand.calls += calls;
    for (const [column, quantity] of Object.entries(QUANTITIES)) {
      const value = number(column);
      if (value > 0) demand.quantities[quantity] = (demand.quantities[quantity] ?? 0) + value;
    }
  }
  if (byModel.size === 0) throw new Error("no call in this range used anything; choose another with --from");
  for (const name of replace.keys()) {
    if (!measured.has(name)) {
      throw new Error(
        `--replace: ${name} was not used in this range; there were ${[...measured].join(", ")}`,
      );
    }
  }
  return [...byModel].map(([model, demand]) => ({ model, ...demand }));
}
