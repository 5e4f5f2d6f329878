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
import { compileTarget, type Finder, type Target } from "./target.ts";
import type { RouteStep, Verdict } from "./verdict.ts";

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
  readonly target: Target<U>;
}

/** What stands between the names of rules that decided one after the other. */
export const THEN = ">";

export class Router<U extends Candidate> {
  /** In the order in which they are asked. */
  readonly rules: readonly Rule<U>[];
  readonly #virtual: ReadonlySet<string>;
  readonly #find: Finder<U>;

  constructor({ routes, virtual, find, tools }: RouterParts<U>) {
    this.#virtual = virtual;
    this.#find = find;
    this.rules = [...routes]
      .sort((a, b) => b.priority - a.priority)
      .map(({ name, priority, when, use }) => ({
        ...{ name, priority },
        models:
          when.model === undefined
            ? undefined
            : { wants: either(listed(when.model)), matches: nameMatcher(when.model) },
        conditions: conditionsOf(when, tools),
        target: compileTarget(use, find),
      }));
  }

  /** Where the call goes. `trace` receives what each rule had to say, where somebody wants to know. */
  decide(facts: RouteFacts, trace?: RouteStep[]): Decision<U> {
    let model = facts.call.asked;
    let decided: Rule<U> | undefined;
    let route = "";
    let passed: Set<Rule<U>> | undefined;
    for (;;) {
      const verdicts: Verdict[] | undefined = trace === undefined ? undefined : [];
      if (verdicts !== undefined) trace?.push({ model, verdicts });
      let chosen: ReturnType<Target<U>["choose"]>;
      for (const rule of this.rules) {
        if (passed?.has(rule) === true) continue;
        if (!holds(rule, facts, model)) {
          verdicts?.push(refusal(rule, facts, model));
          continue;
        }
        chosen = rule.target.choose(facts, model, this.#virtual);
        verdicts?.push(acceptance(rule, facts, model, chosen !== undefined));
        if (chosen === undefined) continue;
        decided = rule;
        break;
      }
      if (chosen === undefined || decided === undefined) {
        const virtual = this.#virtual.has(model);
        const plan = virtual ? undefined : this.#find.plan(facts.request(model));
        return { plan, route, reason: "default", undecided: virtual };
      }
      route = route === "" ? decided.name : `${route}${THEN}${decided.name}`;
      if (chosen.plan !== undefined)
        return { plan: chosen.plan, route, reason: chosen.reason, undecided: false };
      model = chosen.model;
      passed ??= new Set();
      passed.add(decided);
    }
  }
}

function holds<U extends Candidate>(
  { models, conditions }: Rule<U>,
  facts: RouteFacts,
  model: string,
): boolean {
  if (models !== undefined && !models.matches(model)) return false;
  for (const condition of conditions) if (!condition.holds(facts)) return false;
  return true;
}

function refusal<U extends Candidate>(rule: Rule<U>, facts: RouteFacts, model: string): Verdict {
  return { ...verdictOf(rule, facts, model), outcome: "does not hold" };
}

function acceptance<U extends Candidate>(
  rule: Rule<U>,
  facts: RouteFacts,
  model: string,
  served: boolean,
): Verdict {
  return { ...verdictOf(rule, facts, model), outcome: served ? "decides" : "nobody serves it" };
}

function verdictOf<U extends Candidate>(
  { name, priority, models, conditions, target }: Rule<U>,
  facts: RouteFacts,
  model: string,
): Omit<Verdict, "outcome"> {
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
  return { rule: name, priority, conditions: [...asked, ...others], use: target.text };
}
