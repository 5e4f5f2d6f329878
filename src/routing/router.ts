/**
 * Decides by rules where a call goes. The first rule that holds decides; where it names a model that is only routed
 * (`route: true`), the rules are asked again for that one.
 */
import type { RouteConfig } from "../config/schema.ts";
import { type Condition, type ConditionTools, either, listed } from "./condition.ts";
import { conditionsOf } from "./conditions/index.ts";
import { nameMatcher } from "./conditions/names.ts";
import type { RouteFacts } from "./facts.ts";
import type { Candidate, Plan } from "./plan.ts";
import { type Listed, Shortlists } from "./shortlists.ts";
import { type Choice, compileTarget, type Finder, type Target } from "./target.ts";
import type { RouteStep, Verdict } from "./verdict.ts";
import type { Watch } from "./watch.ts";

export interface Decision<U extends Candidate> {
  /** Undefined where no upstream serves the call, or no rule is for it. */
  readonly plan: Plan<U> | undefined;
  /** The rules that decided, as `code` or `code>slow`; "" where none did. */
  readonly route: string;
  /** How the rule chose; `default` where none did. */
  readonly reason: string;
  /** The call asks for a model that only rules decide on, and none does. */
  readonly undecided: boolean;
}

export interface RouterParts<U extends Candidate> {
  readonly routes: readonly RouteConfig[];
  /** Models that no upstream knows. */
  readonly virtual: ReadonlySet<string>;
  readonly find: Finder<U>;
  readonly tools: ConditionTools;
}

export interface Rule<U extends Candidate> {
  readonly name: string;
  readonly priority: number;
  readonly models: { readonly wants: string; matches(model: string): boolean } | undefined;
  readonly conditions: readonly Condition[];
  readonly watches: readonly Watch[];
  readonly target: Target<U>;
}

/** Where a decision begins that something else than a rule asks for, as a budget that is used up. */
export interface Start {
  /** What it is called in the route. */
  readonly route: string;
}

/** What stands between the names of rules that decided one after the other. */
export const THEN = ">";

export class Router<U extends Candidate> {
  /** In the order in which they are asked. */
  readonly rules: readonly Rule<U>[];
  /** Rules that move calls away from a model while it fares badly: asked about calls that other rules send there too. */
  readonly #shifts: ReadonlyMap<string, Shortlists<Rule<U>>>;
  readonly #lists: Shortlists<Rule<U>>;
  /** Models that no upstream knows. */
  readonly virtual: ReadonlySet<string>;
  readonly #find: Finder<U>;

  constructor({ routes, virtual, find, tools }: RouterParts<U>) {
    this.virtual = virtual;
    this.#find = find;
    const shifts = new Map<string, Rule<U>[]>();
    this.rules = [...routes]
      .sort((a, b) => b.priority - a.priority)
      .map((route) => {
        const rule = compileRule(route, find, tools);
        const { when } = route;
        if (when.state !== undefined && when.model !== undefined) {
          for (const model of listed(when.model)) shifts.set(model, [...(shifts.get(model) ?? []), rule]);
        }
        return rule;
      });
    this.#lists = new Shortlists(this.rules);
    this.#shifts = new Map([...shifts].map(([model, rules]) => [model, new Shortlists(rules)]));
  }

  /** Every watch that the rules go by. */
  get watches(): ReadonlySet<Watch> {
    return new Set(this.rules.flatMap(({ watches }) => watches));
  }

  /**
   * Where the call goes. `trace` receives what each rule had to say, where somebody wants to know. After a `start`
   * that was not a rule's, only rules about the model's own state are asked, unless it is one that is only routed.
   */
  decide(facts: RouteFacts, trace?: RouteStep[], start?: Start): Decision<U> {
    let model = facts.call.asked;
    let route = start?.route ?? "";
    let rules = start === undefined || this.virtual.has(model) ? this.#lists : this.#shifts.get(model);
    let settled: Choice<U> | undefined;
    let passed: Set<Rule<U>> | undefined;
    while (rules !== undefined) {
      const found: Found<U> | undefined = this.#first(rules, facts, model, passed, trace);
      if (found === undefined) break;
      const { rule, choice } = found;
      route = route === "" ? rule.name : `${route}${THEN}${rule.name}`;
      settled = choice.plan === undefined ? undefined : choice;
      if (choice.model === model) break;
      model = choice.model;
      rules = settled === undefined ? this.#lists : this.#shifts.get(model);
      passed ??= new Set();
      passed.add(rule);
    }
    if (settled !== undefined) {
      return { plan: settled.plan, route, reason: settled.reason, undecided: false };
    }
    const undecided = this.virtual.has(model);
    const plan = undecided ? undefined : this.#find.plan(facts.request(model));
    return { plan, route, reason: start === undefined ? "default" : "budget", undecided };
  }

  #first(
    rules: Shortlists<Rule<U>>,
    facts: RouteFacts,
    model: string,
    passed: ReadonlySet<Rule<U>> | undefined,
    trace: RouteStep[] | undefined,
  ): Found<U> | undefined {
    const verdicts: Verdict[] | undefined = trace === undefined ? undefined : [];
    if (verdicts !== undefined) trace?.push({ model, verdicts });
    for (const listedRule of trace === undefined ? rules.for(facts, model) : rules.whole) {
      const { rule } = listedRule;
      if (passed?.has(rule) === true) continue;
      if (!holds(listedRule, facts, model)) {
        verdicts?.push(verdict(rule, facts, model, "does not hold"));
        continue;
      }
      // Who only asks how it would be takes nobody's turn.
      if (trace === undefined && rule.watches.some((watch) => watch.takesTrial())) continue;
      const choice = rule.target.choose(facts, model, this.virtual);
      verdicts?.push(verdict(rule, facts, model, choice === undefined ? "nobody serves it" : "decides"));
      if (choice !== undefined) return { rule, choice };
    }
    return undefined;
  }
}

interface Found<U extends Candidate> {
  readonly rule: Rule<U>;
  readonly choice: Choice<U>;
}

function compileRule<U extends Candidate>(
  { name, priority, when, use }: RouteConfig,
  find: Finder<U>,
  tools: ConditionTools,
): Rule<U> {
  const conditions = conditionsOf(withSubject(when), tools);
  return {
    ...{ name, priority, conditions },
    models:
      when.model === undefined
        ? undefined
        : { wants: either(listed(when.model)), matches: nameMatcher(when.model) },
    watches: conditions.flatMap(({ watches = [] }) => watches),
    target: compileTarget(use, find, tools.around),
  };
}

/** The state that counts is that of the model asked for, unless another is named. */
function withSubject(when: RouteConfig["when"]): RouteConfig["when"] {
  const [model, another] = when.model === undefined ? [] : listed(when.model);
  if (when.state === undefined || when.state.model !== undefined || another !== undefined) return when;
  return model === undefined || model.includes("*") ? when : { ...when, state: { ...when.state, model } };
}

function holds<U extends Candidate>(
  { models, conditions }: Listed<Rule<U>>,
  facts: RouteFacts,
  model: string,
): boolean {
  if (models !== undefined && !models.matches(model)) return false;
  for (const condition of conditions) if (!condition.holds(facts)) return false;
  return true;
}

function verdict<U extends Candidate>(
  { name, priority, models, conditions, target }: Rule<U>,
  facts: RouteFacts,
  model: string,
  outcome: Verdict["outcome"],
): Verdict {
  const asked =
    models === undefined
      ? []
      : [{ key: "model", wants: models.wants, found: model || "none", holds: models.matches(model) }];
  const others = conditions.map((condition) => ({
    key: condition.key,
    wants: condition.wants,
    found: condition.found(facts),
    holds: condition.holds(facts),
  }));
  return {
    ...{ rule: name, priority, outcome, use: target.text },
    conditions: [...asked, ...others],
    options: outcome === "decides" ? target.options(facts, model) : [],
  };
}
