/**
 * Service level objectives as burn-rate alerts over several windows (Google, "The Site Reliability Workbook", chapter
 * 5, "Alerting on SLOs", table 5-8): a page when the budget of 30 days burns so fast that it would soon be gone, a
 * ticket when it burns slowly but for long.
 */
import { faultTypes } from "../../core/errors.ts";
import type { AlertRule, Sentence } from "../declaration.ts";
import { type Condition, divided, type Expression, minus, number } from "../expression.ts";
import { DAY, enough, errorShare, HOUR, MINUTE, requests, SENT } from "./parts.ts";

export interface Slo {
  /** Share of calls that must not fail by the upstream's or our fault: 0.999. */
  readonly objective: number;
  readonly latency: { readonly belowS: number; readonly objective: number } | undefined;
}

interface Row {
  readonly severity: "critical" | "warning";
  readonly longS: number;
  readonly shortS: number;
  readonly factor: number;
  readonly window: string;
}

const ROWS: readonly Row[] = [
  { severity: "critical", longS: HOUR, shortS: 5 * MINUTE, factor: 14.4, window: "1h" },
  { severity: "critical", longS: 6 * HOUR, shortS: 30 * MINUTE, factor: 6, window: "6h" },
  { severity: "warning", longS: DAY, shortS: 2 * HOUR, factor: 3, window: "1d" },
  { severity: "warning", longS: 3 * DAY, shortS: 6 * HOUR, factor: 1, window: "3d" },
];

/** Fewer calls than this in the long window say nothing about an objective. */
const LEAST_CALLS = 50;

export function sloRules(slo: Slo): AlertRule[] {
  const { objective, latency } = slo;
  const rules = ROWS.map((row) =>
    rule("slo-errors", row, 1 - objective, (windowS) => errorShare(faultTypes, [], windowS), ERRORS),
  );
  if (latency === undefined) return rules;
  const { belowS, objective: share } = latency;
  const tooSlow = (windowS: number): Expression =>
    minus(
      number(1),
      divided(
        {
          op: "within",
          metric: "bellwether_request_duration_seconds",
          where: SENT,
          by: [],
          bound: belowS,
          windowS,
        },
        requests([], windowS),
      ),
    );
  return [...rules, ...ROWS.map((row) => rule("slo-latency", row, 1 - share, tooSlow, LATENCY))];
}

function rule(
  name: string,
  row: Row,
  budget: number,
  share: (windowS: number) => Expression,
  texts: { readonly summary: Sentence; readonly description: Sentence },
): AlertRule {
  const bound = Number((row.factor * budget).toPrecision(12));
  // More than everything can never fail: with a loose objective the fastest burn is not reachable.
  const reachable = bound < 1;
  const exceeds = (windowS: number): Condition => ({
    left: share(windowS),
    is: ">",
    right: number(reachable ? bound : 0.999),
  });
  return {
    ...texts,
    name: `${name}-${row.window}`,
    family: name,
    severity: row.severity,
    unit: "ratio",
    conditions: [exceeds(row.longS), exceeds(row.shortS), enough([], row.longS, LEAST_CALLS)],
    forS: 0,
    keepS: 5 * MINUTE,
    labels: { window: row.window },
    runbook: {
      means: `The error budget of 30 days burns ${row.factor} times as fast as it may, measured over ${row.window}.`,
      look: [
        "Which upstream and model? `bellwether report errors --by upstream,model`, or the Overview page.",
        "The alerts about the upstream itself say more about the cause.",
      ],
      act: [
        row.severity === "critical"
          ? "Act now: at this rate the month's budget is gone within hours or days."
          : "Act in working hours: find what fails slowly and for long.",
      ],
    },
  };
}

const ERRORS = {
  summary: {
    en: "The error budget burns too fast: {value} of the calls of the last {window} failed",
    zh: "错误预算消耗过快:最近 {window} 有 {value} 的调用失败",
    de: "Das Fehlerbudget brennt zu schnell: {value} der Aufrufe der letzten {window} schlugen fehl",
    vi: "Ngân sách lỗi cạn quá nhanh: {value} lượt gọi trong {window} qua thất bại",
  },
  description: {
    en: "Measured over all upstreams, against the objective in `slo`.",
    zh: "统计所有上游,对照 `slo` 中的目标。",
    de: "Gemessen über alle Upstreams, am Ziel in `slo`.",
    vi: "Tính trên mọi nguồn, so với mục tiêu trong `slo`.",
  },
};

const LATENCY = {
  summary: {
    en: "Too many calls are slow: {value} of those of the last {window}",
    zh: "慢调用过多:最近 {window} 占 {value}",
    de: "Zu viele Aufrufe sind langsam: {value} von denen der letzten {window}",
    vi: "Quá nhiều lượt gọi chậm: {value} trong {window} qua",
  },
  description: {
    en: "They took longer than the objective in `slo.latency` allows.",
    zh: "其耗时超过 `slo.latency` 中的目标。",
    de: "Sie dauerten länger, als das Ziel in `slo.latency` erlaubt.",
    vi: "Chúng kéo dài hơn mục tiêu trong `slo.latency`.",
  },
};
