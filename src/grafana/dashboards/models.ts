/** Models: how each does, wherever it is asked. */
import type { DashboardSpec } from "../panels.ts";
import { increase, metric, quantile, rate, ratio } from "../queries.ts";

export const models: DashboardSpec = {
  name: "models",
  title: ["Bellwether · Models", "Bellwether · 模型", "Bellwether · Modelle", "Bellwether · Mô hình"],
  about: [
    "Traffic, speed, tokens and prices of each model.",
    "各模型的流量、速度、token 与价格。",
    "Verkehr, Tempo, Token und Preise jedes Modells.",
    "Lưu lượng, tốc độ, token và giá của từng mô hình.",
  ],
  rows: [
    {
      title: ["Traffic", "流量", "Verkehr", "Lưu lượng"],
      panels: [
        {
          kind: "timeseries",
          title: ["Calls", "调用数", "Aufrufe", "Lượt gọi"],
          about: [
            "By the model asked for.",
            "按请求的模型。",
            "Nach dem gefragten Modell.",
            "Theo mô hình được hỏi.",
          ],
          unit: "reqps",
          stacked: true,
          queries: [{ expr: rate(metric.requests, ["model"]), legend: "{{model}}" }],
        },
        {
          kind: "timeseries",
          title: ["Success rate", "成功率", "Erfolgsquote", "Tỷ lệ thành công"],
          about: [
            "Share of calls with a status of 2xx.",
            "状态码为 2xx 的调用比例。",
            "Anteil der Aufrufe mit Status 2xx.",
            "Tỷ lệ lượt gọi có trạng thái 2xx.",
          ],
          unit: "percentunit",
          thresholds: [0.99, 0.95],
          runbook: "low-success-rate",
          queries: [
            {
              expr: ratio(
                rate(metric.requests, ["model"], ['status=~"2.."']),
                rate(metric.requests, ["model"]),
              ),
              legend: "{{model}}",
            },
          ],
        },
        {
          kind: "timeseries",
          title: ["Duration, p95", "耗时 p95", "Dauer, p95", "Thời lượng, p95"],
          about: ["Over all upstreams.", "统计所有上游。", "Über alle Upstreams.", "Trên mọi nguồn."],
          unit: "s",
          runbook: "high-latency",
          queries: [{ expr: quantile(0.95, metric.duration, ["model"]), legend: "{{model}}" }],
        },
        {
          kind: "timeseries",
          title: ["First token, p95", "首个 token p95", "Erstes Token, p95", "Token đầu tiên, p95"],
          about: ["Streams only.", "仅流式调用。", "Nur Streams.", "Chỉ luồng."],
          unit: "s",
          runbook: "slow-first-token",
          queries: [{ expr: quantile(0.95, metric.firstToken, ["model"]), legend: "{{model}}" }],
        },
        {
          kind: "timeseries",
          title: [
            "Time per output token, median",
            "每个输出 token 时间(中位)",
            "Zeit je Ausgabetoken, Median",
            "Thời gian mỗi token ra, trung vị",
          ],
          about: [
            "After the first token; its inverse is the speed a reader sees.",
            "首个 token 之后;其倒数即读者看到的速度。",
            "Nach dem ersten Token; der Kehrwert ist das Tempo, das Leser sehen.",
            "Sau token đầu tiên; nghịch đảo là tốc độ người đọc thấy.",
          ],
          unit: "s",
          queries: [{ expr: quantile(0.5, metric.perOutputToken, ["model"]), legend: "{{model}}" }],
        },
        {
          kind: "timeseries",
          title: ["Calls in flight", "进行中的调用", "Laufende Aufrufe", "Lượt gọi đang chạy"],
          about: [
            "Calls that have begun and not ended.",
            "已开始但未结束的调用。",
            "Begonnene, nicht beendete Aufrufe.",
            "Lượt gọi đã bắt đầu nhưng chưa xong.",
          ],
          unit: "short",
          queries: [
            {
              expr: `sum by (model) (${metric.inFlight.name}{upstream=~"$upstream",model=~"$model"})`,
              legend: "{{model}}",
            },
          ],
        },
      ],
    },
    {
      title: ["Tokens", "Token", "Token", "Token"],
      panels: [
        {
          kind: "timeseries",
          title: ["Input tokens", "输入 token", "Eingabetoken", "Token đầu vào"],
          about: ["Cached ones included.", "含缓存部分。", "Mit Cache.", "Gồm bộ đệm."],
          unit: "short",
          stacked: true,
          queries: [{ expr: rate(metric.inputTokens, ["model"]), legend: "{{model}}" }],
        },
        {
          kind: "timeseries",
          title: ["Output tokens", "输出 token", "Ausgabetoken", "Token đầu ra"],
          about: ["Reasoning included.", "含推理部分。", "Mit Überlegung.", "Gồm suy luận."],
          unit: "short",
          stacked: true,
          queries: [{ expr: rate(metric.outputTokens, ["model"]), legend: "{{model}}" }],
        },
        {
          kind: "timeseries",
          title: [
            "Cached share of input",
            "输入缓存占比",
            "Cache-Anteil der Eingabe",
            "Tỷ lệ đầu vào từ bộ đệm",
          ],
          about: [
            "The part of the input that was read from a prompt cache, which costs less.",
            "从提示缓存读取的输入比例,费用更低。",
            "Der Teil der Eingabe aus einem Prompt-Cache: er kostet weniger.",
            "Phần đầu vào đọc từ bộ đệm, rẻ hơn.",
          ],
          unit: "percentunit",
          queries: [
            {
              expr: ratio(rate(metric.cachedInputTokens, ["model"]), rate(metric.inputTokens, ["model"])),
              legend: "{{model}}",
            },
          ],
        },
        {
          kind: "table",
          title: [
            "Tokens and cost in the range",
            "所选时段的 token 与费用",
            "Token und Kosten im Zeitraum",
            "Token và chi phí trong khoảng",
          ],
          about: [
            "Everything within the dashboard's time range.",
            "仪表盘时间范围内的合计。",
            "Alles im Zeitraum des Dashboards.",
            "Tất cả trong khoảng thời gian của bảng.",
          ],
          unit: "short",
          queries: [
            { expr: increase(metric.outputTokens, "$__range", ["model"]), legend: "output", instant: true },
            { expr: increase(metric.inputTokens, "$__range", ["model"]), legend: "input", instant: true },
            { expr: increase(metric.cost, "$__range", ["model"]), legend: "USD", instant: true },
          ],
        },
      ],
    },
  ],
};
