/** The texts of an alert: with its values filled in, and as the templates of Prometheus and Grafana. */
import { type AlertLanguage, type AlertRule, type AlertUnit, alertLanguages } from "./declaration.ts";

/** `summary`, `description`, `summary_zh`, … with the alert's labels and value in them. */
export function annotationsOf(
  rule: AlertRule,
  labels: Readonly<Record<string, string>>,
  value: number,
  runbooks: string,
): Record<string, string> {
  const shown = valueText(value, rule.unit);
  return texts(rule, runbooks, (text) =>
    text.replace(/\{(\w+)\}/g, (_, name: string) => (name === "value" ? shown : (labels[name] ?? "?"))),
  );
}

/** The same with a template in place of each value: `template("upstream")`, `template("value")`. */
export function annotationTemplates(
  rule: AlertRule,
  runbooks: string,
  template: (name: string) => string,
): Record<string, string> {
  return texts(rule, runbooks, (text) => text.replace(/\{(\w+)\}/g, (_, name: string) => template(name)));
}

function texts(rule: AlertRule, runbooks: string, fill: (text: string) => string): Record<string, string> {
  const annotations: Record<string, string> = {};
  for (const language of alertLanguages) {
    annotations[nameIn("summary", language)] = fill(rule.summary[language]);
    annotations[nameIn("description", language)] = fill(rule.description[language]);
  }
  annotations.runbook_url = `${runbooks}${runbookOf(rule)}`;
  return annotations;
}

/** The page that a rule's runbook is on: rules of an objective share one. */
export function runbookOf({ name, family }: Pick<AlertRule, "name" | "family">): string {
  return family.startsWith("slo-") ? family : name;
}

function nameIn(name: string, language: AlertLanguage): string {
  return language === "en" ? name : `${name}_${language}`;
}

const SIGNIFICANT = 3;

/** A value as people read it: `12.5 %`, `2.5 s`, `3h 20m`, `$12.34`, `1,234`. */
export function valueText(value: number, unit: AlertUnit): string {
  switch (unit) {
    case "ratio":
      return `${significant(value * 100)} %`;
    case "seconds":
      return durationText(value);
    case "usd":
      return `$${value.toFixed(2)}`;
    default:
      return Math.round(value) === value ? value.toLocaleString("en-US") : significant(value);
  }
}

function significant(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(SIGNIFICANT))) : String(value);
}

function durationText(seconds: number): string {
  if (seconds < 0) return `-${durationText(-seconds)}`;
  if (seconds < 120) return `${significant(seconds)} s`;
  const units = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [Math.floor(seconds) % 60, "s"],
  ] as const;
  const first = units.findIndex(([count]) => count > 0);
  return units
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(" ");
}
