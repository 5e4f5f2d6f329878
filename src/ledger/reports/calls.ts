/** `calls`: single calls, found by id, app, model, status, error and time; all that is known of one by its id. */

import { callsTable } from "./call-rows.ts";
import { result } from "./grouped.ts";
import { numberOf } from "./measures.ts";
import type { Report } from "./report.ts";
import { totalFacts } from "./tabulate.ts";

export const calls: Report = {
  name: "calls",
  summary: "single calls by id, app, model, status, error or time, newest first",
  defaultFrom: "24h",
  groups: false,
  async run(store, query) {
    const limit = query.limit ?? 50;
    const table = await callsTable(store, query, "started_at", limit);
    if (table.rows.length < limit) {
      const none = table.rows.length === 0 ? ["No calls in this range."] : [];
      return result("calls", query, [table], none);
    }
    const found = numberOf(await totalFacts(store, query, ["calls"]), "calls");
    const omitted = found - table.rows.length;
    return result("calls", query, [omitted > 0 ? { ...table, omitted } : table], []);
  },
};
