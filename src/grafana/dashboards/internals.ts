/** Gateway internals: does Bellwether itself do well? */
import type { DashboardSpec } from "../panels.ts";
import { gauge, increase, metric, quantile, rate } from "../queries.ts";

export const internals: DashboardSpec = {
  name: "internals",
  title: [
    "Bellwether · Internals",
    "Bellwether · 内部状态",
    "Bellwether · Innenleben",
    "Bellwether · Nội bộ",
  ],
  about: [
    "Whether Bellwether itself does well.",
    "Bellwether 自身是否运行良好。",
    "Ob es Bellwether selbst gut geht.",
    "Bản thân Bellwether có ổn không.",
  ],
  rows: [
    {
      title: ["Work", "工作", "Arbeit", "Công việc"],
      panels: [
        {
          kind: "timeseries",
          title: [
            "Own share of a call",
            "自身耗时",
            "Eigener Anteil eines Aufrufs",
            "Phần thời gian của Bellwether",
          ],
          about: [
            "Time in Bellwether, waiting neither for the upstream nor the client.",
            "在 Bellwether 内的时间,不含等待上游或客户端。",
            "Zeit in Bellwether, ohne Warten auf Upstream oder Client.",
            "Thời gian trong Bellwether, không tính lúc chờ nguồn hay máy khách.",
          ],
          unit: "s",
          queries: [0.5, 0.95, 0.99].map((q) => ({
            expr: quantile(q, metric.overhead),
            legend: `p${q * 100}`,
          })),
        },
        {
          kind: "timeseries",
          title: ["Memory and CPU", "内存与 CPU", "Speicher und CPU", "Bộ nhớ và CPU"],
          about: [
            "Resident memory of the process, and its CPU seconds per second.",
            "进程常驻内存,以及每秒 CPU 秒数。",
            "Speicher des Prozesses und CPU-Sekunden je Sekunde.",
            "Bộ nhớ thường trú và số giây CPU mỗi giây.",
          ],
          unit: "bytes",
          queries: [
            { expr: 'process_resident_memory_bytes{job="bellwether"}', legend: "memory {{instance}}" },
            { expr: "bellwether_ledger_resident_memory_bytes", legend: "ledger {{instance}}" },
          ],
        },
        {
          kind: "timeseries",
          title: [
            "Event loop lag, p99",
            "事件循环延迟 p99",
            "Verzug der Ereignisschleife, p99",
            "Độ trễ vòng lặp sự kiện, p99",
          ],
          about: [
            "How late the process does what is due.",
            "进程处理到期事件的延迟。",
            "Wie spät der Prozess tut, was ansteht.",
            "Tiến trình xử lý trễ bao lâu.",
          ],
          unit: "s",
          thresholds: [0.05, 0.2],
          queries: [{ expr: 'nodejs_eventloop_lag_p99_seconds{job="bellwether"}', legend: "{{instance}}" }],
        },
        {
          kind: "timeseries",
          title: [
            "Where usage came from",
            "用量来源",
            "Woher der Verbrauch bekannt ist",
            "Nguồn số liệu sử dụng",
          ],
          about: [
            "Reported by the upstream, estimated, partial, or missing.",
            "上游返回、估算、部分或缺失。",
            "Vom Upstream gemeldet, geschätzt, teilweise oder fehlend.",
            "Do nguồn báo, ước tính, một phần, hoặc thiếu.",
          ],
          unit: "percentunit",
          runbook: "missing-usage",
          queries: [
            {
              expr: `${rate(metric.usageRecords, ["source"])} / ignoring(source) group_left ${rate(metric.usageRecords)}`,
              legend: "{{source}}",
            },
          ],
        },
      ],
    },
    {
      title: ["Bookkeeping", "记账", "Buchführung", "Ghi sổ"],
      panels: [
        {
          kind: "timeseries",
          title: ["Messages to channels", "通道消息", "Nachrichten an Kanäle", "Tin gửi tới kênh"],
          about: ["By what became of them.", "按结果。", "Nach dem, was daraus wurde.", "Theo kết quả."],
          unit: "short",
          runbook: "notifications-failing",
          mayBeEmpty: "no channel is configured",
          queries: [
            {
              expr: increase(metric.notifications, "$__rate_interval", ["channel", "outcome"]),
              legend: "{{channel}} {{outcome}}",
            },
          ],
        },
        {
          kind: "timeseries",
          title: ["Alerts that fire", "触发中的告警", "Ausgelöste Alarme", "Cảnh báo đang kích hoạt"],
          about: [
            "As evaluated in process.",
            "由进程内评估。",
            "Wie im Prozess ausgewertet.",
            "Theo đánh giá trong tiến trình.",
          ],
          unit: "short",
          stacked: true,
          queries: [
            {
              expr: `${gauge(metric.alertFiring, "max", ["alert"])} > 0 or on() vector(0)`,
              legend: "{{alert}}",
            },
          ],
        },
        {
          kind: "timeseries",
          title: [
            "Refused by Bellwether",
            "被 Bellwether 拒绝",
            "Von Bellwether abgelehnt",
            "Bị Bellwether từ chối",
          ],
          about: ["By the rule that refused.", "按拒绝规则。", "Nach der Regel.", "Theo quy tắc từ chối."],
          unit: "reqps",
          runbook: "client-auth-failures",
          queries: [{ expr: rate(metric.rejected, ["app", "reason"]), legend: "{{app}} {{reason}}" }],
        },
        {
          kind: "timeseries",
          title: [
            "Label values beyond the bound",
            "超出上限的标签值",
            "Labelwerte über der Grenze",
            "Giá trị nhãn vượt giới hạn",
          ],
          about: ["Counted as `other`.", "计为 `other`。", "Als `other` gezählt.", "Tính vào `other`."],
          unit: "short",
          queries: [
            { expr: increase(metric.labelOverflow, "$__rate_interval", ["label"]), legend: "{{label}}" },
          ],
        },
        {
          kind: "stat",
          title: ["Version", "版本", "Version", "Phiên bản"],
          about: [
            "Of Bellwether and Node.js.",
            "Bellwether 与 Node.js。",
            "Von Bellwether und Node.js.",
            "Của Bellwether và Node.js.",
          ],
          unit: "none",
          queries: [
            { expr: gauge(metric.buildInfo, "max", ["version", "node"]), legend: "{{version}} on {{node}}" },
          ],
        },
        {
          kind: "stat",
          title: ["Configuration", "配置", "Konfiguration", "Cấu hình"],
          about: [
            "1: the last reading succeeded.",
            "1 表示最近一次读取成功。",
            "1: das letzte Lesen gelang.",
            "1: lần đọc gần nhất thành công.",
          ],
          unit: "none",
          thresholds: [1, 0.5],
          runbook: "configuration-refused",
          queries: [{ expr: gauge(metric.reloadSuccess, "min"), legend: "configuration" }],
        },
      ],
    },
  ],
};
