/** Alerts on Bellwether's own work. */
import type { AlertTemplate } from "../declaration.ts";
import { above, below, MINUTE } from "./parts.ts";

export const bookkeeping: readonly AlertTemplate[] = [
  {
    name: "ledger-lag",
    severity: "warning",
    unit: "seconds",
    threshold: 5 * MINUTE,
    forS: 5 * MINUTE,
    conditions: (threshold) => [
      above({ op: "max", metric: "bellwether_ledger_lag_seconds", by: [] }, threshold),
    ],
    summary: {
      en: "The ledger is {value} behind",
      zh: "账本落后 {value}",
      de: "Das Hauptbuch hängt {value} zurück",
      vi: "Sổ cái chậm {value}",
    },
    description: {
      en: "Traffic is not affected, and nothing is lost while the journal has room; reports lack the newest calls.",
      zh: "流量不受影响,日志空间足够时不会丢失数据;报表缺少最新的调用。",
      de: "Der Verkehr ist nicht betroffen, und nichts geht verloren, solange das Journal Platz hat; in Berichten fehlen die neuesten Aufrufe.",
      vi: "Lưu lượng không bị ảnh hưởng và không mất gì khi nhật ký còn chỗ; báo cáo thiếu các lượt gọi mới nhất.",
    },
    runbook: {
      means: "Calls wait in the journal and do not get into the database.",
      look: [
        "The log says why: disk full, database locked, ClickHouse not reachable.",
        "bellwether_journal_bytes: how much room is left until the journal's cap?",
      ],
      act: ["Remove the cause; the ledger catches up by itself."],
    },
  },
  {
    name: "notifications-failing",
    severity: "warning",
    unit: "count",
    threshold: undefined,
    forS: 0,
    conditions: () => [
      above(
        {
          op: "increase",
          metric: "bellwether_notifications_total",
          where: { outcome: ["failed", "dropped"] },
          by: ["channel"],
          windowS: 10 * MINUTE,
        },
        0,
      ),
    ],
    summary: {
      en: "{value} messages to {channel} did not arrive",
      zh: "发往 {channel} 的 {value} 条消息未送达",
      de: "{value} Nachrichten an {channel} kamen nicht an",
      vi: "{value} tin gửi tới {channel} không đến nơi",
    },
    description: {
      en: "The channel refused them for good, or too many waited.",
      zh: "通道永久拒绝了这些消息,或等待发送的消息过多。",
      de: "Der Kanal hat sie endgültig abgelehnt, oder es warteten zu viele.",
      vi: "Kênh đã từ chối hẳn, hoặc có quá nhiều tin đang chờ.",
    },
    runbook: {
      means: "Alerts are not told where they should be.",
      look: ["The log has the vendor's answer.", "`bellwether notify test CHANNEL` sends one now."],
      act: ["Mostly the robot's key has changed, or the robot was removed: make a new one."],
    },
  },
  {
    name: "configuration-refused",
    severity: "warning",
    unit: "count",
    threshold: undefined,
    forS: 5 * MINUTE,
    conditions: () => [below({ op: "min", metric: "bellwether_config_last_reload_success", by: [] }, 1)],
    summary: {
      en: "The configuration file is refused",
      zh: "配置文件被拒绝",
      de: "Die Konfigurationsdatei wird abgelehnt",
      vi: "Tệp cấu hình bị từ chối",
    },
    description: {
      en: "The last good one stays in force until the next start, which will fail.",
      zh: "最后一份正确的配置继续生效,但下次启动会失败。",
      de: "Die letzte gute gilt weiter, bis zum nächsten Start: der misslingt.",
      vi: "Cấu hình đúng gần nhất vẫn có hiệu lực, nhưng lần khởi động sau sẽ thất bại.",
    },
    runbook: {
      means: "The file was changed into something that cannot be used.",
      look: ["`bellwether check` names every problem with its line."],
      act: ["Repair the file; it is read again by itself."],
    },
  },
];
