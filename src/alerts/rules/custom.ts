/** Alerts of the user's own: a metric, which calls, and a threshold. */

import type { AlertsConfig } from "../../config/schema.ts";
import { formatDuration } from "../../config/units.ts";
import { faultTypes } from "../../core/errors.ts";
import type { AlertRule, AlertUnit, Sentence } from "../declaration.ts";
import { type Condition, divided, type Expression, number, plus, type Where } from "../expression.ts";
import { SENT } from "./parts.ts";

export type CustomAlert = AlertsConfig["custom"][number];

interface Metric {
  readonly unit: AlertUnit;
  readonly what: Sentence;
  expression(where: Where, by: readonly string[], windowS: number, quantile: number): Expression;
}

function grown(metric: string): Metric["expression"] {
  return (where, by, windowS) => ({ op: "increase", metric, where, by, windowS });
}

function quantileOf(metric: string): Metric["expression"] {
  return (where, by, windowS, q) => ({ op: "quantile", metric, where, by, windowS, q });
}

const METRICS: Readonly<Record<CustomAlert["metric"], Metric>> = {
  cost: {
    unit: "usd",
    what: { en: "the cost", zh: "费用", de: "die Kosten", vi: "chi phí" },
    expression: grown("bellwether_cost_usd_total"),
  },
  calls: {
    unit: "count",
    what: { en: "the number of calls", zh: "调用次数", de: "die Zahl der Aufrufe", vi: "số lượt gọi" },
    expression: grown("bellwether_requests_total"),
  },
  tokens: {
    unit: "count",
    what: { en: "the number of tokens", zh: "token 数", de: "die Zahl der Token", vi: "số token" },
    expression: (...args) =>
      plus(grown("bellwether_input_tokens_total")(...args), grown("bellwether_output_tokens_total")(...args)),
  },
  errors: {
    unit: "count",
    what: { en: "the number of errors", zh: "错误数", de: "die Zahl der Fehler", vi: "số lỗi" },
    expression: grown("bellwether_errors_total"),
  },
  "error-rate": {
    unit: "ratio",
    what: { en: "the error rate", zh: "错误率", de: "die Fehlerrate", vi: "tỷ lệ lỗi" },
    expression: (where, by, windowS, quantile) =>
      divided(
        grown("bellwether_errors_total")({ ...SENT, ...where, type: faultTypes }, by, windowS, quantile),
        grown("bellwether_requests_total")({ ...SENT, ...where }, by, windowS, quantile),
      ),
  },
  latency: {
    unit: "seconds",
    what: { en: "the latency", zh: "延迟", de: "die Latenz", vi: "độ trễ" },
    expression: quantileOf("bellwether_request_duration_seconds"),
  },
  "first-token": {
    unit: "seconds",
    what: {
      en: "the time to first token",
      zh: "首个 token 的时间",
      de: "die Zeit bis zum ersten Token",
      vi: "thời gian tới token đầu tiên",
    },
    expression: quantileOf("bellwether_time_to_first_token_seconds"),
  },
};

const MS = 1000;

/** The rule that a user's alert means; undefined when its threshold is of another kind than its metric. */
export function customRule(custom: CustomAlert): AlertRule | undefined {
  const { name, metric, by, severity, quantile } = custom;
  const { unit, what, expression } = METRICS[metric];
  const threshold = custom.above ?? custom.below;
  if (threshold === undefined || (threshold.unit !== "number" && threshold.unit !== unit)) return undefined;
  const where: Where = Object.fromEntries(
    Object.entries(custom.where).map(([label, value]) => [label, [value ?? "*"]]),
  );
  const windowS = custom.window / MS;
  const window = formatDuration(custom.window);
  const condition: Condition = {
    left: expression(where, by, windowS, quantile),
    is: custom.above === undefined ? "<" : ">",
    right: number(threshold.value),
  };
  const about = [
    ...Object.entries(custom.where).map(([label, value]) => `${label} ${value}`),
    ...by.map((label) => `${label} {${label}}`),
  ].join(", ");
  const scope = about === "" ? "" : ` (${about})`;
  return {
    name,
    family: name,
    severity,
    unit,
    conditions: [condition],
    forS: custom.for / MS,
    keepS: custom.keep / MS,
    summary: each((language) => `${capital(what[language])}${scope}: {value}`),
    description: {
      en: `An alert of your own: ${what.en} of the last ${window} has passed its threshold.`,
      zh: `自定义告警:最近 ${window} 的${what.zh}超过阈值。`,
      de: `Ein eigener Alarm: ${what.de} der letzten ${window} hat die Schwelle überschritten.`,
      vi: `Cảnh báo tự đặt: ${what.vi} trong ${window} qua đã vượt ngưỡng.`,
    },
    runbook: { means: "An alert that the configuration declares under `alerts.custom`.", look: [], act: [] },
  };
}

function each(text: (language: keyof Sentence) => string): Sentence {
  return { en: text("en"), zh: text("zh"), de: text("de"), vi: text("vi") };
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
