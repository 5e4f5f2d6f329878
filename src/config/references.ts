/** Checks what one part of the configuration says of another: aliases, upstreams by name, apps. */
import { parseAppKey } from "./app-key.ts";
import { controlProblems } from "./control-references.ts";
import { type Locate, nearest, type Problem, problemAt } from "./problems.ts";
import type { AppConfig, Config, ModelConfig } from "./schema.ts";

/** Aliases that run in a circle, and models that name an upstream which is not there. */
export function modelProblems(
  models: Readonly<Record<string, ModelConfig>>,
  upstreams: readonly string[],
  locate?: Locate,
): Problem[] {
  const problems: Problem[] = [];
  for (const [name, model] of Object.entries(models)) {
    for (const [index, upstream] of (model.upstreams ?? []).entries()) {
      if (upstreams.includes(upstream)) continue;
      const meant = nearest(upstream, upstreams);
      problems.push(
        problemAt(
          locate,
          ["models", name, "upstreams", index],
          `there is no upstream "${upstream}"`,
          meant === undefined ? `Configured: ${upstreams.join(", ") || "none"}.` : `Did you mean "${meant}"?`,
        ),
      );
    }
    const chain = aliasChain(name, models);
    if (chain.length > 1 && chain.at(-1) === name) {
      problems.push(
        problemAt(
          locate,
          ["models", name, "alias"],
          `the alias leads back to itself: ${chain.join(" → ")}`,
          "An alias must end at a model that an upstream knows.",
        ),
      );
    }
  }
  return problems;
}

/** The model and what its alias stands for, in turn, up to the end or the first name seen before. */
function aliasChain(name: string, models: Readonly<Record<string, ModelConfig>>): string[] {
  const chain = [name];
  for (;;) {
    const last = chain.at(-1) ?? name;
    const next = Object.hasOwn(models, last) ? models[last]?.alias : undefined;
    if (next === undefined) return chain;
    const circular = chain.includes(next);
    chain.push(next);
    if (circular) return chain;
  }
}

/** Names and keys that two apps share: a call must belong to one app only. */
export function appProblems(apps: readonly AppConfig[], locate?: Locate): Problem[] {
  const problems: Problem[] = [];
  const names = new Set<string>();
  const owners = new Map<string, string>();
  for (const [index, app] of apps.entries()) {
    if (names.has(app.name)) {
      problems.push(
        problemAt(
          locate,
          ["apps", index, "name"],
          `there are two apps named "${app.name}"`,
          "Give the second all its keys under the first, or another name.",
        ),
      );
    }
    names.add(app.name);
    for (const [keyIndex, text] of app.keys.entries()) {
      const key = parseAppKey(text)?.hash ?? text;
      const owner = owners.get(key);
      if (owner !== undefined) {
        problems.push(
          problemAt(
            locate,
            ["apps", index, "keys", keyIndex],
            `the key already belongs to app "${owner}"`,
            "Remove it from one of them, so that each call belongs to one app.",
          ),
        );
      }
      owners.set(key, owner ?? app.name);
    }
  }
  return problems;
}

/** Routes of alerts to channels that are not there. */
function notifyProblems({ channels, notify }: Config, locate?: Locate): Problem[] {
  const names = Object.keys(channels);
  return notify.flatMap((route, index) =>
    route.to.flatMap((name, place) => {
      if (names.includes(name)) return [];
      const meant = nearest(name, names);
      const hint =
        meant === undefined ? `Configured: ${names.join(", ") || "none"}.` : `Did you mean "${meant}"?`;
      return [problemAt(locate, ["notify", index, "to", place], `there is no channel "${name}"`, hint)];
    }),
  );
}

/** Everything that can be checked without knowing what presets or the environment add. */
export function referenceProblems(config: Config, locate?: Locate): Problem[] {
  const upstreams = Object.keys(config.upstreams);
  return [
    ...(upstreams.length === 0 ? [] : modelProblems(config.models, upstreams, locate)),
    ...appProblems(config.apps, locate),
    ...notifyProblems(config, locate),
    ...controlProblems(config, locate),
  ];
}
