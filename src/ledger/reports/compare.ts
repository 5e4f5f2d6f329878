/**
 * `compare`: the same model at several upstreams: what it cost there, how fast it was, how often it failed.
 * Prices are what calls really cost. A mix of short questions and long answers costs more per token than the
 * other way round, so upstreams are compared by their share of the list price, which a mix does not change.
 */
import { formatUsd } from "../../core/money.ts";
import type { Value } from "../../store/ledger-store.ts";
import { result } from "./grouped.ts";
import { type Facts, type Measure, MEASURES as m, picoOf, ratioOfMoney } from "./measures.ts";
import { notesOn } from "./notes.ts";
import type { Report } from "./report.ts";
import { groupOf, tabulate } from "./tabulate.ts";

const ofList: Measure = {
  column: { name: "of_list_price", title: "of list", unit: "ratio" },
  facts: ["comparedCost", "comparedList"],
  value: (facts) => {
    const [cost, list] = [picoOf(facts, "comparedCost"), picoOf(facts, "comparedList")];
    return cost === undefined || list === undefined ? null : ratioOfMoney(cost, list);
  },
};

export const compare: Report = {
  name: "compare",
  summary: "the same model over several upstreams: price, latency, availability, errors, saving",
  defaultFrom: "30d",
  groups: false,
  async run(store, query) {
    const { table, rows, totals } = await tabulate(store, query, {
      name: "by_model_upstream",
      title: "by model and upstream",
      groups: [groupOf("model", query.timeZone), groupOf("upstream", query.timeZone)],
      measures: [
        m.calls,
        m.costPerMillion,
        ofList,
        m.p50,
        m.p99,
        m.firstTokenP50,
        m.availability,
        m.errorRate,
        m.cost,
        m.listCost,
        m.saving,
      ],
      limit: query.limit ?? 200,
      // What was refused before it had an upstream tells nothing of any.
      condition: "upstream <> 'none'",
    });
    const models = table.rows.map((row) => String(row[0]));
    const cheapest = new Map<string, number>();
    rows.forEach((facts, index) => {
      const share = ofList.value(facts, totals);
      const model = models[index] ?? "";
      if (typeof share === "number") cheapest.set(model, Math.min(share, cheapest.get(model) ?? share));
    });
    const more = rows.map((facts, index) => atCheapest(facts, cheapest.get(models[index] ?? "")));
    const several = new Set(models).size < models.length;
    return result(
      "compare",
      query,
      [
        {
          ...table,
          columns: [...table.columns, { name: "at_cheapest_usd", title: "at cheapest", unit: "usd" }],
          rows: table.rows.map((row, index) => [...row, more[index] ?? null]),
          totals: [...(table.totals ?? []), null],
        },
      ],
      [
        ...(several || rows.length === 0 ? [] : ["No model was served by more than one upstream."]),
        ...(await notesOn(store, query)),
      ],
    );
  },
};

/** What these calls would have cost at the upstream with the smallest share of the list price. */
function atCheapest(facts: Facts, share: number | undefined): Value {
  const list = picoOf(facts, "comparedList");
  if (list === undefined || share === undefined) return null;
  return formatUsd((list * BigInt(Math.round(share * 1e9))) / 1_000_000_000n);
}
