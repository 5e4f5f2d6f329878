/** What is wrong with routing rules, as far as it can be told before any call: each problem with its place. */
import {
  type Locate,
  nearest,
  type Path,
  type Problem,
  problemAt,
  sortProblems,
} from "../config/problems.ts";
import type { Config, RouteConfig } from "../config/schema.ts";
import { type ConditionTools, listed } from "./condition.ts";

/** What the checks need to know besides the configuration. */
export interface RoutingKnowledge {
  /** Names of the upstreams in force. */
  readonly upstreams: readonly string[];
  /** Whether somebody is known to serve a model: it has a price, is configured, or an upstream's vendor makes it. */
  isKnownModel(model: string): boolean;
  /** For suggestions. */
  knownModels(): Iterable<string>;
  readonly tools: ConditionTools;
  readonly locate?: Locate | undefined;
}

export function routingProblems(config: Config, knowledge: RoutingKnowledge): Problem[] {
  const checker = new Checker(config, knowledge);
  checker.check();
  return sortProblems(checker.problems);
}

class Checker {
  readonly problems: Problem[] = [];
  readonly #config: Config;
  readonly #knowledge: RoutingKnowledge;

  constructor(config: Config, knowledge: RoutingKnowledge) {
    this.#config = config;
    this.#knowledge = knowledge;
  }

  check(): void {
    const { routes, models } = this.#config;
    const seen = new Set<string>();
    for (const [index, route] of routes.entries()) {
      const path = ["routes", index];
      if (seen.has(route.name)) {
        this.#add(
          [...path, "name"],
          `there are two routes named "${route.name}"`,
          "Give each a name of its own.",
        );
      }
      seen.add(route.name);
      this.#checkWhen(route, [...path, "when"]);
      this.#checkUse(route, [...path, "use"]);
    }
    for (const [name, { route, alias, upstreams }] of Object.entries(models)) {
      if (route !== true) continue;
      const path = ["models", name];
      for (const [key, value] of Object.entries({ alias, upstreams })) {
        if (value === undefined) continue;
        this.#add([...path, key], "is not used with `route: true`", "Remove one of them.", "key");
      }
      if (!routes.some(({ when }) => couldAsk(when.model, name))) {
        this.#add(
          [...path, "route"],
          "no route is for this model",
          `Add one, as \`{ name: ${name}, when: { model: ${name} }, use: { model: … } }\`.`,
        );
      }
    }
  }

  #checkWhen({ when }: RouteConfig, path: Path): void {
    const { models, apps } = this.#config;
    const names = <Key extends "model" | "app" | "team" | "prompt">(key: Key) =>
      when[key] === undefined
        ? []
        : listed(when[key]).map((name, index) => ({
            name,
            at: typeof when[key] === "string" ? [...path, key] : [...path, key, index],
          }));
    for (const { name, at } of names("model")) {
      if (name.includes("*") || Object.hasOwn(models, name) || this.#knowledge.isKnownModel(name)) continue;
      this.#unknownModel(
        name,
        at,
        `Let clients ask for it: \`models: { ${JSON.stringify(name)}: { route: true } }\`.`,
      );
    }
    const known = { app: [...apps.map(({ name }) => name), "anonymous"], team: appsTeams(this.#config) };
    for (const key of ["app", "team"] as const) {
      for (const { name, at } of names(key)) {
        if (name.includes("*") || known[key].includes(name)) continue;
        const meant = nearest(name, known[key]);
        const hint =
          meant === undefined ? `Known: ${known[key].join(", ") || "none"}.` : `Did you mean "${meant}"?`;
        this.#add(at, `there is no ${key} "${name}"`, hint);
      }
    }
    for (const { name, at } of names("prompt")) {
      try {
        this.#knowledge.tools.pattern(name);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.#add(
          at,
          `the regular expression is not valid: ${why}`,
          "It is RE2 syntax: no look-around and no back-references. In double quotes YAML needs two backslashes.",
        );
      }
    }
  }

  #checkUse({ use }: RouteConfig, path: Path): void {
    const { model, upstream } = use;
    if (model === undefined && upstream === undefined) {
      this.#add(path, "does not say where calls go", "Name a `model`, an `upstream`, or both.", "key");
    }
    if (model !== undefined) this.#checkModel(model, [...path, "model"]);
    if (upstream !== undefined) this.#checkUpstream(upstream, [...path, "upstream"]);
  }

  #checkModel(model: string, path: Path): void {
    if (Object.hasOwn(this.#config.models, model) || this.#knowledge.isKnownModel(model)) return;
    this.#unknownModel(
      model,
      path,
      `If an upstream serves it: \`models: { ${JSON.stringify(model)}: {} }\`.`,
    );
  }

  #unknownModel(model: string, path: Path, otherwise: string): void {
    const { models } = this.#config;
    const meant = nearest(model, [...this.#knowledge.knownModels(), ...Object.keys(models)]);
    const hint = meant === undefined ? otherwise : `Did you mean "${meant}"? ${otherwise}`;
    this.#add(path, `nobody is known to serve a model "${model}"`, hint);
  }

  #checkUpstream(name: string, path: Path): void {
    const { upstreams } = this.#knowledge;
    if (upstreams.includes(name)) return;
    const meant = nearest(name, upstreams);
    const hint =
      meant === undefined ? `Configured: ${upstreams.join(", ") || "none"}.` : `Did you mean "${meant}"?`;
    this.#add(path, `there is no upstream "${name}"`, hint);
  }

  #add(path: Path, message: string, hint: string, part?: "key" | "value"): void {
    this.problems.push(problemAt(this.#knowledge.locate, path, message, hint, part));
  }
}

/** Whether a rule with this `when.model` may be asked about a model of that name. */
function couldAsk(wanted: string | readonly string[] | undefined, name: string): boolean {
  return wanted === undefined || listed(wanted).some((each) => each === name || each.includes("*"));
}

function appsTeams({ apps }: Config): string[] {
  return apps.map(({ team }) => team).filter((team) => team !== undefined);
}
