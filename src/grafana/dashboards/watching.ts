/** Rows about what Bellwether finds out by itself: probes, keys, certificates, balances. */
import type { RowSpec } from "../panels.ts";
import { gauge, metric, rate, ratio } from "../queries.ts";

const NO_PROBES = "no probes are configured";
const NO_BALANCE = "no balance poller is configured, or the account has no limit";

export const probing: RowSpec = {
  title: ["Probes", "探测", "Proben", "Phép thử"],
  panels: [
    {
      kind: "table",
      title: ["Probes now", "当前探测", "Proben jetzt", "Phép thử hiện tại"],
      about: [
        "1: the last run found the upstream well.",
        "1:上次探测正常。",
        "1: der letzte Lauf fand den Upstream gesund.",
        "1: lần chạy gần nhất thấy nguồn ổn.",
      ],
      unit: "none",
      thresholds: [1, 0.5],
      runbook: "probe-failing",
      mayBeEmpty: NO_PROBES,
      queries: [
        {
          expr: gauge(metric.probeSuccess, "min", ["upstream", "probe", "model"]),
          legend: "{{upstream}} {{probe}}",
          instant: true,
        },
      ],
    },
    {
      kind: "timeseries",
      title: ["Probe success", "探测成功", "Erfolg der Proben", "Phép thử thành công"],
      about: ["1 is well, 0 is not.", "1 正常,0 异常。", "1 ist gesund, 0 nicht.", "1 là ổn, 0 là không."],
      unit: "none",
      thresholds: [1, 0.5],
      runbook: "probe-failing",
      mayBeEmpty: NO_PROBES,
      queries: [
        { expr: gauge(metric.probeSuccess, "min", ["upstream", "probe"]), legend: "{{upstream}} {{probe}}" },
      ],
    },
    {
      kind: "timeseries",
      title: ["Probe duration", "探测耗时", "Dauer der Proben", "Thời lượng phép thử"],
      about: ["Of the last run.", "上次探测。", "Des letzten Laufs.", "Của lần chạy gần nhất."],
      unit: "s",
      mayBeEmpty: NO_PROBES,
      queries: [
        { expr: gauge(metric.probeDuration, "max", ["upstream", "probe"]), legend: "{{upstream}} {{probe}}" },
      ],
    },
    {
      kind: "timeseries",
      title: ["Where the time goes", "耗时构成", "Wo die Zeit bleibt", "Thời gian đi đâu"],
      about: [
        "Name, connection, TLS, first byte, first token, each further token.",
        "域名、连接、TLS、首字节、首个 token、每个后续 token。",
        "Name, Verbindung, TLS, erstes Byte, erstes Token, jedes weitere Token.",
        "Tên miền, kết nối, TLS, byte đầu, token đầu, mỗi token tiếp theo.",
      ],
      unit: "s",
      mayBeEmpty: NO_PROBES,
      queries: [
        { expr: gauge(metric.probePhase, "max", ["upstream", "phase"]), legend: "{{upstream}} {{phase}}" },
      ],
    },
    {
      kind: "stat",
      title: ["Probes today", "今日探测费用", "Proben heute", "Phép thử hôm nay"],
      about: [
        "What probes have cost since midnight UTC.",
        "UTC 零点以来的探测费用。",
        "Kosten der Proben seit Mitternacht UTC.",
        "Chi phí phép thử từ nửa đêm UTC.",
      ],
      unit: "currencyUSD",
      mayBeEmpty: NO_PROBES,
      queries: [{ expr: gauge(metric.probeSpentToday), legend: "spent" }],
    },
    {
      kind: "stat",
      title: ["Of the probes' cap", "占探测预算", "Vom Deckel der Proben", "So với trần phép thử"],
      about: [
        "Share of what probes may cost in a day.",
        "占每日探测费用上限的比例。",
        "Anteil dessen, was Proben am Tag kosten dürfen.",
        "Tỷ lệ so với mức phép thử được tiêu mỗi ngày.",
      ],
      unit: "percentunit",
      thresholds: [0.8, 1],
      mayBeEmpty: NO_PROBES,
      queries: [
        { expr: ratio(gauge(metric.probeSpentToday), gauge(metric.probeSpendLimit)), legend: "share" },
      ],
    },
  ],
};

export const accounts: RowSpec = {
  title: ["Keys and money", "密钥与余额", "Schlüssel und Guthaben", "Khóa và tiền"],
  panels: [
    {
      kind: "table",
      title: ["State of the keys", "密钥状态", "Zustand der Schlüssel", "Trạng thái khóa"],
      about: [
        "1 stands beside the state that each key is in.",
        "1 表示密钥所处的状态。",
        "Die 1 steht beim Zustand, in dem der Schlüssel ist.",
        "Số 1 nằm ở trạng thái của khóa.",
      ],
      unit: "none",
      runbook: "key-invalid",
      mayBeEmpty: "neither calls nor probes have tried the key yet",
      queries: [
        {
          expr: `${gauge(metric.keyState, "max", ["upstream", "key", "state"])} == 1`,
          legend: "{{upstream}} {{key}} {{state}}",
          instant: true,
        },
      ],
    },
    {
      kind: "timeseries",
      title: ["Balance", "余额", "Guthaben", "Số dư"],
      about: [
        "In the account's own currency.",
        "以账户币种计。",
        "In der Währung des Kontos.",
        "Theo đơn vị tiền của tài khoản.",
      ],
      unit: "short",
      runbook: "balance-low",
      mayBeEmpty: NO_BALANCE,
      queries: [
        {
          expr: gauge(metric.balance, "min", ["upstream", "currency"]),
          legend: "{{upstream}} {{currency}}",
        },
      ],
    },
    {
      kind: "stat",
      title: ["Balance lasts", "余额可用", "Guthaben reicht", "Số dư còn đủ"],
      about: [
        "If it falls on as lately.",
        "按最近的消耗速度。",
        "Wenn es so weiter fällt.",
        "Nếu tiếp tục giảm như gần đây.",
      ],
      unit: "s",
      width: 8,
      thresholds: [86_400, 21_600],
      runbook: "balance-ending",
      mayBeEmpty: "the balance does not fall, or none is known",
      queries: [
        {
          expr: `${gauge(metric.balanceExhausted, "min", ["upstream"])} - time()`,
          legend: "{{upstream}}",
        },
      ],
    },
    {
      kind: "bargauge",
      title: ["Quota used", "额度使用", "Kontingent verbraucht", "Hạn mức đã dùng"],
      about: ["Share of the account.", "占账户额度的比例。", "Anteil des Kontos.", "Tỷ lệ của tài khoản."],
      unit: "percentunit",
      width: 8,
      thresholds: [0.8, 0.95],
      runbook: "quota-80",
      mayBeEmpty: NO_BALANCE,
      queries: [
        {
          expr: ratio(
            gauge(metric.quotaUsed, "max", ["upstream", "currency"]),
            gauge(metric.quotaLimit, "max", ["upstream", "currency"]),
          ),
          legend: "{{upstream}} {{currency}}",
        },
      ],
    },
    {
      kind: "stat",
      title: ["Certificates last", "证书剩余时间", "Zertifikate gelten noch", "Chứng chỉ còn hạn"],
      about: [
        "Until the first of an upstream's certificates expires.",
        "距上游证书过期。",
        "Bis das erste Zertifikat eines Upstreams abläuft.",
        "Cho tới khi chứng chỉ của nguồn hết hạn.",
      ],
      unit: "s",
      width: 8,
      thresholds: [1_209_600, 604_800],
      runbook: "certificate-expiring",
      mayBeEmpty: "no TLS probe runs, or the upstreams have no TLS",
      queries: [
        {
          expr: `${gauge(metric.certificateExpiry, "min", ["upstream"])} - time()`,
          legend: "{{upstream}}",
        },
      ],
    },
    {
      kind: "timeseries",
      title: [
        "Models that came and went",
        "模型变动",
        "Modelle, die kamen und gingen",
        "Mô hình xuất hiện và biến mất",
      ],
      about: [
        "In the upstreams' own lists.",
        "上游模型列表的变化。",
        "In den Listen der Upstreams.",
        "Trong danh sách của nguồn.",
      ],
      unit: "short",
      mayBeEmpty: "the lists have not changed",
      queries: [
        { expr: rate(metric.modelChanges, ["upstream", "change"]), legend: "{{upstream}} {{change}}" },
      ],
    },
  ],
};
