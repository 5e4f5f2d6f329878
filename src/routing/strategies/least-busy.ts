/** The candidate with the fewest calls in flight. */
import { byScore, type Strategy } from "./strategy.ts";

export const leastBusy: Strategy = {
  rank(candidates, { around }) {
    const scores = candidates.map(({ upstream, model }) => around.inFlight(upstream, model));
    return { order: byScore(scores), reason: "least-busy" };
  },
  notes: ({ upstream, model }, { around }) => [`${around.inFlight(upstream, model)} in flight`],
};
