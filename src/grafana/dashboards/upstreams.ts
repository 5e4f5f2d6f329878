/** Upstreams and probes: which of them are well, and how long the money lasts. */
import { faultTypes } from "../../core/errors.ts";
import type { DashboardSpec } from "../panels.ts";
import { gauge, metric, quantile, rate, ratio } from "../queries.ts";
import { accounts, probing } from "./watching.ts";

const FAULTS = `type=~"${faultTypes.join("|")}"`;
const SENT = 'upstream!="none"';

export const upstreams: DashboardSpec = {
  name: "upstreams",
  title: ["Bellwether · Upstreams", "Bellwether · 上游", "Bellwether · Upstreams", "Bellwether · Nguồn"],
  about: [
    "Which upstreams are well, how near their limits are.",
    "各上游是否正常,离限额还有多远。",
    "Welche Upstreams gesund sind, wie nah ihre Grenzen.",
    "Nguồn nào ổn, còn cách giới hạn bao xa.",
  ],
  rows: [
    {
      title: ["Health", "健康", "Gesundheit", "Tình trạng"],
      panels: [
        {
          kind: "timeseries",
          title: ["Error rate", "错误率", "Fehlerrate", "Tỷ lệ lỗi"],
          about: [
            "Errors that are not the clients'.",
            "非客户端原因的错误。",
            "Fehler, die nicht die der Clients sind.",
            "Lỗi không do máy khách.",
          ],
          unit: "percentunit",
          thresholds: [0.01, 0.05],
          runbook: "error-rate",
          queries: [
            {
              expr: ratio(
                rate(metric.errors, ["upstream"], [SENT, FAULTS]),
                rate(metric.requests, ["upstream"], [SENT]),
              ),
              legend: "{{upstream}}",
            },
          ],
        },
        {
          kind: "timeseries",
          title: ["Errors by kind", "按类型的错误", "Fehler nach Art", "Lỗi theo loại"],
          about: ["Per second.", "每秒。", "Je Sekunde.", "Mỗi giây."],
          unit: "reqps",
          stacked: true,
          queries: [
            { expr: rate(metric.errors, ["upstream", "type"], [SENT]), legend: "{{upstream}} {{type}}" },
          ],
        },
        {
          kind: "timeseries",
          title: ["Duration, p99", "耗时 p99", "Dauer, p99", "Thời lượng, p99"],
          about: [
            "99 per cent were faster.",
            "99% 的调用更快。",
            "99 Prozent waren schneller.",
            "99 % nhanh hơn mức này.",
          ],
          unit: "s",
          runbook: "latency-spike",
          queries: [{ expr: quantile(0.99, metric.duration, ["upstream"]), legend: "{{upstream}}" }],
        },
        {
          kind: "timeseries",
          title: ["First token, p95", "首个 token p95", "Erstes Token, p95", "Token đầu tiên, p95"],
          about: ["Streams only.", "仅流式调用。", "Nur Streams.", "Chỉ luồng."],
          unit: "s",
          runbook: "slow-first-token",
          queries: [{ expr: quantile(0.95, metric.firstToken, ["upstream"]), legend: "{{upstream}}" }],
        },
      ],
    },
    {
      title: ["Limits", "限额", "Grenzen", "Giới hạn"],
      panels: [
        {
          kind: "timeseries",
          title: [
            "Left of the rate limit",
            "限流余量",
            "Rest der Ratenbegrenzung",
            "Phần còn lại của giới hạn tần suất",
          ],
          about: [
            "As the upstream's last answers said.",
            "来自上游最近应答。",
            "Nach den letzten Antworten des Upstreams.",
            "Theo trả lời gần nhất của nguồn.",
          ],
          unit: "percentunit",
          thresholds: [0.2, 0.05],
          runbook: "rate-limited",
          mayBeEmpty: "the upstream tells no rate limits",
          queries: [
            {
              expr: ratio(
                gauge(metric.rateLimitRemaining, "min", ["upstream", "model", "resource"]),
                gauge(metric.rateLimitLimit, "max", ["upstream", "model", "resource"]),
              ),
              legend: "{{upstream}} {{model}} {{resource}}",
            },
          ],
        },
        {
          kind: "timeseries",
          title: ["Retries", "重试", "Wiederholungen", "Thử lại"],
          about: [
            "Attempts after the first.",
            "首次之后的尝试。",
            "Versuche nach dem ersten.",
            "Các lần thử sau lần đầu.",
          ],
          unit: "reqps",
          mayBeEmpty: "nothing was retried",
          queries: [
            { expr: rate(metric.retries, ["upstream", "reason"]), legend: "{{upstream}} {{reason}}" },
          ],
        },
      ],
    },
    probing,
    accounts,
  ],
};
