/** Checks of limits and budgets that one key alone cannot tell: what needs another, and teams nobody is in. */
import { type Locate, nearest, type Path, type Problem, problemAt } from "./problems.ts";
import type { Config, ScopeConfig } from "./schema.ts";

/** Every scope that may have limits and budgets, with its place in the configuration. */
export function scopesOf(config: Config): { readonly path: Path; readonly scope: ScopeConfig }[] {
  const named = (section: "teams" | "upstreams" | "models") =>
    Object.entries(config[section]).map(([name, scope]) => ({ path: [section, name], scope }));
  return [
    { path: ["limits", "all"], scope: config.limits.all },
    ...config.apps.map((scope, index) => ({ path: ["apps", index], scope })),
    ...named("teams"),
    ...named("upstreams"),
    ...named("models"),
  ];
}

/** Budgets without an amount or with two, downgrades without a model, and teams without an app. */
export function controlProblems(config: Config, locate?: Locate): Problem[] {
  const problems: Problem[] = [];
  const add = (path: Path, message: string, hint: string, part?: "key" | "value"): void => {
    problems.push(problemAt(locate, path, message, hint, part));
  };
  for (const { path, scope } of scopesOf(config)) {
    const { budget } = scope;
    if (budget !== undefined) {
      const at = [...path, "budget"];
      if (budget.usd === undefined && budget.cny === undefined) {
        add(at, "has no amount", "Give it one: `usd: 500`, or `cny: 3000` with `usdPer`.", "key");
      }
      if (budget.usd !== undefined && budget.cny !== undefined) {
        add([...at, "cny"], "a budget has one amount", "Remove `usd` or `cny`.", "key");
      }
      if (budget.cny !== undefined && budget.usdPer === undefined) {
        add([...at, "cny"], "has no exchange rate", "Say under `usdPer` what one yuan is worth in dollars.");
      }
    }
    for (const kind of ["budget", "tokenBudget"] as const) {
      const each = scope[kind];
      if (each?.onExceeded === "downgrade" && each.downgradeTo === undefined) {
        add([...path, kind, "onExceeded"], "has no model to downgrade to", "Name it under `downgradeTo`.");
      }
      if (each?.downgradeTo !== undefined && each.onExceeded !== "downgrade") {
        add(
          [...path, kind, "downgradeTo"],
          "is not used",
          "Set `onExceeded: downgrade`, or remove it.",
          "key",
        );
      }
    }
  }
  const inUse = new Set(config.apps.map(({ team }) => team).filter((team) => team !== undefined));
  for (const team of Object.keys(config.teams)) {
    if (inUse.has(team)) continue;
    const meant = nearest(team, inUse);
    const hint =
      meant === undefined ? "Name it as `team` of an app, or remove it." : `Did you mean "${meant}"?`;
    add(["teams", team], "no app belongs to this team", hint, "key");
  }
  return problems;
}
