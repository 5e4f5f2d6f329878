/** What rules know of the world besides the call: ports that the composition root fills. */
import type { Pico } from "../core/money.ts";
import type { Measure, WatchSubject } from "./traffic-view.ts";
import type { Watch, WatchBounds } from "./watch.ts";

export type BreakerState = "closed" | "half-open" | "open";

export interface BudgetOwner {
  readonly scope: "app" | "team" | "upstream" | "model" | "all";
  readonly name: string;
}

export interface RoutingSurroundings {
  /** A number in [0, 1). */
  random(): number;
  breaker(upstream: string, model: string): BreakerState;
  /** Used share of the fullest of the owner's budgets in their current period; undefined when it has none. */
  budgetShare(owner: BudgetOwner): number | undefined;
  /** What so many tokens cost there; undefined when the model has no price. */
  cost(
    upstream: string,
    model: string,
    inputTokens: number,
    outputTokens: number,
    atMs: number,
  ): Pico | undefined;
  speed(upstream: string, model: string, measure: Measure): number | undefined;
  inFlight(upstream: string, model: string): number;
  watch(subject: WatchSubject, bounds: WatchBounds): Watch;
}
