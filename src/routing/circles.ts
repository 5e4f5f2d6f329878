/** Rules that lead from one model that is only routed to another and back. */
import type { Config, RouteConfig } from "../config/schema.ts";
import { listed } from "./condition.ts";
import { placesOf } from "./place.ts";

export interface Circle {
  /** The models on the way; the last is the first again. */
  readonly circle: readonly string[];
  /** The rule that leads from the first to the second. */
  readonly index: number;
}

/** Every circle once, whatever conditions stand on its way: at some time all of them may hold. */
export function circles({ routes, models }: Config): Circle[] {
  const virtual = Object.keys(models).filter((name) => models[name]?.route === true);
  const leads = new Map(
    virtual.map((name) => [
      name,
      new Set(
        routes
          .filter(({ when }) => couldAsk(when.model, name))
          // A rule for any model that names this one has nothing to say to calls that ask for it already.
          .flatMap(({ when, use }) =>
            modelsOf(use).filter((model) => model !== name || names(when.model, name)),
          )
          .filter((model) => virtual.includes(model)),
      ),
    ]),
  );
  const told = new Set<string>();
  return virtual.flatMap((name) => {
    const circle = circleFrom(name, leads);
    if (circle === undefined || circle.some((each) => told.has(each))) return [];
    for (const each of circle) told.add(each);
    const index = routes.findIndex(
      ({ when, use }) => couldAsk(when.model, name) && modelsOf(use).includes(circle[1] ?? ""),
    );
    return [{ circle, index }];
  });
}

/** Every circle of models that fall back to one another, once: the models on the way, the last is the first again. */
export function fallbackCircles(models: Config["models"]): (readonly string[])[] {
  const leads = new Map(
    Object.entries(models).map(([name, { fallback = [] }]) => [name, new Set<string>(fallback)]),
  );
  const told = new Set<string>();
  return [...leads.keys()].flatMap((name) => {
    const circle = circleFrom(name, leads);
    if (circle === undefined || circle.some((each) => told.has(each))) return [];
    for (const each of circle) told.add(each);
    return [circle];
  });
}

/** Whether a rule with this `when.model` may be asked about a model of that name. */
export function couldAsk(wanted: string | readonly string[] | undefined, name: string): boolean {
  return wanted === undefined || listed(wanted).some((each) => each === name || each.includes("*"));
}

function names(wanted: string | readonly string[] | undefined, name: string): boolean {
  return wanted !== undefined && listed(wanted).includes(name);
}

/** The models that a rule may send calls to. */
function modelsOf(use: RouteConfig["use"]): string[] {
  return [use, ...(use.split ?? []), ...placesOf(use)].flatMap(({ model }) => model ?? []);
}

/** The way from a model back to itself, if there is one. */
function circleFrom(
  name: string,
  leads: ReadonlyMap<string, ReadonlySet<string>>,
): readonly string[] | undefined {
  const ways: string[][] = [[name]];
  const seen = new Set<string>();
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    for (const next of leads.get(way.at(-1) ?? "") ?? []) {
      if (next === name) return [...way, next];
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}
