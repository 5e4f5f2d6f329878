/** The candidate that costs least for a call of this length. Those without a price come last. */
import { formatUsd } from "../../core/money.ts";
import { type Asked, byScore, type Option, type Strategy } from "./strategy.ts";

/** Output that a call is taken to make; one that allows less makes that. Vendors' prices differ more in input. */
const USUAL_OUTPUT = 500;

export const cheapest: Strategy = {
  rank(candidates, asked) {
    const scores = candidates.map((candidate) => {
      const cost = costOf(candidate, asked);
      return cost === undefined ? Number.MAX_VALUE : Number(cost);
    });
    return { order: byScore(scores), reason: "cheapest" };
  },
  notes(candidate, asked) {
    const cost = costOf(candidate, asked);
    return [cost === undefined ? "no price" : `about ${formatUsd(cost)} USD`];
  },
};

function costOf({ upstream, model }: Option, { facts, around }: Asked): bigint | undefined {
  const { call } = facts;
  const output = Math.min(call.facts.maxOutputTokens ?? USUAL_OUTPUT, USUAL_OUTPUT);
  return around.cost(upstream, model, facts.inputTokens, output, call.at);
}
