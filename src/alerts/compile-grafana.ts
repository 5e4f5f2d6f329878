/**
 * Alert rules as Grafana's alerting files have them (apiVersion 1). In these files `$` of a template is written `$$`,
 * because Grafana expands variables of its environment in them.
 */
import type { AlertRule, AlertUnit } from "./declaration.ts";
import { promDuration, promqlCondition } from "./promql.ts";
import { annotationTemplates } from "./texts.ts";

const INTERVAL = "60s";
/** Seconds of the past that a query may look at: the longest window of any rule. */
const RANGE_S = 600;

export interface GrafanaAlertFile {
  readonly apiVersion: 1;
  readonly groups: readonly object[];
}

export interface GrafanaRuleOptions {
  /** Uid of the Prometheus data source. */
  readonly datasource: string;
  /** Shown, but not evaluated: somebody else tells the channels. */
  readonly paused: boolean;
}

export function grafanaRules(
  rules: readonly AlertRule[],
  runbooks: string,
  options: GrafanaRuleOptions,
): GrafanaAlertFile {
  return {
    apiVersion: 1,
    groups: [
      {
        orgId: 1,
        name: "bellwether",
        folder: "Bellwether",
        interval: INTERVAL,
        rules: rules.map((rule) => grafanaRule(rule, runbooks, options)),
      },
    ],
  };
}

function grafanaRule(rule: AlertRule, runbooks: string, { datasource, paused }: GrafanaRuleOptions): object {
  return {
    uid: `bellwether-${rule.name}`.slice(0, 40),
    title: rule.name,
    condition: "C",
    data: [
      {
        refId: "A",
        datasourceUid: datasource,
        relativeTimeRange: { from: RANGE_S, to: 0 },
        model: { refId: "A", expr: promqlCondition(rule.conditions), instant: true, range: false },
      },
      expression("B", { type: "reduce", expression: "A", reducer: "last" }),
      // The query returns only what fires; that a value is 0 or below must not hide it.
      expression("C", { type: "math", expression: "is_number($$B) || is_inf($$B)" }),
    ],
    for: promDuration(rule.forS),
    noDataState: "OK",
    execErrState: "Error",
    isPaused: paused,
    labels: { severity: rule.severity, family: rule.family, ...rule.labels },
    annotations: annotationTemplates(rule, runbooks, (name) => grafanaTemplate(name, rule.unit)),
  };
}

function expression(refId: string, model: object): object {
  return {
    refId,
    datasourceUid: "__expr__",
    relativeTimeRange: { from: RANGE_S, to: 0 },
    model: { refId, datasource: { type: "__expr__", uid: "__expr__" }, ...model },
  };
}

function grafanaTemplate(name: string, unit: AlertUnit): string {
  return name === "value" ? VALUES[unit] : `{{ $$labels.${name} }}`;
}

const VALUES: Readonly<Record<AlertUnit, string>> = {
  ratio: "{{ $$values.B.Value | humanizePercentage }}",
  seconds: "{{ $$values.B.Value | humanizeDuration }}",
  usd: '{{ $$values.B.Value | printf "$$%.2f" }}',
  count: '{{ $$values.B.Value | printf "%.4g" }}',
  factor: '{{ $$values.B.Value | printf "%.3g" }}',
};
