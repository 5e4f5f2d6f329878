/** Limits and budgets of the configuration as rules, and which of them hold for a call. */
import { scopesOf } from "../config/control-references.ts";
import type { endpointNames } from "../config/defaults.ts";
import type { Config, ScopeConfig } from "../config/schema.ts";
import type { Endpoint } from "../usage/usage.ts";
import { Calendar, type PeriodKind } from "./period.ts";

/** Whose limit it is. */
export type Scope = "app" | "team" | "upstream" | "model" | "all";

interface Owned {
  readonly scope: Scope;
  /** Of the app, team, upstream or model; "all" of all calls. */
  readonly name: string;
  /** What its counters are named by. */
  readonly key: string;
  /** Calls go on while the counters cannot be reached. */
  readonly open: boolean;
}

export interface WindowRule extends Owned {
  readonly kind: "requests" | "tokens";
  readonly limit: number;
  readonly windowMs: number;
}

export interface ConcurrencyRule extends Owned {
  readonly kind: "concurrency";
  readonly limit: number;
}

export interface BudgetRule extends Owned {
  readonly kind: "budget";
  /** Money is counted in nano-dollars, so that nine million dollars fit a number exactly. */
  readonly unit: "usd" | "tokens";
  readonly limit: number;
  readonly per: PeriodKind;
  readonly calendar: Calendar;
  readonly warnAt: readonly number[];
  readonly onExceeded: "warn" | "downgrade" | "block";
  readonly downgradeTo: string | undefined;
  /** Calls without a price are refused. */
  readonly refusesUnpriced: boolean;
}

export type Rule = WindowRule | ConcurrencyRule | BudgetRule;

/** Who calls whom for what. */
export interface Subject {
  readonly app: string;
  readonly team: string;
  readonly upstream: string;
  /** The model asked for and the one the upstream is asked for; a model's rules hold for either. */
  readonly asked: string;
  readonly model: string;
}

export const NANO_PER_USD = 1e9;

const SPANS = [
  ["Second", 1_000],
  ["Minute", 60_000],
  ["Hour", 3_600_000],
  ["Day", 86_400_000],
] as const;

/** The configuration's list of endpoints has to be that of the program. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
const ENDPOINTS_AGREE: Same<Endpoint, (typeof endpointNames)[number]> = true;
void ENDPOINTS_AGREE;

export class RuleBook {
  readonly rules: readonly Rule[];
  readonly assumedOutputTokens: number;
  readonly #byOwner = new Map<string, Rule[]>();
  readonly #found = new Map<string, readonly Rule[]>();

  constructor(config: Config) {
    this.assumedOutputTokens = config.limits.assumedOutputTokens;
    const scopes = scopesOf(config).map(({ path, scope }) => {
      const [section, place] = path;
      const name = "name" in scope ? String(scope.name) : String(place);
      return rulesOf(SCOPE_OF[String(section)] ?? "all", name, scope, config);
    });
    this.rules = scopes.flat();
    for (const rule of this.rules) {
      const owner = `${rule.scope}:${rule.name}`;
      this.#byOwner.set(owner, [...(this.#byOwner.get(owner) ?? []), rule]);
    }
  }

  get budgets(): readonly BudgetRule[] {
    return this.rules.filter((rule) => rule.kind === "budget");
  }

  /** The rules that hold for a call. Remembered by those of its names that have rules, so that clients cannot fill it. */
  for({ app, team, upstream, asked, model }: Subject): readonly Rule[] {
    if (this.rules.length === 0) return this.rules;
    const owners = [
      ...["all:all", `app:${app}`, `team:${team}`, `upstream:${upstream}`, `model:${model}`],
      ...(asked === model ? [] : [`model:${asked}`]),
    ].filter((owner) => this.#byOwner.has(owner));
    const id = owners.join("\n");
    let found = this.#found.get(id);
    if (found === undefined) {
      found = owners.flatMap((owner) => this.#byOwner.get(owner) ?? []);
      this.#found.set(id, found);
    }
    return found;
  }
}

const SCOPE_OF: Readonly<Record<string, Scope>> = {
  limits: "all",
  apps: "app",
  teams: "team",
  upstreams: "upstream",
  models: "model",
};

function rulesOf(scope: Scope, name: string, owner: ScopeConfig, { limits: section }: Config): Rule[] {
  const rules: Rule[] = [];
  const { limits, budget, tokenBudget } = owner;
  const base = `${scope}:${name}`;
  if (limits !== undefined) {
    const open = (limits.whenUnavailable ?? section.whenUnavailable ?? "open") === "open";
    for (const [span, windowMs] of SPANS) {
      for (const kind of ["requests", "tokens"] as const) {
        const limit = limits[`${kind}Per${span}`];
        if (limit === undefined) continue;
        rules.push({ kind, scope, name, key: `${kind}:${span}:${base}`, open, limit, windowMs });
      }
    }
    if (limits.concurrency !== undefined) {
      rules.push({ kind: "concurrency", scope, name, key: `slots:${base}`, open, limit: limits.concurrency });
    }
  }
  const budgets = [
    ["usd", budget, Math.round((budget?.usd ?? (budget?.cny ?? 0) * (budget?.usdPer ?? 0)) * NANO_PER_USD)],
    ["tokens", tokenBudget, tokenBudget?.tokens ?? 0],
  ] as const;
  for (const [unit, config, limit] of budgets) {
    if (config === undefined) continue;
    const { per, timeZone, onExceeded, warnAt, downgradeTo } = config;
    const fallback = onExceeded === "block" ? "closed" : "open";
    rules.push({
      ...{ kind: "budget", scope, name, unit, limit, per, onExceeded, downgradeTo },
      key: `budget:${unit}:${base}`,
      open: (config.whenUnavailable ?? section.whenUnavailable ?? fallback) === "open",
      calendar: new Calendar(per, timeZone),
      warnAt: [...(onExceeded === "warn" ? [...warnAt, 1] : warnAt)].sort((a, b) => a - b),
      refusesUnpriced: onExceeded === "block" && "unpriced" in config && config.unpriced === "refuse",
    });
  }
  return rules;
}
