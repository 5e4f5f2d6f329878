/** What is wrong with routing rules, as far as it can be told before any call: each problem with its place. */

import { scopesOf } from "../config/control-references.ts";
import { nearest, type Path, type Problem, problemAt, sortProblems } from "../config/problems.ts";
import type { Config, RouteConfig } from "../config/schema.ts";
import { circles, couldAsk, fallbackCircles } from "./circles.ts";
import { listed } from "./condition.ts";
import type { RoutingKnowledge } from "./knowledge.ts";
import type { Place } from "./place.ts";
import { priceProblems } from "./price-problems.ts";
import { impossible, shadows } from "./reach.ts";

export function routingProblems(config: Config, knowledge: RoutingKnowledge): Problem[] {
  const checker = new Checker(config, knowledge);
  checker.check();
  return sortProblems(checker.problems);
}

class Checker {
  readonly problems: Problem[] = [];
  readonly #config: Config;
  readonly #knowledge: RoutingKnowledge;
  /** A rule of which something else is wrong is not asked whether it is of any use. */
  readonly #faulty = new Set<RouteConfig>();

  constructor(config: Config, knowledge: RoutingKnowledge) {
    this.#config = config;
    this.#knowledge = knowledge;
  }

  check(): void {
    const { routes } = this.#config;
    const seen = new Set<string>();
    for (const [index, route] of routes.entries()) {
      const path = ["routes", index];
      const before = this.problems.length;
      if (seen.has(route.name)) {
        this.#add(
          [...path, "name"],
          `there are two routes named "${route.name}"`,
          "Give each a name of its own.",
        );
      }
      seen.add(route.name);
      this.#checkWhen(route, [...path, "when"]);
      this.#checkState(route, [...path, "when", "state"]);
      this.#checkUse(route, [...path, "use"]);
      if (this.problems.length > before) this.#faulty.add(route);
    }
    this.#checkVirtual();
    this.#checkReach();
    this.#checkCircles();
    this.#checkDowngrades();
    this.#checkFallbacks();
    if (this.problems.length === 0) this.problems.push(...priceProblems(this.#config, this.#knowledge));
  }

  #checkVirtual(): void {
    const { routes, models } = this.#config;
    for (const [name, { route, alias, upstreams, fallback }] of Object.entries(models)) {
      const path = ["models", name];
      if (alias !== undefined && models[alias]?.route === true) {
        this.#add(
          [...path, "alias"],
          `an alias cannot be of a model that is only routed`,
          `Make it one too: \`${name}: { route: true }\`, with a rule that uses ${alias}.`,
        );
      }
      if (route !== true) continue;
      for (const [key, value] of Object.entries({ alias, upstreams, fallback })) {
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

  /** Rules that no call can ever come to. */
  #checkReach(): void {
    const { routes } = this.#config;
    const inOrder = routes
      .map((route, index) => ({ route, index }))
      .sort((a, b) => b.route.priority - a.route.priority);
    for (const [place, { route, index }] of inOrder.entries()) {
      if (this.#faulty.has(route)) continue;
      const fault = impossible(route.when, this.#config);
      if (fault !== undefined) {
        const path = ["routes", index, "when", fault.key];
        this.#add(path, `the rule can never hold: ${fault.why}`, "Correct it, or remove the rule.", "key");
        continue;
      }
      const before = inOrder
        .slice(0, place)
        .find((each) => !this.#faulty.has(each.route) && shadows(each.route.when, route.when));
      if (before !== undefined) {
        this.#add(
          ["routes", index],
          `the rule never decides: "${before.route.name}" is asked before it and takes every call that it is for`,
          "Put it before that one, give it a higher `priority`, or remove it.",
        );
      }
    }
  }

  #checkCircles(): void {
    for (const { circle, index } of circles(this.#config)) {
      this.#add(
        ["routes", index, "use"],
        `the rules lead in a circle: ${circle.join(" → ")}`,
        "Some rule has to name a model that an upstream knows.",
      );
    }
  }

  /** Models that budgets send calls to. */
  #checkDowngrades(): void {
    for (const { path, scope } of scopesOf(this.#config)) {
      for (const kind of ["budget", "tokenBudget"] as const) {
        const model = scope[kind]?.downgradeTo;
        if (model === undefined) continue;
        const at = [...path, kind, "downgradeTo"];
        this.#checkModel(model, at);
        if (path[0] === "models" && path[1] === model) {
          this.#add(at, "is the model whose budget it is", "Name another one.");
        }
      }
    }
  }

  /** Models that calls go on at. */
  #checkFallbacks(): void {
    const { models } = this.#config;
    for (const [name, { fallback = [] }] of Object.entries(models)) {
      for (const [index, model] of fallback.entries()) {
        const at = ["models", name, "fallback", index];
        this.#checkCandidate(model, at);
        if (fallback.indexOf(model) < index) this.#add(at, "is there twice", "Remove one.");
      }
    }
    for (const circle of fallbackCircles(models)) {
      this.#add(
        ["models", circle[0] ?? "", "fallback"],
        `the fallbacks lead in a circle: ${circle.join(" → ")}`,
        "What a model falls back to falls back further by itself: some model has to be the last one.",
      );
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
        this.#knowledge.pattern(name);
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

  #checkState({ when }: RouteConfig, path: Path): void {
    const { state } = when;
    if (state === undefined) return;
    if (state.model !== undefined) this.#checkModel(state.model, [...path, "model"]);
    if (state.upstream !== undefined) this.#checkUpstream(state.upstream, [...path, "upstream"]);
    const { model: _, upstream, ...wanted } = state;
    const given = Object.entries(wanted).filter(([, each]) => each !== undefined);
    if (given.length === 0) {
      this.#add(path, "does not say what is to hold", "Name p99, errors, breaker, budget, …", "key");
    }
    const ofPlace = given.some(([key]) => key !== "budget");
    const asked = when.model === undefined ? [] : listed(when.model);
    const single = asked.length === 1 && asked[0]?.includes("*") === false;
    if (ofPlace && state.model === undefined && upstream === undefined && !single) {
      this.#add(path, "does not say whose state counts", "Name its `model`, its `upstream`, or both.", "key");
    }
    for (const key of ["p50", "p95", "p99", "firstToken", "errors"] as const) {
      const watched = state[key];
      if (watched?.below !== undefined && watched.below > watched.above) {
        this.#add([...path, key, "below"], "is more than `above`", "A rule ends below where it begins.");
      }
    }
    const { budget } = state;
    if (budget === undefined) return;
    const owners = scopesOf(this.#config).filter(
      ({ scope }) => scope.budget !== undefined || scope.tokenBudget !== undefined,
    );
    const section = SECTION_OF[budget.scope];
    const names = owners
      .filter(({ path: [first] }) => first === section)
      .map(({ path: [, place], scope }) => ("name" in scope ? String(scope.name) : String(place)));
    if (budget.scope === "upstream" && budget.name === undefined) {
      this.#add([...path, "budget"], "does not say which upstream", "Name it under `name`.", "key");
    } else if (
      names.length === 0 ||
      (budget.name !== undefined && budget.scope !== "all" && !names.includes(budget.name))
    ) {
      const known = budget.scope === "all" ? "" : ` Budgets there: ${names.join(", ") || "none"}.`;
      this.#add(
        [...path, "budget"],
        "there is no such budget",
        `Give ${section}${budget.scope === "all" ? ".all" : ""} a \`budget\`.${known}`,
        "key",
      );
    }
  }

  #checkUse({ use }: RouteConfig, path: Path): void {
    const { model, upstream, split, strategy, of, stickyBy, measure, explore } = use;
    const ways = [model ?? upstream, split, strategy].filter((way) => way !== undefined);
    if (ways.length === 0) {
      this.#add(
        path,
        "does not say where calls go",
        "Name a `model`, an `upstream`, a `split` or a `strategy`.",
        "key",
      );
    }
    if (ways.length > 1) {
      this.#add(
        path,
        "says more than one way where calls go",
        "Keep one of model and upstream, `split`, and `strategy`.",
        "key",
      );
    }
    this.#checkPlace(use, path);
    for (const [index, item] of (split ?? []).entries()) {
      const at = [...path, "split", index];
      if (item.model === undefined && item.upstream === undefined) {
        this.#add(at, "names no place", "Name a `model`, an `upstream`, or both.");
      }
      this.#checkPlace(item, at);
    }
    if (split?.every(({ weight }) => weight === 0) === true) {
      this.#add(
        [...path, "split"],
        "all weights are zero",
        "Give one of them a weight of more than zero.",
        "key",
      );
    }
    for (const [index, item] of (of ?? []).entries()) {
      const at = [...path, "of", index];
      if (typeof item === "string") this.#checkCandidate(item, at);
      else {
        if (item.model !== undefined) this.#checkCandidate(item.model, [...at, "model"]);
        if (item.upstream !== undefined) this.#checkUpstream(item.upstream, [...at, "upstream"]);
        if (item.model === undefined && item.upstream === undefined) {
          this.#add(at, "names no place", "Name a `model`, an `upstream`, or both.");
        }
      }
    }
    const unused = (key: string, value: unknown, needs: string, wanted: boolean): void => {
      if (value !== undefined && !wanted)
        this.#add([...path, key], "is not used", `It belongs to ${needs}.`, "key");
    };
    unused("stickyBy", stickyBy, "a `split`", split !== undefined);
    unused("of", of, "a `strategy`", strategy !== undefined);
    unused("measure", measure, "`strategy: fastest`", strategy === "fastest");
    unused("explore", explore, "`strategy: fastest`", strategy === "fastest");
    if (strategy !== undefined && of === undefined) {
      this.#add([...path, "strategy"], "has nothing to choose among", "Name candidates under `of`.", "key");
    }
  }

  #checkPlace({ model, upstream }: Place, path: Path): void {
    if (model !== undefined) this.#checkModel(model, [...path, "model"]);
    if (upstream !== undefined) this.#checkUpstream(upstream, [...path, "upstream"]);
    if (model !== undefined && upstream !== undefined && this.#config.models[model]?.route === true) {
      this.#add(
        [...path, "upstream"],
        `no upstream knows "${model}", which is only routed`,
        "Remove the upstream.",
      );
    }
  }

  #checkCandidate(model: string, path: Path): void {
    this.#checkModel(model, path);
    if (this.#config.models[model]?.route === true) {
      this.#add(
        path,
        "a candidate cannot be a model that is only routed",
        "Name models that upstreams know.",
      );
    }
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
    // Of names that are as near the longest is the likeliest.
    const known = [...this.#knowledge.knownModels(), ...Object.keys(models)].sort(
      (a, b) => b.length - a.length,
    );
    const meant = nearest(model, known);
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

function appsTeams({ apps }: Config): string[] {
  return apps.map(({ team }) => team).filter((team) => team !== undefined);
}

const SECTION_OF = {
  app: "apps",
  team: "teams",
  upstream: "upstreams",
  model: "models",
  all: "limits",
} as const;
