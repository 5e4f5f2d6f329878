/** Writes expressions as PromQL. */
import type { Condition, Expression, Leaf, Selection, Where } from "./expression.ts";

/** An expression in PromQL. */
export function promql(expression: Expression): string {
  switch (expression.op) {
    case "number":
      return String(expression.value);
    case "now":
      return "time()";
    case "+":
    case "-":
    case "*":
    case "/": {
      const { op, left, right } = expression;
      return `${operand(left)} ${op} ${operand(right)}`;
    }
    default:
      return leaf(expression);
  }
}

/** All of the conditions at once, for the same labels; its value is the first one's left side. */
export function promqlCondition(conditions: readonly Condition[]): string {
  const texts = conditions.map(({ left, is, right }) => `${operand(left)} ${is} ${operand(right)}`);
  return texts.length === 1 ? (texts[0] ?? "") : texts.map((text) => `(${text})`).join("\nand\n");
}

function operand(expression: Expression): string {
  const text = promql(expression);
  return "left" in expression ? `(${text})` : text;
}

function leaf(it: Leaf): string {
  const by = ` by (${it.by.join(", ")}) `;
  switch (it.op) {
    case "rate":
    case "increase":
      return `sum${by}(${it.op}(${selector(it)}${range(it.windowS)}${offset(it.agoS)}))`;
    case "quantile": {
      const buckets = { ...it, metric: `${it.metric}_bucket` };
      const grouped = ["le", ...it.by].join(", ");
      return `histogram_quantile(${it.q}, sum by (${grouped}) (rate(${selector(buckets)}${range(it.windowS)}${offset(it.agoS)})))`;
    }
    case "within": {
      const where = { ...it.where, le: [bound(it.bound)] };
      return `sum${by}(increase(${selector({ metric: `${it.metric}_bucket`, where })}${range(it.windowS)}))`;
    }
    default:
      return `${it.op}${by}(${selector(it)})`;
  }
}

/** As the text formats write a bucket's bound: `1.0`, not `1`. */
function bound(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

function selector({ metric, where = {} }: Pick<Selection, "metric" | "where">): string {
  const matchers = Object.entries(where).map(([label, values]) => matcher(label, values));
  return matchers.length === 0 ? metric : `${metric}{${matchers.join(", ")}}`;
}

function matcher(label: string, values: Where[string]): string {
  const negated = values[0] === "!";
  const wanted = negated ? values.slice(1) : values;
  const [only = ""] = wanted;
  if (wanted.length === 1 && !only.includes("*")) return `${label}${negated ? "!=" : "="}${quoted(only)}`;
  return `${label}${negated ? "!~" : "=~"}${quoted(wanted.map(pattern).join("|"))}`;
}

/** RE2 is anchored at both ends in PromQL. */
function pattern(value: string): string {
  return value
    .split("*")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

function range(seconds: number): string {
  return `[${promDuration(seconds)}]`;
}

function offset(seconds = 0): string {
  return seconds === 0 ? "" : ` offset ${promDuration(seconds)}`;
}

const UNITS: readonly (readonly [number, string])[] = [
  [604_800, "w"],
  [86_400, "d"],
  [3_600, "h"],
  [60, "m"],
];

/** A duration as Prometheus writes it: in the largest unit that divides it, `90s`, `5m`, `1w`. */
export function promDuration(seconds: number): string {
  for (const [size, unit] of UNITS)
    if (seconds >= size && seconds % size === 0) return `${seconds / size}${unit}`;
  return Number.isInteger(seconds) ? `${seconds}s` : `${Math.round(seconds * 1000)}ms`;
}
