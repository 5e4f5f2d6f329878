/** Turns a loaded configuration into what the gateway works with: upstreams, prices, routes, labels. */

import { parseAppKey } from "./config/app-key.ts";
import type { Environment } from "./config/environment.ts";
import type { Loaded } from "./config/load.ts";
import type { Config } from "./config/schema.ts";
import type { Access, App, KeyOwner } from "./gateway/access.ts";
import type { Settings } from "./gateway/state.ts";
import { RuleBook } from "./limits/rules.ts";
import type { BoundedLabels } from "./metrics/bounded-labels.ts";
import type { UpstreamIdentity } from "./metrics/profiles/profile.ts";
import { PriceBook } from "./prices/book.ts";
import { loadPriceLists } from "./prices/data.ts";
import { modelLabels } from "./prices/model-labels.ts";
import { buildRoutingTable, globMatcher, plan } from "./routing/plan.ts";
import { resolveUpstreams } from "./upstreams/resolve.ts";
import type { Upstream } from "./upstreams/upstream.ts";

export interface InForce {
  readonly loaded: Loaded;
  readonly settings: Settings;
  readonly upstreams: readonly Upstream[];
}

export interface BuildOptions {
  readonly env: Environment;
  readonly labels: BoundedLabels;
  /** Used when neither configuration nor environment name an upstream. */
  readonly fallback: readonly Upstream[];
  readonly warn: (message: string) => void;
}

/** @throws ConfigError when the configuration cannot be put into force. */
export function buildSettings(loaded: Loaded, options: BuildOptions): InForce {
  const { config, locate } = loaded;
  const resolved = resolveUpstreams(config, options.env, { locate, warn: options.warn });
  const upstreams = resolved.length > 0 ? resolved : options.fallback;
  const prices = new PriceBook(loadPriceLists(config.prices.files), upstreams);
  const table = buildRoutingTable(config.models, upstreams);
  const settings: Settings = {
    access: accessOf(config),
    bodyLimit: config.server.bodyLimit,
    prices,
    rules: new RuleBook(config),
    ownModels: ownModels(config, prices),
    plan: (model, dialect, family) => plan({ model, dialect, family }, table),
    modelLabel: modelLabels(options.labels, prices, configuredModels(config)),
  };
  return { loaded, settings, upstreams };
}

function accessOf(config: Config): Access {
  const apps = new Map<string, KeyOwner>();
  for (const { name, team = "", keys, models, endpoints } of config.apps) {
    const app: App = {
      name,
      team,
      models: models === undefined ? undefined : { listed: models, matches: globMatcher(models) },
      endpoints: endpoints === undefined ? undefined : new Set(endpoints),
    };
    for (const text of keys) {
      const key = parseAppKey(text);
      if (key !== undefined) apps.set(key.hash, { app, until: key.until });
    }
  }
  return { mode: config.server.auth, apps };
}

/** Names that upstreams do not list: not of aliases that replace a model which a price list has, and so an upstream too. */
function ownModels(config: Config, prices: PriceBook): ReadonlySet<string> {
  const names = Object.entries(config.models).flatMap(([name, { alias, route }]) =>
    alias !== undefined || route === true ? [name] : [],
  );
  if (names.length === 0) return new Set();
  const priced = new Set(prices.knownModels());
  return new Set(
    names.filter(
      (name) => config.models[name]?.route || !(priced.has(name) || priced.has(name.toLowerCase())),
    ),
  );
}

/** Every model name the configuration knows. */
function configuredModels(config: Config): string[] {
  return Object.entries(config.models).flatMap(([name, { alias, fallback = [] }]) =>
    alias === undefined ? [name, ...fallback] : [name, alias, ...fallback],
  );
}

/** Who the upstreams are, for the labels of metric profiles. */
export function identities(upstreams: readonly Upstream[]): Map<string, UpstreamIdentity> {
  return new Map(
    upstreams.map(({ name, provider, baseUrl }) => [name, { provider, address: new URL(baseUrl).hostname }]),
  );
}
