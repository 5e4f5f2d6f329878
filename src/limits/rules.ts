/** Limits and budgets of the configuration as rules, and which of them hold for a call. */
import { scopesOf } from "../config/control-references.ts";
import type { endpointNames } from "../config/defaults.ts";
import type { Config, ScopeConfig } from "../config/schema.ts";
import type { SlotClaim, WindowClaim } from "../store/counter-store.ts";
import type { Endpoint } from "../usage/usage.ts";
import type { QueueTerms } from "./fair-queue.ts";
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

export interface RequestRule extends Owned {
  readonly kind: "requests";
  readonly limit: number;
  readonly windowMs: number;
  /** The same for every call. */
  readonly claim: WindowClaim;
}

export interface TokenRule extends Owned {
  readonly kind: "tokens";
  readonly limit: number;
  readonly windowMs: number;
}

export interface ConcurrencyRule extends Owned {
  readonly kind: "concurrency";
  readonly limit: number;
  /** The same for every call. */
  readonly claim: SlotClaim;
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

export type Rule = RequestRule | TokenRule | ConcurrencyRule | BudgetRule;

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
  /** Rules by their owners. */
  readonly #owned: Readonly<Record<Scope, Owners>>;
  readonly #found = new Map<number, RuleSet>();
  readonly #queue: QueueTerms | undefined;
  readonly #queues: ReadonlyMap<string, QueueTerms | undefined>;

  constructor(config: Config) {
    this.assumedOutputTokens = config.limits.assumedOutputTokens;
    this.#queue = termsOf(config.limits.queue);
    this.#queues = new Map(
      config.apps.flatMap(({ name, queue }) => (queue === undefined ? [] : [[name, termsOf(queue)]])),
    );
    const scopes = scopesOf(config).map(({ path, scope }) => {
      const [section, place] = path;
      const name = "name" in scope ? String(scope.name) : String(place);
      return rulesOf(SCOPE_OF[String(section)] ?? "all", name, scope, config);
    });
    this.rules = scopes.flat();
    const owned = (scope: Scope): Owners => new Owners(this.rules.filter((rule) => rule.scope === scope));
    this.#owned = {
      ...{ all: owned("all"), app: owned("app"), team: owned("team") },
      ...{ upstream: owned("upstream"), model: owned("model") },
    };
  }

  /** How calls of an app may wait; undefined where they do not. */
  queueOf(app: string): QueueTerms | undefined {
    return this.#queues.has(app) ? this.#queues.get(app) : this.#queue;
  }

  get budgets(): readonly BudgetRule[] {
    return this.rules.filter((rule) => rule.kind === "budget");
  }

  /**
   * The rules that hold for a call; undefined where none does. Remembered by those of its names that have rules, so
   * that clients cannot fill the memory, and under a number, which is found faster than a text.
   */
  for({ app, team, upstream, asked, model }: Subject): RuleSet | undefined {
    if (this.rules.length === 0) return undefined;
    const { all, app: apps, team: teams, upstream: upstreams, model: models } = this.#owned;
    let id = apps.at(app);
    id = id * teams.count + teams.at(team);
    id = id * upstreams.count + upstreams.at(upstream);
    id = id * models.count + models.at(model);
    id = id * models.count + (asked === model ? 0 : models.at(asked));
    let found = this.#found.get(id);
    if (found === undefined) {
      const rules = [all.of("all"), apps.of(app), teams.of(team), upstreams.of(upstream), models.of(model)];
      if (asked !== model) rules.push(models.of(asked));
      found = new RuleSet(rules.flat());
      this.#found.set(id, found);
    }
    return found.rules.length === 0 ? undefined : found;
  }
}

function termsOf(queue: Config["limits"]["queue"]): QueueTerms | undefined {
  return queue === undefined || queue.wait === 0 ? undefined : { waitMs: queue.wait, size: queue.size };
}

/** The owners of one scope that have rules, numbered from 1. */
class Owners {
  readonly #rules = new Map<string, Rule[]>();
  readonly #numbers = new Map<string, number>();

  constructor(rules: readonly Rule[]) {
    for (const rule of rules) {
      const mine = this.#rules.get(rule.name);
      if (mine !== undefined) mine.push(rule);
      else {
        this.#rules.set(rule.name, [rule]);
        this.#numbers.set(rule.name, this.#numbers.size + 1);
      }
    }
  }

  /** Numbers in use, 0 for all that have no rules included. */
  get count(): number {
    return this.#numbers.size + 1;
  }

  at(name: string): number {
    return this.#numbers.get(name) ?? 0;
  }

  of(name: string): readonly Rule[] {
    return this.#rules.get(name) ?? [];
  }
}

/**
 * A further attempt of a call: a `fallback` at another upstream or for another model than it was sent to before, or a
 * `hedge` beside one that runs, whose tokens and money come on top.
 */
export type Further = { readonly attempt: "fallback"; readonly from: string } | { readonly attempt: "hedge" };

/** Rules that hold for a call together, and what they mean for every such call. */
export class RuleSet {
  readonly rules: readonly Rule[];
  /** Refuses calls without a price; undefined where they may pass. */
  readonly strict: BudgetRule | undefined;
  /** What a call costs matters. */
  readonly counts: { readonly money: boolean; readonly tokens: boolean };
  /** Refuses calls while the counters cannot be reached; undefined where they may pass. */
  readonly closed: Rule | undefined;
  /** Of its limits; budgets are not waited for. */
  readonly keys: readonly string[];

  constructor(rules: readonly Rule[]) {
    this.rules = rules;
    this.strict = rules.find((rule) => rule.kind === "budget" && rule.refusesUnpriced) as
      | BudgetRule
      | undefined;
    const money = rules.some((rule) => rule.kind === "budget" && rule.unit === "usd");
    const tokens = rules.some(
      (rule) => rule.kind === "tokens" || (rule.kind === "budget" && rule.unit === "tokens"),
    );
    this.counts = { money, tokens };
    this.closed = rules.find(({ open }) => !open);
    this.keys = rules.filter(({ kind }) => kind !== "budget").map(({ key }) => key);
  }

  /** Those that have not been asked yet about a further attempt of a call that all have admitted before. */
  further(attempt: Further, { asked, model }: Subject): RuleSet {
    const concerned = ({ scope, name, kind }: Rule): boolean => {
      if (scope === "upstream") return true;
      if (attempt.attempt === "hedge") return kind === "tokens" || kind === "budget";
      return scope === "model" && name === model && name !== attempt.from && name !== asked;
    };
    return new RuleSet(this.rules.filter(concerned));
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
      const requests = limits[`requestsPer${span}`];
      if (requests !== undefined) {
        const key = `requests:${span}:${base}`;
        const claim = { kind: "window", key, amount: 1, limit: requests, windowMs } as const;
        rules.push({ kind: "requests", scope, name, key, open, limit: requests, windowMs, claim });
      }
      const tokens = limits[`tokensPer${span}`];
      if (tokens !== undefined) {
        const key = `tokens:${span}:${base}`;
        rules.push({ kind: "tokens", scope, name, key, open, limit: tokens, windowMs });
      }
    }
    if (limits.concurrency !== undefined) {
      const { concurrency: limit } = limits;
      const key = `slots:${base}`;
      const claim = { kind: "slot", key, limit } as const;
      rules.push({ kind: "concurrency", scope, name, key, open, limit, claim });
    }
  }
  const budgets = [
    ["usd", budget, Math.round((budget?.usd ?? (budget?.cny ?? 0) * (budget?.usdPer ?? 0)) * NANO_PER_USD)],
    ["tokens", tokenBudget, tokenBudget?.tokens ?? 0],
  ] as const;
  for (const [unit, config, limit] of budgets) {
    if (config === undefined) continue;
    const { per, timeZone, onExceeded, warnAt, downgradeTo } = config;
    const key = `budget:${unit}:${base}`;
    const fallback = onExceeded === "block" ? "closed" : "open";
    rules.push({
      ...{ kind: "budget", scope, name, unit, limit, per, onExceeded, downgradeTo, key },
      open: (config.whenUnavailable ?? section.whenUnavailable ?? fallback) === "open",
      calendar: new Calendar(per, timeZone, key),
      warnAt: [...(onExceeded === "warn" ? [...warnAt, 1] : warnAt)].sort((a, b) => a - b),
      refusesUnpriced: onExceeded === "block" && "unpriced" in config && config.unpriced === "refuse",
    });
  }
  return rules;
}
