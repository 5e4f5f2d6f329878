/** Where a rule sends calls: `use`. */
import type { RouteConfig } from "../config/schema.ts";
import type { RouteFacts } from "./facts.ts";
import type { Candidate, Plan, PlanRequest } from "./plan.ts";

/** A model, an upstream, or both; what is not given stays as it is. */
export interface Place {
  readonly model?: string | undefined;
  readonly upstream?: string | undefined;
}

/** Who serves a model. */
export interface Finder<U extends Candidate> {
  /** By the model's own upstreams. */
  plan(request: PlanRequest): Plan<U> | undefined;
  /** At this upstream only; undefined where it does not speak the call's API. */
  planAt(request: PlanRequest, upstream: string): Plan<U> | undefined;
}

/** What a rule chose: a plan, or a model that the rules are to be asked for again. */
export interface Choice<U extends Candidate> {
  readonly model: string;
  readonly plan: Plan<U> | undefined;
  /** `rule`, or how it was chosen among several. */
  readonly reason: string;
}

export interface Target<U extends Candidate> {
  /** For people. */
  readonly text: string;
  /** Undefined where nobody serves the call there. */
  choose(facts: RouteFacts, model: string, virtual: ReadonlySet<string>): Choice<U> | undefined;
}

export function compileTarget<U extends Candidate>(use: RouteConfig["use"], find: Finder<U>): Target<U> {
  return {
    text: placeText(use),
    choose(facts, asked, virtual) {
      const model = use.model ?? asked;
      if (virtual.has(model) && model !== asked) return { model, plan: undefined, reason: "rule" };
      const plan = planOf(use, facts.request(model), find);
      return plan && { model, plan, reason: "rule" };
    },
  };
}

export function planOf<U extends Candidate>(
  { upstream }: Place,
  request: PlanRequest,
  find: Finder<U>,
): Plan<U> | undefined {
  return upstream === undefined ? find.plan(request) : find.planAt(request, upstream);
}

/** `gpt-4.1 at holysheep`. */
export function placeText({ model, upstream }: Place): string {
  if (upstream === undefined) return model ?? "";
  return `${model ?? "the model asked for"} at ${upstream}`;
}
