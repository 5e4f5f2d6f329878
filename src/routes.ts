/** Puts the routing rules together with what they decide on; the rules themselves are loaded only where there are some. */
import { scopesOf } from "./config/control-references.ts";
import type { Loaded } from "./config/load.ts";
import { ConfigError, type Problem } from "./config/problems.ts";
import type { Config } from "./config/schema.ts";
import type { Clock } from "./core/clock.ts";
import type { PriceBook } from "./prices/book.ts";
import { costOf } from "./prices/cost.ts";
import { buildRoutingTable, globMatcher, plan, planAt } from "./routing/plan.ts";
import type { BreakerState, BudgetOwner, RoutingSurroundings } from "./routing/surroundings.ts";
import { TrafficView } from "./routing/traffic-view.ts";
import type { InForce } from "./settings.ts";
import type { Upstream } from "./upstreams/upstream.ts";

/** What rules go by that lives as long as the process. */
export interface RoutingLife {
  readonly view: TrafficView;
  readonly random: () => number;
  breaker(upstream: string, model: string): BreakerState;
  budgetShare(owner: BudgetOwner): number | undefined;
}

/** Nothing has happened yet: for explanations without a process that runs. */
export function calmLife(clock: Clock): RoutingLife {
  return {
    view: new TrafficView(clock),
    random: () => 0.5,
    breaker: () => "closed",
    budgetShare: () => undefined,
  };
}

/** Whether anything is routed by rules. */
export function hasRoutes({ routes, models }: Config): boolean {
  return routes.length > 0 || Object.values(models).some(({ route }) => route === true);
}

/** The settings with the rules of the configuration. @throws ConfigError where they are wrong. */
export async function withRoutes(inForce: InForce, life: RoutingLife): Promise<InForce> {
  const { loaded, upstreams, settings } = inForce;
  const { config } = loaded;
  const problems = await checkRoutes(loaded, upstreams, settings.prices);
  if (problems.length > 0) throw new ConfigError(problems);
  if (!hasRoutes(config)) return inForce;
  const [{ Router }, { patternMaker }] = await Promise.all([
    import("./routing/router.ts"),
    import("./routing/patterns.ts"),
  ]);
  const table = buildRoutingTable(config.models, upstreams);
  const afterAlias = (model: string): string => table.rules.get(model)?.model ?? model;
  const router = new Router<Upstream>({
    routes: config.routes,
    virtual: new Set(Object.keys(config.models).filter((name) => config.models[name]?.route === true)),
    find: {
      plan: (request) => plan(request, table),
      planAt: (request, upstream) => planAt(request, upstream, table),
    },
    tools: {
      pattern: await patternMaker(config.routes),
      around: surroundings(life, settings.prices),
      afterAlias,
      placesOf: (model, upstream) =>
        upstream !== undefined
          ? [{ upstream, model: model === undefined ? "" : afterAlias(model) }]
          : upstreamsOf(model ?? "", config, upstreams).map((name) => ({
              upstream: name,
              model: afterAlias(model ?? ""),
            })),
    },
  });
  return { ...inForce, settings: { ...settings, router } };
}

/** Names of the upstreams that a model is sent to: its own, or whose vendor makes it, or the first. */
function upstreamsOf(model: string, { models }: Config, upstreams: readonly Upstream[]): readonly string[] {
  const listed = models[model]?.upstreams;
  if (listed !== undefined) return listed;
  const owner = upstreams.find(({ owns }) => globMatcher(owns)(model)) ?? upstreams[0];
  return owner === undefined ? [] : [owner.name];
}

function surroundings(life: RoutingLife, prices: PriceBook): RoutingSurroundings {
  const { view } = life;
  return {
    random: life.random,
    breaker: (upstream, model) => life.breaker(upstream, model),
    budgetShare: (owner) => life.budgetShare(owner),
    cost(upstream, model, inputTokens, outputTokens, atMs) {
      const entry = prices.price(upstream, model, atMs);
      return entry && costOf(entry, { inputTokens, outputTokens }, { serviceTier: "" });
    },
    speed: (upstream, model, measure) => view.speed(upstream, model, measure),
    inFlight: (upstream, model) => view.inFlight(upstream, model),
    watch: (subject, bounds) => view.watch(subject, bounds),
  };
}

/** What is wrong with the rules, and with what budgets downgrade to. */
export async function checkRoutes(
  { config, locate }: Loaded,
  upstreams: readonly Upstream[],
  prices: PriceBook,
): Promise<Problem[]> {
  if (!hasRoutes(config) && !namesOtherModels(config)) return [];
  const [{ routingProblems }, { patternMaker }] = await Promise.all([
    import("./routing/problems.ts"),
    import("./routing/patterns.ts"),
  ]);
  const owns = globMatcher(upstreams.flatMap((upstream) => upstream.owns));
  const now = Date.now();
  const isPriced = (upstream: string, model: string): boolean =>
    prices.price(upstream, model, now) !== undefined;
  return routingProblems(config, {
    upstreams: upstreams.map(({ name }) => name),
    isKnownModel: (model) =>
      owns(model) ||
      prices.listPrice(model, now) !== undefined ||
      upstreams.some(({ name }) => isPriced(name, model)),
    knownModels: () => prices.knownModels(),
    isPriced,
    upstreamsOf: (model) => upstreamsOf(model, config, upstreams),
    pattern: await patternMaker(config.routes),
    locate,
  });
}

/** Whether some budget or some model's fallback sends calls to another model. */
function namesOtherModels(config: Config): boolean {
  if (Object.values(config.models).some(({ fallback }) => fallback !== undefined)) return true;
  return scopesOf(config).some(
    ({ scope }) => scope.budget?.downgradeTo !== undefined || scope.tokenBudget?.downgradeTo !== undefined,
  );
}
