/** Puts the routing rules together with what they decide on. Loaded rules cost a start time: without any, nothing is. */

import type { Loaded } from "./config/load.ts";
import type { Problem } from "./config/problems.ts";
import { ConfigError } from "./config/problems.ts";
import type { Config } from "./config/schema.ts";
import type { PriceBook } from "./prices/book.ts";
import { buildRoutingTable, globMatcher, plan, planAt } from "./routing/plan.ts";
import type { InForce } from "./settings.ts";
import type { Upstream } from "./upstreams/upstream.ts";

/** Whether anything is routed by rules. */
export function hasRoutes({ routes, models }: Config): boolean {
  return routes.length > 0 || Object.values(models).some(({ route }) => route === true);
}

/** The settings with the rules of the configuration. @throws ConfigError where they are wrong. */
export async function withRoutes(inForce: InForce): Promise<InForce> {
  const { loaded, upstreams, settings } = inForce;
  const { config } = loaded;
  if (!hasRoutes(config)) return inForce;
  const problems = await checkRoutes(loaded, upstreams, settings.prices);
  if (problems.length > 0) throw new ConfigError(problems);
  const [{ Router }, { conditionTools }] = await Promise.all([
    import("./routing/router.ts"),
    import("./routing/patterns.ts"),
  ]);
  const table = buildRoutingTable(config.models, upstreams);
  const router = new Router<Upstream>({
    routes: config.routes,
    virtual: new Set(Object.keys(config.models).filter((name) => config.models[name]?.route === true)),
    find: {
      plan: (request) => plan(request, table),
      planAt: (request, upstream) => planAt(request, upstream, table),
    },
    tools: await conditionTools(config.routes),
  });
  return { ...inForce, settings: { ...settings, router } };
}

/** What is wrong with the rules. */
export async function checkRoutes(
  { config, locate }: Loaded,
  upstreams: readonly Upstream[],
  prices: PriceBook,
): Promise<Problem[]> {
  if (!hasRoutes(config)) return [];
  const [{ routingProblems }, { conditionTools }] = await Promise.all([
    import("./routing/problems.ts"),
    import("./routing/patterns.ts"),
  ]);
  const owns = globMatcher(upstreams.flatMap((upstream) => upstream.owns));
  const now = Date.now();
  return routingProblems(config, {
    upstreams: upstreams.map(({ name }) => name),
    isKnownModel: (model) =>
      owns(model) ||
      prices.listPrice(model, now) !== undefined ||
      upstreams.some(({ name }) => prices.price(name, model, now) !== undefined),
    knownModels: () => prices.knownModels(),
    tools: await conditionTools(config.routes),
    locate,
  });
}
