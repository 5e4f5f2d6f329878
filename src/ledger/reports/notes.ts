/** What a reader must know of the calls behind a report: what is not in its sums, and what is only estimated. */

import type { FactName } from "../../store/facts.ts";
import type { LedgerStore } from "../../store/ledger-store.ts";
import { numberOf } from "./measures.ts";
import { EXACT_UP_TO, NOTE } from "./percentiles.ts";
import type { ReportQuery } from "./report.ts";
import { totalFacts } from "./tabulate.ts";

const FACTS: readonly FactName[] = [
  "calls",
  "interrupted",
  "unpriced",
  "missing",
  "partial",
  "estimated",
  "gone",
];

export async function notesOn(store: LedgerStore, query: ReportQuery): Promise<string[]> {
  const facts = await totalFacts(store, query, FACTS);
  const say = (name: FactName, one: string, many: string): string[] => {
    const count = numberOf(facts, name);
    return count === 0 ? [] : [`${count.toLocaleString("en")} ${count === 1 ? one : many}`];
  };
  if (numberOf(facts, "calls") === 0) return ["No calls in this range."];
  return [
    ...say(
      "interrupted",
      "call was interrupted (the process died while it ran): its tokens and cost are unknown.",
      "calls were interrupted (the process died while they ran): their tokens and cost are unknown.",
    ),
    ...say(
      "unpriced",
      "call is unpriced: its cost is in no sum. Give its model a price under the upstream's `prices`.",
      "calls are unpriced: their cost is in no sum. Give their models prices under the upstream's `prices`.",
    ),
    ...say(
      "missing",
      "call has no usage: its tokens and cost are unknown.",
      "calls have no usage: their tokens and cost are unknown.",
    ),
    ...say(
      "partial",
      "call was cut: its tokens and cost are counted up to there.",
      "calls were cut: their tokens and cost are counted up to there.",
    ),
    ...say(
      "estimated",
      "call's tokens are estimated: the upstream reported none.",
      "calls' tokens are estimated: the upstream reported none.",
    ),
    ...say(
      "gone",
      "call was left by its client before the end: it counts neither as success nor as error.",
      "calls were left by their clients before the end: they count neither as success nor as error.",
    ),
    ...(numberOf(facts, "calls") > EXACT_UP_TO ? [NOTE] : []),
  ];
}
