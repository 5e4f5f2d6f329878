/** Alert rules as Prometheus' rule files have them. */
import type { AlertRule, AlertUnit } from "./declaration.ts";
import { promDuration, promql, promqlCondition } from "./promql.ts";
import { recordings } from "./recordings.ts";
import { annotationTemplates } from "./texts.ts";

/** A rule file, ready to be written as YAML. */
export interface RuleFile {
  readonly groups: readonly RuleGroup[];
}

export interface RuleGroup {
  readonly name: string;
  readonly interval: string;
  readonly rules: readonly object[];
}

const INTERVAL_S = 15;

/** All rules, the alerts of one family in one group. */
export function prometheusRules(
  rules: readonly AlertRule[],
  runbooks: string,
  intervalS = INTERVAL_S,
): RuleFile {
  const interval = promDuration(intervalS);
  const recorded = recordings.map(({ record, expression }) => ({ record, expr: promql(expression) }));
  return {
    groups: [
      { name: "bellwether-recordings", interval, rules: recorded },
      {
        name: "bellwether-alerts",
        interval,
        rules: rules.map((rule) => alertRule(rule, runbooks)),
      },
    ],
  };
}

function alertRule(rule: AlertRule, runbooks: string): object {
  return {
    alert: rule.name,
    expr: promqlCondition(rule.conditions),
    ...(rule.forS > 0 ? { for: promDuration(rule.forS) } : {}),
    ...(rule.keepS > 0 ? { keep_firing_for: promDuration(rule.keepS) } : {}),
    labels: { severity: rule.severity, family: rule.family, ...rule.labels },
    annotations: annotationTemplates(rule, runbooks, (name) => prometheusTemplate(name, rule.unit)),
  };
}

function prometheusTemplate(name: string, unit: AlertUnit): string {
  return name === "value" ? VALUES[unit] : `{{ $labels.${name} }}`;
}

const VALUES: Readonly<Record<AlertUnit, string>> = {
  ratio: "{{ $value | humanizePercentage }}",
  seconds: "{{ $value | humanizeDuration }}",
  usd: '{{ $value | printf "$%.2f" }}',
  count: '{{ $value | printf "%.4g" }}',
  factor: '{{ $value | printf "%.3g" }}',
};
