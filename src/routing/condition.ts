/** One thing that a rule wants of a call. A kind of condition is one file in conditions/ and its line in index.ts. */
import type { RouteFacts } from "./facts.ts";
import type { Option } from "./strategies/strategy.ts";
import type { RoutingSurroundings } from "./surroundings.ts";
import type { Watch } from "./watch.ts";

export interface Condition {
  /** The key under `when`. */
  readonly key: string;
  /** What is wanted, for people. */
  readonly wants: string;
  holds(facts: RouteFacts): boolean;
  /** What the call has, for people; never text of the prompt. */
  found(facts: RouteFacts): string;
  /** It goes by what makes a call's kind alone (shortlists.ts), and holds for all calls of a kind or none. */
  readonly ofKind?: boolean;
  /** What it goes by that is watched over time. */
  readonly watches?: readonly Watch[];
}

/** A regular expression that takes time in proportion to the text, whatever it is. */
export interface Pattern {
  /** Whether it is found anywhere in the text. */
  test(text: string): boolean;
}

/** What conditions are made with. */
export interface ConditionTools {
  /** @throws Error saying what is wrong with the expression. */
  pattern(source: string): Pattern;
  readonly around: RoutingSurroundings;
  /** The name by which upstreams know a model. */
  afterAlias(model: string): string;
  /** Who serves a model, by the names that upstreams know; a model or an upstream alone stands for all of its places. */
  placesOf(model: string | undefined, upstream: string | undefined): readonly Option[];
}

/** The values of a setting that is one value or a list of them. */
export function listed<Value extends string>(value: Value | readonly Value[]): readonly Value[] {
  return typeof value === "string" ? [value] : value;
}

/** `a`, `a or b`, `a, b or c`. */
export function either(values: readonly string[]): string {
  const last = values.at(-1) ?? "";
  return values.length < 2 ? last : `${values.slice(0, -1).join(", ")} or ${last}`;
}
