/**
 * Decides whether a call may go on: all its limits and budgets in one question to the counters, with
 * what it may need reserved until it is settled by what it did need.
 */
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import type { Claim, CounterStore, Decision, MaybePromise, Settlement } from "../store/counter-store.ts";
import type { Usage } from "../usage/usage.ts";
import type { BudgetWatch } from "./budget-watch.ts";
import { refusalOf, unavailable, unpriced } from "./refusals.ts";
import type { BudgetRule, Rule, RuleBook, Subject } from "./rules.ts";

/** A call before it is sent. */
export interface AdmissionRequest extends Subject {
  readonly id: string;
  /** What it may need at most, as far as that can be told. */
  readonly tokens: number;
  /** The same in nano-dollars; undefined when the model has no price. */
  readonly cost: number | undefined;
  /** Milliseconds after which it has surely ended, whatever became of it. */
  readonly leaseMs: number;
  /** It has been downgraded already, and budgets that downgrade let it through. */
  readonly downgraded: boolean;
  /** Another upstream is asked: everything else has been admitted before. */
  readonly fallback?: boolean;
  /** The model that was asked before, there. */
  readonly from?: string | undefined;
  /** It is a second attempt beside one that runs: the same call, but its tokens and its money come on top. */
  readonly hedge?: boolean;
}

export interface LimiterOptions {
  readonly store: CounterStore;
  readonly clock: Pick<Clock, "wall">;
  readonly log: Logger;
  readonly watch: BudgetWatch;
  /** Counts a call that was decided without the counters. */
  onUnavailable(policy: "open" | "closed"): void;
}

/** A pico-dollar is a thousandth of a nano-dollar; what is left is rounded up. */
const PICO_PER_NANO = 1_000n;

export function nanoOf(pico: bigint): number {
  return Number((pico + PICO_PER_NANO - 1n) / PICO_PER_NANO);
}

export class Limiter {
  readonly #options: LimiterOptions;

  constructor(options: LimiterOptions) {
    this.#options = options;
  }

  /**
   * The admission of a call, to be settled once; undefined when nothing limits it.
   * @throws LimitRefusal (or rejects with it) when the call may not go on.
   */
  admit(request: AdmissionRequest, book: RuleBook): MaybePromise<Admission | undefined> {
    const all = book.for(request);
    const rules = all.filter((rule) => concerns(rule, request));
    if (rules.length === 0) return undefined;
    const strict = rules.find((rule) => rule.kind === "budget" && rule.refusesUnpriced);
    if (request.cost === undefined && strict !== undefined) throw unpriced(strict, request);
    const now = this.#options.clock.wall();
    const claims = rules.map((rule) => claimOf(rule, request, now));
    const { store } = this.#options;
    let decision: MaybePromise<Decision>;
    try {
      decision = store.decide(request.id, claims, now, request.leaseMs);
    } catch (error) {
      return this.#withoutCounters(error, request, rules, claims, now);
    }
    if (!(decision instanceof Promise)) return this.#conclude(decision, request, rules, claims, now);
    return decision.then(
      (decided) => this.#conclude(decided, request, rules, claims, now),
      (error: unknown) => this.#withoutCounters(error, request, rules, claims, now),
    );
  }

  #conclude(
    { granted, states }: Decision,
    request: AdmissionRequest,
    rules: readonly Rule[],
    claims: readonly Claim[],
    now: number,
  ): Admission {
    if (granted) {
      const exceeded = rules.find(
        (rule, index): rule is BudgetRule =>
          rule.kind === "budget" && rule.onExceeded === "downgrade" && states[index]?.fits === false,
      );
      const downgrade = request.downgraded ? undefined : downgradeOf(exceeded);
      return new Admission(request.id, rules, claims, now, downgrade, this.#options);
    }
    throw refusalOf(rules, claims, states, request, now);
  }

  #withoutCounters(
    _error: unknown,
    request: AdmissionRequest,
    rules: readonly Rule[],
    claims: readonly Claim[],
    now: number,
  ): Admission {
    // It may have been counted all the same. Windows forget by themselves; the rest is settled.
    const kept = rules
      .map((rule, index) => ({ rule, claim: claims[index] }))
      .filter(
        (each): each is { rule: Rule; claim: Claim } =>
          each.claim !== undefined && each.claim.kind !== "window",
      );
    const admission = new Admission(
      request.id,
      kept.map(({ rule }) => rule),
      kept.map(({ claim }) => claim),
      now,
      undefined,
      this.#options,
    );
    const closed = rules.find((rule) => !rule.open);
    this.#options.onUnavailable(closed === undefined ? "open" : "closed");
    if (closed === undefined) return admission;
    admission.release();
    throw unavailable(closed);
  }
}

/** Another model, in place of the one that a budget has no room for. */
export interface Downgrade {
  readonly model: string;
  /** Whose budget it is, as the route is called: `budget:app:shop`. */
  readonly route: string;
}

function downgradeOf(rule: BudgetRule | undefined): Downgrade | undefined {
  if (rule?.downgradeTo === undefined) return undefined;
  const owner = rule.scope === "all" ? "all" : `${rule.scope}:${rule.name}`;
  return { model: rule.downgradeTo, route: `budget:${owner}` };
}

/** Whether the rule has not been asked about this call yet. */
function concerns(rule: Rule, request: AdmissionRequest): boolean {
  const { scope, kind, name } = rule;
  const { fallback = false, hedge = false, from, asked, model } = request;
  if (scope === "upstream") return true;
  if (fallback && scope === "model") return name === model && name !== from && name !== asked;
  return hedge ? kind === "tokens" || kind === "budget" : !fallback;
}

function claimOf(rule: Rule, { tokens, cost = 0 }: AdmissionRequest, now: number): Claim {
  const { key, limit } = rule;
  switch (rule.kind) {
    case "requests":
      return { kind: "window", key, amount: 1, limit, windowMs: rule.windowMs };
    case "tokens":
      // A call that needs more than the whole limit waits for an empty window, not for ever.
      return { kind: "window", key, amount: Math.min(tokens, limit), limit, windowMs: rule.windowMs };
    case "concurrency":
      return { kind: "slot", key, limit };
    case "budget": {
      const period = rule.calendar.period(now);
      const amount = rule.unit === "usd" ? cost : tokens;
      const enforced = rule.onExceeded === "block";
      return {
        ...{ kind: "budget", key: `${key}:${period.name}`, amount, limit, enforced },
        endsAt: period.endsAt,
      };
    }
  }
}

/** What a call has used, and where. */
type Spent = Pick<Usage, "quantities" | "cost" | "upstream"> &
  Partial<Pick<Usage, "modelRequested" | "modelSent">>;

/** A call that may go on. Exactly one of `settle` and `release` counts, the first. */
export class Admission {
  /** What to ask for instead, because a budget says so. */
  readonly downgrade: Downgrade | undefined;
  readonly #id: string;
  readonly #rules: readonly Rule[];
  readonly #claims: readonly Claim[];
  readonly #decidedAt: number;
  readonly #options: LimiterOptions;
  #over = false;

  constructor(
    id: string,
    rules: readonly Rule[],
    claims: readonly Claim[],
    decidedAt: number,
    downgrade: Downgrade | undefined,
    options: LimiterOptions,
  ) {
    this.#id = id;
    this.#rules = rules;
    this.#claims = claims;
    this.#decidedAt = decidedAt;
    this.downgrade = downgrade;
    this.#options = options;
  }

  /** The call has ended: what it used counts from now on, in place of what was reserved. */
  settle({ quantities, cost, upstream, modelRequested, modelSent }: Spent): void {
    const tokens = (quantities.inputTokens ?? 0) + (quantities.outputTokens ?? 0);
    this.#settle((rule) => {
      if (rule.kind === "requests") return 1;
      // The call went on elsewhere, and was paid for there.
      if (rule.scope === "upstream" && rule.name !== upstream) return 0;
      const models = modelSent === undefined ? [rule.name] : [modelRequested, modelSent];
      if (rule.scope === "model" && !models.includes(rule.name)) return 0;
      return rule.kind === "budget" && rule.unit === "usd" ? (cost === undefined ? 0 : nanoOf(cost)) : tokens;
    });
  }

  /** The call was not made: nothing counts. */
  release(): void {
    this.#settle(() => 0);
  }

  #settle(actual: (rule: Rule) => number): void {
    if (this.#over) return;
    this.#over = true;
    const settlements = this.#rules.flatMap((rule, index): Settlement[] => {
      const claim = this.#claims[index];
      return claim === undefined ? [] : [{ claim, actual: actual(rule) }];
    });
    const { store, clock, watch, log } = this.#options;
    const used = store.settle(this.#id, settlements, this.#decidedAt, clock.wall());
    const note = (each: readonly (number | undefined)[]): void => {
      this.#rules.forEach((rule, index) => {
        const amount = each[index];
        if (rule.kind === "budget" && amount !== undefined) watch.note(rule, this.#decidedAt, amount);
      });
    };
    if (used instanceof Promise) {
      used.then(note).catch((error: unknown) => log.error({ err: error }, "a limit could not be settled"));
    } else note(used);
  }
}
