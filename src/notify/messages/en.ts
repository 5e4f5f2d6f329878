/** English. */
import type { Messages } from "./messages.ts";

export const en: Messages = {
  firing: "Firing",
  resolved: "Resolved",
  critical: "critical",
  warning: "warning",
  info: "info",
  since: "Since",
  ended: "Ended",
  lasted: "Lasted",
  value: "Value",
  runbook: "What to do",
  details: "Details",
  dashboard: "Dashboard",
  more: "and {count} more",
  alerts: "{count} alerts",
  test: "This is a test of the channel “{channel}”. Nothing is wrong.",
};
