/** Rules and fallbacks that send calls to where a budget that blocks could not count them, because nothing has a price there. */
import { scopesOf } from "../config/control-references.ts";
import { type Path, type Problem, problemAt } from "../config/problems.ts";
import type { Config, RouteConfig } from "../config/schema.ts";
import { matchesWildcard } from "../core/wildcard.ts";
import { listed } from "./condition.ts";
import type { RoutingKnowledge } from "./knowledge.ts";
import { type Place, placesOf } from "./place.ts";

type Knowledge = Pick<RoutingKnowledge, "isPriced" | "upstreamsOf" | "locate">;

export function priceProblems(config: Config, knowledge: Knowledge): Problem[] {
  const strict = strictBudgets(config);
  if (strict.length === 0) return [];
  return sendings(config).flatMap(({ when, places }) =>
    places.flatMap(({ place, path }) => {
      const { model } = place;
      // Without a model it is the one asked for, whatever it is; a model that is only routed ends at others.
      if (model === undefined || config.models[model]?.route === true) return [];
      const sent = aliasEnd(model, config);
      const upstreams = place.upstream === undefined ? knowledge.upstreamsOf(model) : [place.upstream];
      for (const upstream of upstreams) {
        if (knowledge.isPriced(upstream, sent)) continue;
        const budget = strict.find((each) => mayHold(each, when, upstream, sent, config));
        if (budget === undefined) continue;
        return [
          problemAt(
            knowledge.locate,
            path,
            `"${sent}" has no price at ${upstream}, and the budget of ${budget.text} blocks what it cannot count`,
            `Set its price under \`upstreams.${upstream}.prices\`, or \`unpriced: allow\` under the budget.`,
          ),
        ];
      }
      return [];
    }),
  );
}

/** Calls, and the places that they may be sent to. */
interface Sending {
  readonly when: RouteConfig["when"];
  readonly places: readonly { readonly place: Place; readonly path: Path }[];
}

/** By the rules, where a model falls back to others, and where a budget that is used up sends calls to a cheaper one. */
function sendings(config: Config): Sending[] {
  const { routes, models } = config;
  return [
    ...downgrades(config),
    ...routes.map(({ when, use }, index) => ({
      when,
      places: placesWithPath(use, ["routes", index, "use"]),
    })),
    ...Object.entries(models).map(([name, { fallback = [] }]) => ({
      when: { model: name },
      places: fallback.map((model, index) => ({
        place: { model },
        path: ["models", name, "fallback", index],
      })),
    })),
  ];
}

function downgrades(config: Config): Sending[] {
  return scopesOf(config).flatMap(({ path, scope }) =>
    (["budget", "tokenBudget"] as const).flatMap((kind) => {
      const model = scope[kind]?.downgradeTo;
      if (model === undefined) return [];
      const [section, place] = path;
      const name = "name" in scope ? String(scope.name) : String(place);
      const when =
        section === "apps"
          ? { app: name }
          : section === "teams"
            ? { team: name }
            : section === "models"
              ? { model: name }
              : {};
      return [{ when, places: [{ place: { model }, path: [...path, kind, "downgradeTo"] }] }];
    }),
  );
}

interface StrictBudget {
  readonly scope: "all" | "app" | "team" | "upstream" | "model";
  readonly name: string;
  readonly text: string;
}

/** Money budgets that refuse calls without a price. */
function strictBudgets(config: Config): StrictBudget[] {
  return scopesOf(config).flatMap(({ path: [section, place], scope }) => {
    if (scope.budget?.onExceeded !== "block" || scope.budget.unpriced !== "refuse") return [];
    const name = "name" in scope ? String(scope.name) : String(place);
    const kind = (
      { limits: "all", apps: "app", teams: "team", upstreams: "upstream", models: "model" } as const
    )[section as "limits" | "apps" | "teams" | "upstreams" | "models"];
    return [{ scope: kind, name, text: kind === "all" ? "all calls" : `${kind} ${name}` }];
  });
}

/** Whether a call that the rule sends there may be one of the budget's. */
function mayHold(
  { scope, name }: StrictBudget,
  when: RouteConfig["when"],
  upstream: string,
  model: string,
  { apps }: Config,
): boolean {
  const allows = (wanted: string | readonly string[] | undefined, value: string): boolean =>
    wanted === undefined || listed(wanted).some((each) => matchesWildcard(value, each));
  switch (scope) {
    case "all":
      return true;
    case "upstream":
      return name === upstream;
    case "model":
      return name === model || (when.model !== undefined && allows(when.model, name));
    case "team":
      return allows(when.team, name) && apps.some((app) => app.team === name && allows(when.app, app.name));
    case "app": {
      const app = apps.find((each) => each.name === name);
      return allows(when.app, name) && allows(when.team, app?.team ?? "");
    }
  }
}

function placesWithPath(use: RouteConfig["use"], path: Path): { place: Place; path: Path }[] {
  const { model, upstream, split = [], of = [] } = use;
  const single = model === undefined ? [] : [{ place: { model, upstream }, path: [...path, "model"] }];
  const shares = split.map((place, index) => ({ place, path: [...path, "split", index] }));
  const candidates = placesOf({ of }).map((place, index) => ({ place, path: [...path, "of", index] }));
  return [...single, ...shares, ...candidates];
}

/** What a model is called after its aliases; circles among them are told of elsewhere. */
function aliasEnd(model: string, { models }: Config): string {
  let name = model;
  for (let steps = 0; steps < Object.keys(models).length; steps++) name = models[name]?.alias ?? name;
  return name;
}
