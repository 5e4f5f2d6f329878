/** `slow`: the calls that took longest. */
import { callsTable } from "./call-rows.ts";
import { result } from "./grouped.ts";
import { notesOn } from "./notes.ts";
import type { Report } from "./report.ts";

export const slow: Report = {
  name: "slow",
  summary: "the slowest calls",
  defaultFrom: "7d",
  groups: false,
  async run(store, query) {
    const table = await callsTable(store, query, "duration_ms", query.limit ?? 20, "NOT interrupted");
    return result("slow", query, [table], await notesOn(store, query));
  },
};
