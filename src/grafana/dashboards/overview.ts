/** Overview: is all well, and what does it cost? */
import { faultTypes } from "../../core/errors.ts";
import type { DashboardSpec } from "../panels.ts";
import { increase, metric, quantile, rate, ratio } from "../queries.ts";

const FAULTS = `type=~"${faultTypes.join("|")}"`;
const SENT = 'upstream!="none"';

export const overview: DashboardSpec = {
  name: "overview",
  title: ["Bellwether · Overview", "Bellwether · 总览", "Bellwether · Überblick", "Bellwether · Tổng quan"],
  about: [
    "Whether all is well, and what it costs.",
    "是否一切正常,以及花费多少。",
    "Ob alles gut ist, und was es kostet.",
    "Mọi thứ có ổn không, và tốn bao nhiêu.",
  ],
  rows: [
    {
      title: ["Now", "当前", "Jetzt", "Hiện tại"],
      panels: [
        {
          kind: "stat",
          title: ["Calls per second", "每秒调用数", "Aufrufe je Sekunde", "Lượt gọi mỗi giây"],
          about: ["Calls that ended.", "已结束的调用。", "Beendete Aufrufe.", "Các lượt gọi đã xong."],
          unit: "reqps",
          queries: [{ expr: rate(metric.requests), legend: "calls" }],
        },
        {
          kind: "stat",
          title: ["Errors", "错误率", "Fehler", "Lỗi"],
          about: [
            "Share of calls that failed by the upstream's or the way's fault.",
            "因上游或链路原因失败的调用比例。",
            "Anteil der Aufrufe, die durch den Upstream oder den Weg dorthin scheiterten.",
            "Tỷ lệ lượt gọi thất bại do nguồn hoặc đường truyền.",
          ],
          unit: "percentunit",
          thresholds: [0.01, 0.05],
          runbook: "error-rate",
          queries: [
            {
              expr: ratio(rate(metric.errors, [], [SENT, FAULTS]), rate(metric.requests, [], [SENT])),
              legend: "errors",
            },
          ],
        },
        {
          kind: "stat",
          title: ["p95", "p95 延迟", "p95", "p95"],
          about: [
            "95 per cent of the calls were faster.",
            "95% 的调用更快。",
            "95 Prozent der Aufrufe waren schneller.",
            "95 % lượt gọi nhanh hơn mức này.",
          ],
          unit: "s",
          thresholds: [5, 15],
          runbook: "high-latency",
          queries: [{ expr: quantile(0.95, metric.duration), legend: "p95" }],
        },
        {
          kind: "stat",
          title: ["First token, p95", "首个 token p95", "Erstes Token, p95", "Token đầu tiên, p95"],
          about: [
            "How long streams take to begin.",
            "流式调用开始输出所需的时间。",
            "Wie lange Streams brauchen, bis sie beginnen.",
            "Thời gian để luồng bắt đầu.",
          ],
          unit: "s",
          thresholds: [2, 5],
          runbook: "slow-first-token",
          queries: [{ expr: quantile(0.95, metric.firstToken), legend: "p95" }],
        },
        {
          kind: "stat",
          title: ["Spent in 24 h", "24 小时花费", "Ausgaben in 24 h", "Chi tiêu 24 giờ"],
          about: [
            "What calls cost in the last 24 hours.",
            "最近 24 小时的调用费用。",
            "Was Aufrufe in den letzten 24 Stunden kosteten.",
            "Chi phí lượt gọi trong 24 giờ qua.",
          ],
          unit: "currencyUSD",
          queries: [{ expr: increase(metric.cost, "1d"), legend: "cost" }],
        },
        {
          kind: "stat",
          title: ["Saved in 24 h", "24 小时节省", "Ersparnis in 24 h", "Tiết kiệm 24 giờ"],
          about: [
            "Against the vendors' list prices.",
            "与厂商官方价格相比。",
            "Gegenüber den Listenpreisen der Anbieter.",
            "So với giá niêm yết của nhà cung cấp.",
          ],
          unit: "currencyUSD",
          queries: [
            { expr: `${increase(metric.listCost, "1d")} - ${increase(metric.cost, "1d")}`, legend: "saved" },
          ],
        },
      ],
    },
    {
      title: ["Traffic", "流量", "Verkehr", "Lưu lượng"],
      panels: [
        {
          kind: "timeseries",
          title: ["Calls by status", "按状态码的调用", "Aufrufe nach Status", "Lượt gọi theo trạng thái"],
          about: [
            "The HTTP status that clients saw; 499: the client had gone.",
            "客户端看到的 HTTP 状态码;499 表示客户端已离开。",
            "Der HTTP-Status, den Clients sahen; 499: der Client war gegangen.",
            "Trạng thái HTTP mà máy khách thấy; 499: máy khách đã rời đi.",
          ],
          unit: "reqps",
          stacked: true,
          queries: [{ expr: rate(metric.requests, ["status"]), legend: "{{status}}" }],
        },
        {
          kind: "timeseries",
          title: ["Errors by kind", "按类型的错误", "Fehler nach Art", "Lỗi theo loại"],
          about: [
            "All errors, those of clients too.",
            "所有错误,包括客户端错误。",
            "Alle Fehler, auch die der Clients.",
            "Mọi lỗi, kể cả lỗi của máy khách.",
          ],
          unit: "reqps",
          stacked: true,
          runbook: "error-rate",
          queries: [{ expr: rate(metric.errors, ["type"]), legend: "{{type}}" }],
        },
        {
          kind: "timeseries",
          title: ["Duration", "耗时", "Dauer", "Thời lượng"],
          about: [
            "From a call's arrival to the end of its answer.",
            "从调用到达至应答结束。",
            "Von der Ankunft eines Aufrufs bis zum Ende der Antwort.",
            "Từ khi lượt gọi đến cho tới khi trả lời xong.",
          ],
          unit: "s",
          runbook: "high-latency",
          queries: [0.5, 0.95, 0.99].map((q) => ({
            expr: quantile(q, metric.duration),
            legend: `p${q * 100}`,
          })),
        },
        {
          kind: "timeseries",
          title: [
            "Time to first token",
            "首个 token 时间",
            "Zeit bis zum ersten Token",
            "Thời gian tới token đầu tiên",
          ],
          about: ["Streams only.", "仅流式调用。", "Nur Streams.", "Chỉ luồng."],
          unit: "s",
          runbook: "slow-first-token",
          queries: [0.5, 0.95, 0.99].map((q) => ({
            expr: quantile(q, metric.firstToken),
            legend: `p${q * 100}`,
          })),
        },
      ],
    },
    {
      title: ["Spend and tokens", "费用与 token", "Ausgaben und Token", "Chi tiêu và token"],
      panels: [
        {
          kind: "timeseries",
          title: [
            "Cost per hour by upstream",
            "各上游每小时费用",
            "Kosten je Stunde nach Upstream",
            "Chi phí mỗi giờ theo nguồn",
          ],
          about: ["At the current rate.", "按当前速度。", "Bei der jetzigen Rate.", "Theo tốc độ hiện tại."],
          unit: "currencyUSD",
          stacked: true,
          runbook: "cost-anomaly",
          queries: [{ expr: `3600 * ${rate(metric.cost, ["upstream"])}`, legend: "{{upstream}}" }],
        },
        {
          kind: "timeseries",
          title: ["Tokens per second", "每秒 token 数", "Token je Sekunde", "Token mỗi giây"],
          about: [
            "Input, cached ones included, and output, reasoning included.",
            "输入(含缓存)与输出(含推理)。",
            "Eingabe mit Cache, Ausgabe mit Überlegung.",
            "Đầu vào gồm bộ đệm, đầu ra gồm suy luận.",
          ],
          unit: "short",
          queries: [
            { expr: rate(metric.inputTokens), legend: "input" },
            { expr: rate(metric.outputTokens), legend: "output" },
          ],
        },
      ],
    },
  ],
};
