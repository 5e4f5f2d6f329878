/**
 * The candidate that has answered fastest lately. One of which nothing is known gets a call, one at a time; and a
 * share of the calls goes to the others, so that it is seen when they become faster.
 */
import { type Asked, byScore, type Option, type Strategy } from "./strategy.ts";

export const fastest: Strategy = {
  rank(candidates, { around, measure, explore }) {
    const speeds = candidates.map(({ upstream, model }) => around.speed(upstream, model, measure));
    const order = byScore(speeds.map((ms) => ms ?? Number.MAX_VALUE));
    const usable = (index: number): boolean => {
      const { upstream, model } = candidates[index] as Option;
      return around.breaker(upstream, model) !== "open";
    };
    const unknown = speeds.findIndex(
      (ms, index) =>
        ms === undefined &&
        usable(index) &&
        around.inFlight(candidates[index]?.upstream ?? "", candidates[index]?.model ?? "") === 0,
    );
    if (unknown !== -1 && candidates.length > 1) return { order: first(unknown, order), reason: "explore" };
    const chance = around.random();
    const others = order.slice(1).filter(usable);
    if (chance < explore && others.length > 0) {
      const index = others[Math.floor((chance / explore) * others.length)];
      if (index !== undefined) return { order: first(index, order), reason: "explore" };
    }
    return { order, reason: "fastest" };
  },
  notes({ upstream, model }: Option, { around, measure }: Asked) {
    const ms = around.speed(upstream, model, measure);
    return [ms === undefined ? "not measured lately" : `${Math.round(ms)} ms`];
  },
};

function first(index: number, order: readonly number[]): number[] {
  return [index, ...order.filter((each) => each !== index)];
}
