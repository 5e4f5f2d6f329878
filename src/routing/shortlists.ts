/**
 * Which rules may hold for calls of one kind: who asks for which model, at what endpoint, streaming or not. A kind's
 * rules are looked up once and remembered, so that a call passes over the rules of other apps and models at no cost.
 */
import type { Condition } from "./condition.ts";
import type { RouteFacts } from "./facts.ts";

interface Conditional {
  readonly models: { matches(model: string): boolean } | undefined;
  readonly conditions: readonly Condition[];
}

/** A rule, and what is still to be asked before it holds. */
export interface Listed<R extends Conditional> {
  readonly rule: R;
  readonly models: R["models"];
  readonly conditions: readonly Condition[];
}

type Shortlist<R extends Conditional> = readonly Listed<R>[];
type Branch<R extends Conditional> = Map<string, Branch<R> | Shortlist<R>>;

/** Clients choose the names of models: when so many kinds are known, they are forgotten, and long names are not kept. */
const MOST_KINDS = 4_096;
const LONGEST_NAME = 200;

/** What makes a call's kind, besides the model: just what conditions read that are `ofKind`. */
const kindOf: readonly ((facts: RouteFacts) => string)[] = [
  ({ call }) => call.app,
  ({ call }) => call.team,
  ({ call }) => call.operation.endpoint,
  ({ call }) => (call.facts.streaming ? "streaming" : ""),
];

export class Shortlists<R extends Conditional> {
  /** All rules, of which everything is still to be asked. */
  readonly whole: Shortlist<R>;
  #kinds: Branch<R> = new Map();
  #known = 0;

  /** Of these rules, in their order. */
  constructor(rules: readonly R[]) {
    this.whole = rules.map((rule) => ({ rule, models: rule.models, conditions: rule.conditions }));
  }

  /** How many kinds are remembered. */
  get known(): number {
    return this.#known;
  }

  /** Those that may hold for this call when it asks for `model`. */
  for(facts: RouteFacts, model: string): Shortlist<R> {
    if (model.length > LONGEST_NAME) return this.#list(facts, model);
    let branch = this.#kinds;
    let name = model;
    for (const read of kindOf) {
      let next = branch.get(name);
      if (!(next instanceof Map)) {
        next = new Map();
        branch.set(name, next);
      }
      branch = next;
      name = read(facts);
    }
    const found = branch.get(name);
    if (found !== undefined && !(found instanceof Map)) return found;
    const list = this.#list(facts, model);
    branch.set(name, list);
    if (++this.#known >= MOST_KINDS) {
      this.#known = 0;
      this.#kinds = new Map();
    }
    return list;
  }

  #list(facts: RouteFacts, model: string): Shortlist<R> {
    return this.whole
      .filter(
        ({ models, conditions }) =>
          models?.matches(model) !== false &&
          conditions.every((condition) => condition.ofKind !== true || condition.holds(facts)),
      )
      .map(({ rule, conditions }) => ({
        rule,
        models: undefined,
        conditions: conditions.filter(({ ofKind }) => ofKind !== true),
      }));
  }
}
