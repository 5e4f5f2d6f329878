/** 简体中文。 */
import type { Messages } from "./messages.ts";

export const zh: Messages = {
  firing: "告警",
  resolved: "已恢复",
  critical: "严重",
  warning: "警告",
  info: "提示",
  since: "开始时间",
  ended: "结束时间",
  lasted: "持续时间",
  value: "当前值",
  runbook: "处理方法",
  details: "详情",
  dashboard: "仪表盘",
  more: "另有 {count} 条",
  alerts: "{count} 条告警",
  test: "这是通道“{channel}”的测试消息,一切正常。",
};
