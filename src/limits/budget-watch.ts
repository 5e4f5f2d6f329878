/** Watches how full budgets are: their gauges, and the warnings at the shares that the configuration names. */
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import { catalogue } from "../metrics/catalogue.ts";
import type { Registry } from "../metrics/registry.ts";
import type { CounterStore } from "../store/counter-store.ts";
import { amountText, scopeText } from "./refusals.ts";
import { type BudgetRule, NANO_PER_USD, type Scope } from "./rules.ts";

interface Seen {
  readonly period: string;
  used: number;
  /** The share that was last warned of. */
  warned: number;
}

export class BudgetWatch {
  readonly #registry: Registry;
  readonly #clock: Pick<Clock, "wall">;
  readonly #log: Logger;
  #rules: readonly BudgetRule[] = [];
  /** By the rule's key. */
  readonly #seen = new Map<string, Seen>();

  constructor(registry: Registry, clock: Pick<Clock, "wall">, log: Logger) {
    this.#registry = registry;
    this.#clock = clock;
    this.#log = log;
    registry.beforeScrape(() => this.#show());
  }

  /** Shows these budgets, and what the counters know of them already. */
  async configure(rules: readonly BudgetRule[], store: CounterStore): Promise<void> {
    this.#rules = rules;
    for (const { limit, used } of Object.values(GAUGES)) {
      this.#registry.gauge(limit).clear();
      this.#registry.gauge(used).clear();
    }
    const now = this.#clock.wall();
    for (const rule of rules) {
      const used = await store.used(rule.calendar.period(now).key);
      if (used > 0) this.note(rule, now, used);
    }
  }

  /** A budget has used so much in the period of `atMs`. */
  note(rule: BudgetRule, atMs: number, used: number): void {
    const { name: period, endsAt } = rule.calendar.period(atMs);
    let seen = this.#seen.get(rule.key);
    if (seen === undefined || seen.period < period) {
      seen = { period, used, warned: 0 };
      this.#seen.set(rule.key, seen);
    } else if (seen.period > period) return; // A call of the last period that settled late.
    // Answers of the counters may overtake each other; use only grows.
    seen.used = Math.max(seen.used, used);
    const share = seen.used / rule.limit;
    // Nearly always, and asked after every call.
    if (share < (rule.warnAt[0] ?? Number.POSITIVE_INFINITY)) return;
    const reached = rule.warnAt.findLast((each) => share >= each);
    if (reached === undefined || reached <= seen.warned) return;
    seen.warned = reached;
    this.#log.warn(
      {
        ...{ scope: rule.scope, name: rule.name, per: rule.per, onExceeded: rule.onExceeded },
        ...{ used: amountText(rule, seen.used), limit: amountText(rule, rule.limit) },
        renewed: new Date(endsAt).toISOString(),
      },
      `the budget of ${scopeText(rule)} has used ${Math.floor(share * 100)} %`,
    );
  }

  /** Used share of the fullest budget of a scope in its current period; undefined when it has none. */
  share(scope: Scope, name: string): number | undefined {
    const now = this.#clock.wall();
    let fullest: number | undefined;
    for (const rule of this.#rules) {
      if (rule.scope !== scope || rule.name !== name) continue;
      fullest = Math.max(fullest ?? 0, this.#used(rule, now) / rule.limit);
    }
    return fullest;
  }

  #used(rule: BudgetRule, nowMs: number): number {
    const seen = this.#seen.get(rule.key);
    return seen !== undefined && seen.period === rule.calendar.period(nowMs).name ? seen.used : 0;
  }

  #show(): void {
    const now = this.#clock.wall();
    for (const rule of this.#rules) {
      const { limit, used } = GAUGES[rule.unit];
      const labels = [rule.scope, rule.name, rule.per];
      const current = this.#used(rule, now);
      const unit = rule.unit === "usd" ? NANO_PER_USD : 1;
      this.#registry
        .gauge(limit)
        .with(labels)
        .set(rule.limit / unit);
      this.#registry
        .gauge(used)
        .with(labels)
        .set(current / unit);
    }
  }
}

const GAUGES = {
  usd: { limit: catalogue.budgetLimitUsd, used: catalogue.budgetUsedUsd },
  tokens: { limit: catalogue.budgetLimitTokens, used: catalogue.budgetUsedTokens },
} as const;
