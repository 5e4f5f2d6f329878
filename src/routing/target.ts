/** Where a rule sends calls: `use`. A place, a split among places, or a strategy that chooses one of several. */
import { defaultRoute } from "../config/defaults.ts";
import type { RouteConfig } from "../config/schema.ts";
import type { RouteFacts } from "./facts.ts";
import { type Place, placesOf, placeText } from "./place.ts";
import type { Candidate, Plan, PlanRequest } from "./plan.ts";
import { compileSplit } from "./split.ts";
import { type StrategyName, strategies } from "./strategies/index.ts";
import type { Option } from "./strategies/strategy.ts";
import type { RoutingSurroundings } from "./surroundings.ts";
import type { OptionVerdict } from "./verdict.ts";

type Use = RouteConfig["use"];

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
  /** What it chooses among, for people; nothing where there is no choice. */
  options(facts: RouteFacts, model: string): readonly OptionVerdict[];
}

export function compileTarget<U extends Candidate>(
  use: Use,
  find: Finder<U>,
  around: RoutingSurroundings,
): Target<U> {
  if (use.split !== undefined) return splitTarget(use, use.split, find, around);
  if (use.strategy !== undefined) return strategyTarget(use, use.strategy, find, around);
  return {
    text: placeText(use),
    choose: (facts, asked, virtual) => choosePlace(use, facts, asked, virtual, find, "rule"),
    options: () => [],
  };
}

function choosePlace<U extends Candidate>(
  place: Place,
  facts: RouteFacts,
  asked: string,
  virtual: ReadonlySet<string>,
  find: Finder<U>,
  reason: string,
): Choice<U> | undefined {
  const model = place.model ?? asked;
  // Who asks for a model that is only routed is not helped by being sent to it.
  if (virtual.has(model)) return model === asked ? undefined : { model, plan: undefined, reason };
  const plan = planOf(place, facts.request(model), find);
  return plan && { model, plan, reason };
}

function planOf<U extends Candidate>(
  { upstream }: Place,
  request: PlanRequest,
  find: Finder<U>,
): Plan<U> | undefined {
  return upstream === undefined ? find.plan(request) : find.planAt(request, upstream);
}

function splitTarget<U extends Candidate>(
  { stickyBy }: Use,
  items: NonNullable<Use["split"]>,
  find: Finder<U>,
  around: RoutingSurroundings,
): Target<U> {
  const draw = compileSplit(items, stickyBy);
  const sum = items.reduce((total, { weight }) => total + weight, 0);
  const shares = items.map((item) => `${placeText(item)} ${Math.round((100 * item.weight) / sum)} %`);
  return {
    text: `split: ${shares.join(", ")}${stickyBy === undefined ? "" : `, sticky by ${stickyBy}`}`,
    choose(facts, asked, virtual) {
      const { order, sticky } = draw(facts, around.random);
      let unwell: Choice<U> | undefined;
      for (const index of order) {
        const item = items[index];
        if (item === undefined) continue;
        const choice = choosePlace(item, facts, asked, virtual, find, sticky ? "sticky" : "split");
        if (choice === undefined) continue;
        if (choice.plan === undefined || isWell(choice.plan, around)) return choice;
        unwell ??= choice;
      }
      return unwell;
    },
    options: (facts, asked) =>
      items.flatMap((item) => {
        const plan = planOf(item, facts.request(item.model ?? asked), find);
        if (plan === undefined) return [];
        const { upstream, model } = plan;
        const notes = [`weight ${item.weight}`, `breaker ${around.breaker(upstream.name, model)}`];
        return [{ model, upstream: upstream.name, notes }];
      }),
  };
}

function isWell<U extends Candidate>({ upstream, model }: Plan<U>, around: RoutingSurroundings): boolean {
  return around.breaker(upstream.name, model) !== "open";
}

/** A candidate that can be chosen. */
interface Served<U extends Candidate> extends Option {
  readonly by: U;
  /** Before aliases. */
  readonly name: string;
}

function strategyTarget<U extends Candidate>(
  use: Use,
  name: StrategyName,
  find: Finder<U>,
  around: RoutingSurroundings,
): Target<U> {
  const { measure = defaultRoute.measure, explore = defaultRoute.explore } = use;
  const places = placesOf(use);
  const strategy = strategies[name];
  const served = (facts: RouteFacts, asked: string): Served<U>[] => {
    const found: Served<U>[] = [];
    for (const place of places) {
      const model = place.model ?? asked;
      const plan = planOf(place, facts.request(model), find);
      if (plan === undefined) continue;
      for (const by of [plan.upstream, ...(plan.fallbacks ?? [])]) {
        if (found.some((each) => each.by === by && each.model === plan.model)) continue;
        found.push({ by, name: model, upstream: by.name, model: plan.model });
      }
    }
    return found;
  };
  return {
    text: `${name} of ${places.map(placeText).join(", ")}`,
    choose(facts, asked) {
      const candidates = served(facts, asked);
      const { order, reason } = strategy.rank(candidates, { facts, around, measure, explore });
      // Whoever's breaker is open comes last, in the same order.
      const ranked = order
        .map((index) => candidates[index])
        .filter((candidate) => candidate !== undefined)
        .map((candidate) => ({
          candidate,
          open: around.breaker(candidate.upstream, candidate.model) === "open",
        }))
        .sort((a, b) => Number(a.open) - Number(b.open))
        .map(({ candidate }) => candidate);
      const [first, ...others] = ranked;
      if (first === undefined) return undefined;
      const same = others.filter(({ model }) => model === first.model).map(({ by }) => by);
      const rest = others.filter(({ model }) => model !== first.model);
      const plan: Plan<U> = {
        upstream: first.by,
        model: first.model,
        ...(same.length > 0 && { fallbacks: same }),
        ...(rest.length > 0 && { alternatives: rest.map(({ by, model }) => ({ upstream: by, model })) }),
      };
      return { model: first.name, plan, reason };
    },
    options: (facts, asked) =>
      served(facts, asked).map(({ upstream, model }) => ({
        ...{ upstream, model },
        notes: [
          ...strategy.notes({ upstream, model }, { facts, around, measure, explore }),
          ...(around.breaker(upstream, model) === "closed"
            ? []
            : [`breaker ${around.breaker(upstream, model)}`]),
        ],
      })),
  };
}
