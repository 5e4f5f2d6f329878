/**
 * PromQL for dashboards, made from the metric catalogue: a query takes the matchers of exactly those variables whose labels
 * its metric has, so that choosing an upstream or a model works on every panel and breaks none.
 */
import { catalogue, type Definition } from "../metrics/catalogue.ts";

/** The variables of every dashboard, which are labels too. */
export const VARIABLES = ["upstream", "model", "app"] as const;

const RATE = "[$__rate_interval]";

/** Extra matchers, as they are written: `status=~"2.."`. */
type Matchers = readonly string[];

function selector(definition: Definition, matchers: Matchers, suffix = ""): string {
  const chosen = VARIABLES.filter((name) => definition.labels.includes(name)).map(
    (name) => `${name}=~"$${name}"`,
  );
  const all = [...chosen, ...matchers];
  const name = `${definition.name}${suffix}`;
  return all.length === 0 ? name : `${name}{${all.join(",")}}`;
}

function by(labels: readonly string[]): string {
  return labels.length === 0 ? "sum" : `sum by (${labels.join(", ")}) `;
}

/** Per second. */
export function rate(
  definition: Definition,
  labels: readonly string[] = [],
  matchers: Matchers = [],
): string {
  return `${by(labels)}(rate(${selector(definition, matchers)}${RATE}))`;
}

/** Within a range as Prometheus writes it (`1d`), or within the dashboard's own. */
export function increase(
  definition: Definition,
  range = "$__range",
  labels: readonly string[] = [],
  matchers: Matchers = [],
): string {
  return `${by(labels)}(increase(${selector(definition, matchers)}[${range}]))`;
}

export function quantile(q: number, definition: Definition, labels: readonly string[] = []): string {
  const grouped = ["le", ...labels].join(", ");
  return `histogram_quantile(${q}, sum by (${grouped}) (rate(${selector(definition, [], "_bucket")}${RATE})))`;
}

export function gauge(
  definition: Definition,
  how: "max" | "min" | "sum" = "max",
  labels: readonly string[] = [],
  matchers: Matchers = [],
): string {
  const grouped = labels.length === 0 ? how : `${how} by (${labels.join(", ")}) `;
  return `${grouped}(${selector(definition, matchers)})`;
}

export function ratio(part: string, whole: string): string {
  return `${part} / ${whole}`;
}

export const metric = catalogue;
