/** Matchers of `notify` routes as Alertmanager and Grafana write them. */
import type { NotifyRoute } from "../config/schema.ts";

/** A label and a regular expression, anchored at both ends by whoever reads it. */
export interface LabelPattern {
  readonly label: string;
  readonly pattern: string;
}

export function patternsOf({ when }: NotifyRoute): LabelPattern[] {
  return [
    ...(when.severity === undefined ? [] : [patternOf("severity", when.severity)]),
    ...(when.alert === undefined ? [] : [patternOf("alertname", when.alert)]),
    ...Object.entries(when.labels).map(([label, wanted]) => patternOf(label, wanted)),
  ];
}

function patternOf(label: string, wanted: string | readonly string[]): LabelPattern {
  const patterns = [wanted].flat().map((value) => value.split("*").map(escaped).join(".*"));
  return { label, pattern: patterns.join("|") };
}

function escaped(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
}

/** `alert` is the alert's name. */
export function groupingOf({ groupBy }: NotifyRoute): string[] {
  return groupBy.map((label) => (label === "alert" ? "alertname" : label));
}
