/**
 * What an alert is computed from, written once: a small tree that the evaluator computes in process and that
 * promql.ts writes as PromQL. It means the same in both: sums first by the labels named, then the function.
 */

/** Values a label may have; a leading `!` means "none of them". `*` stands for any text. */
export type Where = Readonly<Record<string, readonly string[]>>;

/** A sum over the series of one metric, kept apart by `by`. */
export interface Selection {
  readonly metric: string;
  readonly where?: Where;
  /** Labels that the result keeps. */
  readonly by: readonly string[];
}

/** `rate` is per second; `increase` is the whole growth within the window. */
export interface Growth extends Selection {
  readonly op: "rate" | "increase";
  readonly windowS: number;
  /** Look at the window that ended so many seconds ago. */
  readonly agoS?: number;
}

/** The quantile of a histogram within the window, by linear interpolation within its bucket. */
export interface Quantile extends Selection {
  readonly op: "quantile";
  readonly q: number;
  readonly windowS: number;
  readonly agoS?: number;
}

/** Growth of the observations at or below `bound` (one of the histogram's bounds) within the window. */
export interface Within extends Selection {
  readonly op: "within";
  readonly bound: number;
  readonly windowS: number;
}

/** A gauge as it is. */
export interface Level extends Selection {
  readonly op: "max" | "min" | "sum";
}

export type Leaf = Growth | Quantile | Within | Level;

export type Expression =
  | Leaf
  | { readonly op: "number"; readonly value: number }
  /** Seconds since the epoch. */
  | { readonly op: "now" }
  /** Operands have the same labels, or one of them has none and is the same for all. */
  | {
      readonly op: "+" | "-" | "*" | "/";
      readonly left: Expression;
      readonly right: Expression;
    };

export type Comparison = ">" | ">=" | "<" | "<=" | "==";

/** Holds for the labels for which `left` and `right` exist and compare so; what is no number compares never. */
export interface Condition {
  readonly left: Expression;
  readonly is: Comparison;
  readonly right: Expression;
}

export function number(value: number): Expression {
  return { op: "number", value };
}

export function divided(left: Expression, right: Expression): Expression {
  return { op: "/", left, right };
}

export function minus(left: Expression, right: Expression): Expression {
  return { op: "-", left, right };
}

export function times(left: Expression, right: Expression): Expression {
  return { op: "*", left, right };
}

export function plus(...terms: readonly Expression[]): Expression {
  return terms.reduce((left, right) => ({ op: "+", left, right }));
}

/** The leaves of an expression. */
export function leavesOf(expression: Expression): Leaf[] {
  switch (expression.op) {
    case "number":
    case "now":
      return [];
    case "+":
    case "-":
    case "*":
    case "/":
      return [...leavesOf(expression.left), ...leavesOf(expression.right)];
    default:
      return [expression];
  }
}

/** How far back a leaf looks, in seconds; 0 for a gauge. */
export function reachOf(leaf: Leaf): { readonly agoS: number; readonly windowS: number } {
  switch (leaf.op) {
    case "rate":
    case "increase":
    case "quantile":
      return { agoS: leaf.agoS ?? 0, windowS: leaf.windowS };
    case "within":
      return { agoS: 0, windowS: leaf.windowS };
    default:
      return { agoS: 0, windowS: 0 };
  }
}
