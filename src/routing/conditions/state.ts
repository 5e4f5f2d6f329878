/** The condition on how it goes: times, errors, breakers and budgets. */
import type { RouteConfig } from "../../config/schema.ts";
import { formatDuration } from "../../config/units.ts";
import type { Condition, ConditionTools } from "../condition.ts";
import type { RouteFacts } from "../facts.ts";
import type { BudgetOwner } from "../surroundings.ts";
import type { WatchSubject } from "../traffic-view.ts";
import type { Watch } from "../watch.ts";

type State = NonNullable<RouteConfig["when"]["state"]>;
type Watching = Pick<WatchSubject, "model" | "upstream">;

const figures = ["p50", "p95", "p99", "firstToken", "errors"] as const;
/** Of the bound below which all is well, where it is not given. */
const WELL_SHARE = 0.8;

const NAMES: Readonly<Record<(typeof figures)[number], string>> = {
  p50: "median time",
  p95: "95th percentile of the time",
  p99: "99th percentile of the time",
  firstToken: "95th percentile of the time to the first token",
  errors: "share of errors",
};

/** @throws Error where no model is named whose state would count; the configuration's checks see to that. */
export function stateCondition(state: State, tools: ConditionTools): Condition {
  const subject = { model: state.model && tools.afterAlias(state.model), upstream: state.upstream };
  const parts = [
    ...figures.flatMap((name) => watchPart(name, state, subject, tools)),
    ...breakerPart(state, tools),
    ...budgetPart(state, tools),
  ];
  return {
    key: "state",
    wants: parts.map(({ wants }) => wants).join(" and "),
    holds: (facts) => parts.every((part) => part.holds(facts)),
    found: (facts) => parts.map((part) => part.found(facts)).join(", "),
    watches: parts.flatMap(({ watch }) => watch ?? []),
  };
}

interface Part {
  readonly wants: string;
  holds(facts: RouteFacts): boolean;
  found(facts: RouteFacts): string;
  readonly watch?: Watch;
}

function watchPart(
  figure: (typeof figures)[number],
  state: State,
  subject: Watching,
  { around }: ConditionTools,
): Part[] {
  const wanted = state[figure];
  if (wanted === undefined) return [];
  const { above, below = above * WELL_SHARE, minCalls, trial } = wanted;
  const bounds = { above, below, forMs: wanted.for, recoverMs: wanted.recover, minCalls, trial };
  const watch = around.watch({ ...subject, figure }, bounds);
  const text = (value: number): string =>
    figure === "errors" ? `${Math.round(value * 1000) / 10} %` : formatDuration(Math.round(value));
  const place = [subject.model, subject.upstream].filter((name) => name !== undefined).join(" at ");
  return [
    {
      wants: `${NAMES[figure]} of ${place} above ${text(above)}`,
      holds: () => watch.on,
      found: () =>
        `${watch.last === undefined ? "too few calls" : text(watch.last)}, ${watch.on ? "on" : "off"}`,
      watch,
    },
  ];
}

function breakerPart({ breaker, model, upstream }: State, { around, placesOf }: ConditionTools): Part[] {
  if (breaker === undefined) return [];
  const states = (): string[] =>
    placesOf(model, upstream).map((place) => around.breaker(place.upstream, place.model));
  const place = [model, upstream].filter((name) => name !== undefined).join(" at ");
  return [
    {
      wants: `breaker of ${place} ${breaker}`,
      holds: () => {
        const found = states();
        return found.length > 0 && found.every((each) => each === breaker);
      },
      found: () => states().join(", ") || "nobody serves it",
    },
  ];
}

function budgetPart({ budget }: State, { around }: ConditionTools): Part[] {
  if (budget === undefined) return [];
  const { scope, name, above } = budget;
  const share = (facts: RouteFacts): number | undefined =>
    around.budgetShare({ scope, name: name ?? ownName(scope, facts) });
  return [
    {
      wants: `budget of ${name === undefined ? `the ${scope}` : `${scope} ${name}`} used to ${above * 100} %`,
      holds: (facts) => (share(facts) ?? -1) >= above,
      found: (facts) => {
        const found = share(facts);
        return found === undefined ? "no budget" : `${Math.round(found * 1000) / 10} %`;
      },
    },
  ];
}

function ownName(scope: BudgetOwner["scope"], { call }: RouteFacts): string {
  if (scope === "app") return call.app;
  if (scope === "team") return call.team;
  return scope === "model" ? call.asked : "all";
}
