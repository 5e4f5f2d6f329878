/** Where a call may be sent: the places of its plan in order, and which of them is better not asked now. */
import type { Plan } from "../routing/plan.ts";
import type { Breakers } from "../upstreams/breaker.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import type { Settings } from "./state.ts";

export interface Place {
  readonly upstream: Upstream;
  /** What the upstream is asked for. */
  readonly model: string;
  /** The model whose configured `fallback` this place's model is, where it is one. */
  readonly fallbackOf?: string;
}

/** What stands between the names of what decided one after the other. */
const THEN = ">";

/** The route of a call that goes on at another model, because the configuration says so of this one. */
export function routeByFallback(route: string, of: string): string {
  const way = `fallback:${of}`;
  return route === "" ? way : `${route}${THEN}${way}`;
}

/** A plan whose first place is one that is well, as far as is known, and what else there is. */
export interface Target extends Place {
  /** Where to go when that fails, in order. */
  readonly others: readonly Place[];
  /** How rules chose it, where they did. */
  readonly reason: string | undefined;
  /** The upstream that would have been first, where its breaker was open. */
  readonly avoided: string | undefined;
}

const NOWHERE: readonly Place[] = [];

/** Where breakers are open, another place comes first; where all are, the plan stays as it is. */
export function targetOf(
  plan: Plan<Upstream>,
  settings: Settings,
  breakers: Breakers | undefined,
  reason?: string,
): Target {
  const { upstream, model } = plan;
  const others = othersOf(plan, settings);
  if (others.length > 0 && breakers !== undefined && !isWell(plan, breakers)) {
    const at = others.findIndex((place) => isWell(place, breakers));
    const found = others[at];
    if (found !== undefined) {
      // The one that is avoided is the last resort.
      const rest = [...others.slice(at + 1), ...others.slice(0, at), { upstream, model }];
      return { ...found, others: rest, reason, avoided: upstream.name };
    }
  }
  return { upstream, model, others, reason, avoided: undefined };
}

/** Whether a call had better go there than elsewhere. */
export function isWell({ upstream, model }: Place, breakers: Breakers): boolean {
  return upstream.breaker === undefined || breakers.admits(upstream, model);
}

function othersOf(plan: Plan<Upstream>, { access }: Settings): readonly Place[] {
  const { upstream, model, fallbacks = [], alternatives = [] } = plan;
  if (fallbacks.length === 0 && alternatives.length === 0) return NOWHERE;
  const all = [...fallbacks.map((each) => ({ upstream: each, model })), ...alternatives];
  // A client's own key is for the upstream it was given for, and no other is shown it.
  return access.mode === "passthrough" ? all.filter((place) => place.upstream === upstream) : all;
}
