/** Compare relays: the same model at several upstreams. */
import { faultTypes } from "../../core/errors.ts";
import type { DashboardSpec } from "../panels.ts";
import { increase, metric, quantile, rate, ratio } from "../queries.ts";

const FAULTS = `type=~"${faultTypes.join("|")}"`;
const SENT = 'upstream!="none"';
const BOTH = ["upstream", "model"];

export const compare: DashboardSpec = {
  name: "compare",
  title: [
    "Bellwether · Compare relays",
    "Bellwether · 中转站对比",
    "Bellwether · Relays im Vergleich",
    "Bellwether · So sánh trung chuyển",
  ],
  about: [
    "The same model at several upstreams: speed, errors, price.",
    "同一模型在多个上游的速度、错误与价格。",
    "Dasselbe Modell bei mehreren Upstreams: Tempo, Fehler, Preis.",
    "Cùng một mô hình tại nhiều nguồn: tốc độ, lỗi, giá.",
  ],
  rows: [
    {
      title: ["Side by side", "并列对比", "Nebeneinander", "Song song"],
      panels: [
        {
          kind: "timeseries",
          title: ["Duration, p50", "耗时 p50", "Dauer, p50", "Thời lượng, p50"],
          about: [
            "Half of the calls were faster.",
            "一半的调用更快。",
            "Die Hälfte war schneller.",
            "Một nửa nhanh hơn.",
          ],
          unit: "s",
          queries: [{ expr: quantile(0.5, metric.duration, BOTH), legend: "{{model}} @ {{upstream}}" }],
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
          queries: [{ expr: quantile(0.99, metric.duration, BOTH), legend: "{{model}} @ {{upstream}}" }],
        },
        {
          kind: "timeseries",
          title: ["Availability", "可用性", "Verfügbarkeit", "Mức sẵn sàng"],
          about: [
            "Share of calls that the upstream did not fail.",
            "上游未导致失败的调用比例。",
            "Anteil der Aufrufe, an denen der Upstream nicht scheiterte.",
            "Tỷ lệ lượt gọi không thất bại do nguồn.",
          ],
          unit: "percentunit",
          thresholds: [0.999, 0.99],
          queries: [
            {
              expr: `1 - ${ratio(rate(metric.errors, BOTH, [SENT, FAULTS]), rate(metric.requests, BOTH, [SENT]))}`,
              legend: "{{model}} @ {{upstream}}",
            },
          ],
        },
        {
          kind: "timeseries",
          title: ["First token, p95", "首个 token p95", "Erstes Token, p95", "Token đầu tiên, p95"],
          about: ["Streams only.", "仅流式调用。", "Nur Streams.", "Chỉ luồng."],
          unit: "s",
          queries: [{ expr: quantile(0.95, metric.firstToken, BOTH), legend: "{{model}} @ {{upstream}}" }],
        },
        {
          kind: "table",
          title: [
            "Cost per million tokens",
            "每百万 token 费用",
            "Kosten je Million Token",
            "Chi phí mỗi triệu token",
          ],
          about: [
            "As paid in the range, input and output together.",
            "所选时段的实际费用(输入与输出合计)。",
            "Wie im Zeitraum bezahlt, Ein- und Ausgabe zusammen.",
            "Thực trả trong khoảng, cả vào lẫn ra.",
          ],
          unit: "currencyUSD",
          queries: [
            {
              expr: `1e6 * ${increase(metric.cost, "$__range", BOTH)} / (${increase(metric.inputTokens, "$__range", BOTH)} + ${increase(metric.outputTokens, "$__range", BOTH)})`,
              legend: "USD",
              instant: true,
            },
          ],
        },
        {
          kind: "table",
          title: ["Paid of list price", "占官方价比例", "Anteil am Listenpreis", "Tỷ lệ so với giá niêm yết"],
          about: ["In the range.", "所选时段。", "Im Zeitraum.", "Trong khoảng."],
          unit: "percentunit",
          queries: [
            {
              expr: ratio(
                increase(metric.cost, "$__range", BOTH),
                increase(metric.listCost, "$__range", BOTH),
              ),
              legend: "share",
              instant: true,
            },
          ],
        },
      ],
    },
  ],
};
