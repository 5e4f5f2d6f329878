/** The alert rules in force: the default ones as the configuration changes them, objectives, and the user's own. */
import type { Threshold } from "../config/alert-schema.ts";
import { type Locate, nearest, type Problem, problemAt } from "../config/problems.ts";
import type { AlertsConfig, Config } from "../config/schema.ts";
import { catalogue } from "../metrics/catalogue.ts";
import type { AlertRule, AlertTemplate, AlertUnit } from "./declaration.ts";
import { customRule } from "./rules/custom.ts";
import { templates } from "./rules/index.ts";
import { type Slo, sloRules } from "./rules/slo.ts";

const PER_CENT = 100;
const MS = 1000;
/** Unless an alert says otherwise, so that it does not end and begin again with every sample. */
const KEEP_S = 60;

type AlertConfig = Pick<Config, "alerts" | "slo">;

/** Every rule in force. Call `alertProblems` first: what it finds is left out here. */
export function alertRules(config: AlertConfig): AlertRule[] {
  const { alerts } = config;
  const defaults = alerts.defaults === "off" ? [] : templates.flatMap((template) => ruleOf(template, alerts));
  const slo = sloOf(config);
  return [
    ...defaults,
    ...(slo === undefined ? [] : sloRules(slo)),
    ...alerts.custom.flatMap((custom) => customRule(custom) ?? []),
  ];
}

function ruleOf(template: AlertTemplate, { overrides }: AlertsConfig): AlertRule[] {
  const override = overrides[template.name];
  const set = override?.above ?? override?.below;
  const threshold = set === undefined ? template.threshold : valueIn(set, unitOf(template));
  if (override?.enabled === false || (template.off === true && threshold === undefined)) return [];
  const { name, unit, summary, description, runbook, labels, prometheusOnly } = template;
  return [
    {
      name,
      unit,
      summary,
      description,
      runbook,
      severity: override?.severity ?? template.severity,
      conditions: template.conditions(threshold ?? 0),
      forS: override?.for === undefined ? template.forS : override.for / MS,
      keepS: template.keepS ?? KEEP_S,
      family: template.family ?? name,
      ...(labels === undefined ? {} : { labels }),
      ...(prometheusOnly === true ? { prometheusOnly } : {}),
    },
  ];
}

function unitOf({ unit, thresholdUnit }: AlertTemplate): AlertUnit {
  return thresholdUnit ?? unit;
}

/** A threshold in the alert's unit; undefined when it is of another kind. A plain number fits every unit. */
export function valueIn({ unit, value }: Threshold, wanted: AlertUnit): number | undefined {
  if (unit === "number" || unit === wanted) return value;
  return undefined;
}

function sloOf({ slo }: AlertConfig): Slo | undefined {
  if (slo === undefined) return undefined;
  const { objective, latency } = slo;
  const share = latency?.objective ?? (latency?.quantile ?? 0.95) * PER_CENT;
  return {
    objective: objective / PER_CENT,
    latency: latency === undefined ? undefined : { belowS: latency.below / MS, objective: share / PER_CENT },
  };
}

const UNIT_HINTS: Readonly<Record<AlertUnit, string>> = {
  ratio: "Write a share: 5% or 0.05.",
  seconds: "Write a duration: 2.5s.",
  usd: "Write an amount: { usd: 100 }.",
  count: "Write a number.",
  factor: "Write a number: 3 is three times as much as usual.",
};

/** Overrides of alerts that are not there or do not have that unit, and objectives that cannot be measured. */
export function alertProblems(
  config: AlertConfig,
  latencyBounds: readonly number[],
  locate?: Locate,
): Problem[] {
  const problems: Problem[] = [];
  for (const [name, override] of Object.entries(config.alerts.overrides)) {
    const template = templates.find((each) => each.name === name);
    if (template === undefined) {
      const meant = nearest(
        name,
        templates.map((each) => each.name),
      );
      const hint = meant === undefined ? "`bellwether alerts list` prints them." : `Did you mean "${meant}"?`;
      problems.push(problemAt(locate, ["alerts", "overrides", name], "there is no such alert", hint, "key"));
      continue;
    }
    problems.push(...thresholdProblems(template, override, locate));
  }
  for (const [index, custom] of config.alerts.custom.entries()) {
    const place = ["alerts", "custom", index] as const;
    if (templates.some(({ name }) => name === custom.name)) {
      const hint = "Give yours another name, or change the default one under `alerts.overrides`.";
      problems.push(problemAt(locate, [...place, "name"], "is the name of a default alert", hint));
    }
    if ((custom.above === undefined) === (custom.below === undefined)) {
      problems.push(problemAt(locate, place, "needs either `above` or `below`"));
    } else if (customRule(custom) === undefined) {
      const key = custom.above === undefined ? "below" : "above";
      problems.push(problemAt(locate, [...place, key], `does not fit the metric "${custom.metric}"`));
    }
  }
  const below = config.slo?.latency?.below;
  if (below !== undefined && !latencyBounds.includes(below / MS)) {
    const hint = `Use one of ${latencyBounds.map((bound) => `${bound}s`).join(", ")}, or add it under \`metrics.buckets\`.`;
    problems.push(
      problemAt(
        locate,
        ["slo", "latency", "below"],
        "is no bound of bellwether_request_duration_seconds",
        hint,
      ),
    );
  }
  return problems;
}

function thresholdProblems(
  template: AlertTemplate,
  override: AlertsConfig["overrides"][string],
  locate: Locate | undefined,
): Problem[] {
  const problems: Problem[] = [];
  const isBelow = template.conditions(1)[0]?.is.startsWith("<") === true;
  for (const key of ["above", "below"] as const) {
    const written = override[key];
    if (written === undefined) continue;
    const place = ["alerts", "overrides", template.name, key] as const;
    const nothing = template.threshold === undefined && template.off !== true;
    if (nothing) problems.push(problemAt(locate, place, "this alert has no threshold", "Remove it.", "key"));
    else if ((key === "below") !== isBelow) {
      const right = isBelow ? "below" : "above";
      problems.push(
        problemAt(locate, place, `this alert fires ${right} its threshold`, `Write "${right}".`, "key"),
      );
    } else if (valueIn(written, unitOf(template)) === undefined) {
      problems.push(problemAt(locate, place, "has the wrong unit", UNIT_HINTS[unitOf(template)]));
    }
  }
  return problems;
}

/** The bounds of the histogram that objectives on latency are measured with. */
export function latencyBounds({ metrics }: Pick<Config, "metrics">): readonly number[] {
  const { name, bounds } = catalogue.duration;
  return metrics.buckets[name] ?? metrics.buckets[name.replace("bellwether_", "")] ?? bounds;
}
