/** Alerts on what is spent, and on what is left. */
import type { AlertTemplate } from "../declaration.ts";
import { divided, type Expression, type Growth, minus, number, plus, times } from "../expression.ts";
import { above, below, DAY, HOUR, MINUTE, WEEK } from "./parts.ts";

const UPSTREAM = ["upstream"];
const BUDGET = ["scope", "name", "window"];

/** Models whose names say that they are the small ones of their kind. */
export const CHEAP_MODELS: readonly string[] = [
  "*mini*",
  "*nano*",
  "*flash*",
  "*haiku*",
  "*lite*",
  "deepseek*",
  "*small*",
];

function spent(by: readonly string[], windowS: number, agoS = 0): Growth {
  return { op: "increase", metric: "bellwether_cost_usd_total", by, windowS, agoS };
}

function outputTokens(models?: readonly string[]): Growth {
  return {
    op: "increase",
    metric: "bellwether_output_tokens_total",
    ...(models === undefined ? {} : { where: { model: models } }),
    by: [],
    windowS: DAY,
  };
}

function hoursLeft(): Expression {
  const exhausted = {
    op: "min",
    metric: "bellwether_upstream_balance_exhausted_timestamp_seconds",
    by: UPSTREAM,
  } as const;
  return minus(exhausted, { op: "now" });
}

function quotaShare(): Expression {
  const by = ["upstream", "currency"];
  return divided(
    { op: "max", metric: "bellwether_upstream_quota_used", by },
    { op: "max", metric: "bellwether_upstream_quota_limit", by },
  );
}

function budgetShare(): Expression {
  return divided(
    { op: "max", metric: "bellwether_budget_used_usd", by: BUDGET },
    { op: "max", metric: "bellwether_budget_limit_usd", by: BUDGET },
  );
}

/** The mean of the same hour one, two and three weeks ago. */
function usualHour(): Expression {
  const weeks = [1, 2, 3].map((week) => spent(UPSTREAM, HOUR, week * WEEK));
  return divided(plus(...weeks), number(3));
}

const balance = {
  family: "balance",
  unit: "seconds",
  summary: {
    en: "The balance at {upstream} is used up in {value}",
    zh: "{upstream} 的余额将在 {value} 后用完",
    de: "Das Guthaben bei {upstream} ist in {value} aufgebraucht",
    vi: "Số dư tại {upstream} sẽ hết sau {value}",
  },
  description: {
    en: "At the rate at which it has been used of late. Every call fails from then on.",
    zh: "按近期的消耗速度推算。此后所有调用都会失败。",
    de: "Beim Verbrauch der letzten Zeit. Danach schlägt jeder Aufruf fehl.",
    vi: "Theo tốc độ tiêu dùng gần đây. Sau đó mọi lượt gọi đều thất bại.",
  },
  runbook: {
    means: "The prepaid balance ends soon, at the burn rate seen between the last polls.",
    look: [
      "`bellwether report cost --by app,model --from 24h` shows what uses it.",
      "bellwether_upstream_balance_timestamp_seconds: when was the balance last read?",
    ],
    act: ["Top up, or move traffic to another upstream.", "Limit or budget the app that uses most."],
  },
} as const;

const quota = {
  family: "quota",
  unit: "ratio",
  forS: 5 * MINUTE,
  conditions: (threshold: number) => [above(quotaShare(), threshold)],
  summary: {
    en: "{value} of the quota at {upstream} is used",
    zh: "{upstream} 的额度已用 {value}",
    de: "{value} des Kontingents bei {upstream} sind verbraucht",
    vi: "Đã dùng {value} hạn mức tại {upstream}",
  },
  description: {
    en: "The upstream itself reports how much is used of what it allows.",
    zh: "由上游报告的已用额度占总额度的比例。",
    de: "Der Upstream selbst meldet, wie viel vom Erlaubten verbraucht ist.",
    vi: "Chính nguồn báo phần đã dùng trên tổng mức cho phép.",
  },
  runbook: {
    means: "The upstream's quota is nearly used up.",
    look: ["`bellwether report cost --by app,model` shows what uses it."],
    act: ["Raise the quota or wait for its renewal; until then move traffic to another upstream."],
  },
} as const;

const budget = {
  family: "budget",
  unit: "ratio",
  forS: 0,
  conditions: (threshold: number) => [above(budgetShare(), threshold)],
  summary: {
    en: "{value} of the {window} budget of {scope} {name} is spent",
    zh: "{scope} {name} 的 {window} 预算已用 {value}",
    de: "{value} des {window}-Budgets von {scope} {name} sind ausgegeben",
    vi: "Đã tiêu {value} ngân sách {window} của {scope} {name}",
  },
  description: {
    en: "What happens at 100 % is set by the budget's `onExceeded`.",
    zh: "达到 100% 时的处理由预算的 `onExceeded` 决定。",
    de: "Was bei 100 % geschieht, bestimmt `onExceeded` des Budgets.",
    vi: "Điều xảy ra ở mức 100 % do `onExceeded` của ngân sách quyết định.",
  },
  runbook: {
    means: "A budget of the configuration is nearly, or wholly, spent.",
    look: ["`bellwether report cost --by app,model` for the budget's window."],
    act: ["Raise the budget, or route to a cheaper model for the rest of the window."],
  },
} as const;

export const money: readonly AlertTemplate[] = [
  {
    ...balance,
    name: "balance-low",
    severity: "warning",
    threshold: 48 * HOUR,
    forS: 10 * MINUTE,
    conditions: (threshold) => [below(hoursLeft(), threshold)],
  },
  {
    ...balance,
    name: "balance-ending",
    severity: "critical",
    threshold: 6 * HOUR,
    forS: 5 * MINUTE,
    conditions: (threshold) => [below(hoursLeft(), threshold)],
  },
  { ...quota, name: "quota-80", severity: "warning", threshold: 0.8 },
  { ...quota, name: "quota-95", severity: "critical", threshold: 0.95 },
  { ...budget, name: "budget-80", severity: "warning", threshold: 0.8 },
  { ...budget, name: "budget-95", severity: "critical", threshold: 0.95 },
  {
    name: "month-projection",
    severity: "warning",
    unit: "usd",
    threshold: undefined,
    forS: HOUR,
    off: true,
    conditions: (threshold) => [
      above({ op: "max", metric: "bellwether_month_projected_cost_usd", by: UPSTREAM }, threshold),
    ],
    summary: {
      en: "This month at {upstream} will cost about {value}",
      zh: "{upstream} 本月预计花费约 {value}",
      de: "Dieser Monat bei {upstream} wird etwa {value} kosten",
      vi: "Tháng này tại {upstream} sẽ tốn khoảng {value}",
    },
    description: {
      en: "Projected from what has been spent since the month began.",
      zh: "根据本月已发生的费用推算。",
      de: "Hochgerechnet aus dem, was seit Monatsbeginn ausgegeben wurde.",
      vi: "Ước tính từ chi tiêu kể từ đầu tháng.",
    },
    runbook: {
      means: "If it goes on like this, the month ends above the amount you set.",
      look: ["`bellwether report cost` shows the projection with its range, and what it is spent on."],
      act: [
        "Decide which app or model may be cheaper; `bellwether plan --from-ledger` shows what would be saved.",
      ],
    },
  },
  {
    name: "model-cost-per-day",
    severity: "warning",
    unit: "usd",
    threshold: undefined,
    forS: 10 * MINUTE,
    off: true,
    conditions: (threshold) => [above(spent(["model"], DAY), threshold)],
    summary: {
      en: "{model} has cost {value} in a day",
      zh: "{model} 一天内花费 {value}",
      de: "{model} hat an einem Tag {value} gekostet",
      vi: "{model} đã tốn {value} trong một ngày",
    },
    description: {
      en: "Over all apps and upstreams, in the last 24 hours.",
      zh: "最近 24 小时,统计所有应用与上游。",
      de: "Über alle Apps und Upstreams, in den letzten 24 Stunden.",
      vi: "Tính trên mọi ứng dụng và nguồn, trong 24 giờ qua.",
    },
    runbook: {
      means: "One model costs more a day than the amount you set.",
      look: ["`bellwether report cost --by app --where model=NAME --from 24h`."],
      act: ["Budget the app, or route its simple questions to a cheaper model."],
    },
  },
  {
    name: "cost-anomaly",
    severity: "warning",
    unit: "usd",
    threshold: 3,
    thresholdUnit: "factor",
    forS: 10 * MINUTE,
    conditions: (factor) => [
      { left: spent(UPSTREAM, HOUR), is: ">", right: times(number(factor), usualHour()) },
      above(spent(UPSTREAM, HOUR), 1),
      above(usualHour(), 0),
    ],
    summary: {
      en: "{upstream} has cost {value} in an hour, far more than usual",
      zh: "{upstream} 一小时内花费 {value},远超平时",
      de: "{upstream} hat in einer Stunde {value} gekostet, weit mehr als sonst",
      vi: "{upstream} đã tốn {value} trong một giờ, cao hơn hẳn bình thường",
    },
    description: {
      en: "Compared with the same hour of the last three weeks.",
      zh: "与过去三周同一小时相比。",
      de: "Verglichen mit derselben Stunde der letzten drei Wochen.",
      vi: "So với cùng giờ của ba tuần trước.",
    },
    runbook: {
      means: "The last hour cost several times what this hour of the week usually costs.",
      look: [
        "`bellwether report cost --by app,model --from 2h`: what has grown?",
        "`bellwether report usage`: more calls, or larger ones? A loop in an agent shows as many calls of one app.",
      ],
      act: [
        "Stop or limit the app. Give it a budget with `onExceeded: block`, so that it cannot happen again.",
      ],
    },
  },
  {
    name: "cheap-model-share-low",
    severity: "info",
    unit: "ratio",
    threshold: 0.2,
    forS: 6 * HOUR,
    conditions: (threshold) => [
      below(divided(outputTokens(CHEAP_MODELS), outputTokens()), threshold),
      above(outputTokens(), 1_000_000),
    ],
    summary: {
      en: "Only {value} of the output comes from inexpensive models",
      zh: "只有 {value} 的输出来自低价模型",
      de: "Nur {value} der Ausgabe kommt von günstigen Modellen",
      vi: "Chỉ {value} đầu ra đến từ các mô hình giá rẻ",
    },
    description: {
      en: "A hint that money may be saved: simple questions do not need the largest model.",
      zh: "这是节省费用的提示:简单问题不需要最大的模型。",
      de: "Ein Hinweis, dass sich sparen lässt: einfache Fragen brauchen nicht das größte Modell.",
      vi: "Gợi ý tiết kiệm: câu hỏi đơn giản không cần mô hình lớn nhất.",
    },
    runbook: {
      means: "Nearly everything is answered by expensive models.",
      look: ["`bellwether plan --from-ledger --replace MODEL=CHEAPER` says what would be saved."],
      act: ["Let a route send short and simple prompts to a cheaper model."],
    },
  },
  {
    name: "unpriced-traffic",
    severity: "warning",
    unit: "count",
    threshold: undefined,
    forS: 0,
    conditions: () => [
      above(
        {
          op: "increase",
          metric: "bellwether_unpriced_tokens_total",
          by: ["upstream", "model"],
          windowS: HOUR,
        },
        0,
      ),
    ],
    summary: {
      en: "{model} at {upstream} has no price: {value} tokens are in no sum",
      zh: "{upstream} 的 {model} 没有价格:{value} 个 token 未计入费用",
      de: "{model} bei {upstream} hat keinen Preis: {value} Token fehlen in den Summen",
      vi: "{model} tại {upstream} chưa có giá: {value} token không được tính tiền",
    },
    description: {
      en: "Costs, budgets and projections leave these calls out.",
      zh: "费用、预算与预测都不包含这些调用。",
      de: "Kosten, Budgets und Hochrechnungen lassen diese Aufrufe aus.",
      vi: "Chi phí, ngân sách và dự báo đều bỏ qua các lượt gọi này.",
    },
    runbook: {
      means: "A model is used for which no price is known.",
      look: ["`bellwether prices search NAME`: is it known under another name?"],
      act: [
        "Add its price under `upstreams.<name>.prices`, or import a newer list with `bellwether prices import`.",
      ],
    },
  },
  {
    name: "missing-usage",
    severity: "info",
    unit: "ratio",
    threshold: 0.05,
    forS: 10 * MINUTE,
    conditions: (threshold) => [
      above(divided(usageRecords(["missing"]), usageRecords()), threshold),
      { left: usageRecords(), is: ">=", right: number(20) },
    ],
    summary: {
      en: "{upstream} reports no usage for {value} of the calls",
      zh: "{upstream} 有 {value} 的调用未返回用量",
      de: "{upstream} meldet für {value} der Aufrufe keinen Verbrauch",
      vi: "{upstream} không báo mức dùng cho {value} lượt gọi",
    },
    description: {
      en: "Their tokens are not known, and their cost is in no sum.",
      zh: "这些调用的 token 数未知,费用也未计入。",
      de: "Ihre Token sind nicht bekannt, und ihre Kosten fehlen in den Summen.",
      vi: "Không rõ số token, và chi phí không được tính.",
    },
    runbook: {
      means: "The upstream's answers have no usage, and none could be estimated.",
      look: ["Which endpoint? `bellwether report calls --where upstream=NAME`."],
      act: [
        "If its streams never report usage, set `includeUsage: false` for the upstream: they are estimated then.",
      ],
    },
  },
];

function usageRecords(source?: readonly string[]): Growth {
  return {
    op: "increase",
    metric: "bellwether_usage_records_total",
    ...(source === undefined ? {} : { where: { source } }),
    by: UPSTREAM,
    windowS: 30 * MINUTE,
  };
}
