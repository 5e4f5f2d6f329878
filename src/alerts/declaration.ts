/**
 * What an alert is. Declared once, it is evaluated in process (evaluate.ts), and compiled to Prometheus rules and to
 * Grafana alerting. The texts are for people at three in the morning: what, where, how bad.
 */
import type { Severity } from "../core/alert.ts";
import type { Condition } from "./expression.ts";

export const alertLanguages = ["en", "zh", "de", "vi"] as const;
export type AlertLanguage = (typeof alertLanguages)[number];

/** A sentence in every language. `{label}` stands for a label's value, `{value}` for the alert's. */
export type Sentence = Readonly<Record<AlertLanguage, string>>;

/** What the value of an alert is, and how its threshold is written in the configuration. */
export type AlertUnit = "ratio" | "seconds" | "usd" | "count" | "factor";

/** What a person does about it; a page of docs/runbooks/ is made from it. */
export interface Runbook {
  readonly means: string;
  readonly look: readonly string[];
  readonly act: readonly string[];
}

export interface AlertRule {
  /** Kebab-case; the alert's name everywhere. */
  readonly name: string;
  readonly severity: Severity;
  readonly unit: AlertUnit;
  /** All must hold, for the same labels. The first one's left side is the alert's value. */
  readonly conditions: readonly Condition[];
  /** They must hold for so long before it fires. */
  readonly forS: number;
  /** It goes on firing until they have not held for so long, so that it does not flap. */
  readonly keepS: number;
  readonly summary: Sentence;
  readonly description: Sentence;
  readonly runbook: Runbook;
  /** Alerts of the same family are one trouble seen at several thresholds: a worse one mutes the others. */
  readonly family: string;
  /** Labels besides those of the conditions. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Only where Prometheus evaluates: in process there is nobody to see it. */
  readonly prometheusOnly?: true;
}

/**
 * How a rule is made of its threshold, so that a configuration can change it.
 */
export interface AlertTemplate {
  readonly name: string;
  readonly severity: Severity;
  readonly unit: AlertUnit;
  /** In the unit: 0.05 is 5 %, seconds, dollars. Undefined where there is nothing to set. */
  readonly threshold: number | undefined;
  /** The threshold's unit where it is not the value's. */
  readonly thresholdUnit?: AlertUnit;
  readonly forS: number;
  readonly keepS?: number;
  readonly family?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly prometheusOnly?: true;
  /** Off unless the configuration sets its threshold, because no number suits everybody. */
  readonly off?: true;
  conditions(threshold: number): readonly Condition[];
  readonly summary: Sentence;
  readonly description: Sentence;
  readonly runbook: Runbook;
}
