/** What is told to people at once: a group of alerts, and what a channel needs to know to tell it. */
import { type Alert, nameOf, type Severity, severities, severityOf } from "../core/alert.ts";

export interface Notification {
  /** Identifies the group, so that later notifications of it can be told to belong together. */
  readonly groupKey: string;
  /** The labels all alerts of the group share because it was formed by them. */
  readonly groupLabels: Readonly<Record<string, string>>;
  /** At least one: those that fire, and those that have ended since the last notification. */
  readonly alerts: readonly Alert[];
  /** How many more there were that are not among them. */
  readonly truncated: number;
  /** Where alerts can be looked at, or "". */
  readonly externalUrl: string;
}

/** A group fires as long as one of its alerts does. */
export function statusOf({ alerts }: Notification): "firing" | "resolved" {
  return alerts.some(({ status }) => status === "firing") ? "firing" : "resolved";
}

/** The most urgent of the alerts that fire, or of all when none does. */
export function worstOf(notification: Notification): Severity {
  const firing = notification.alerts.filter(({ status }) => status === "firing");
  const counted = (firing.length > 0 ? firing : notification.alerts).map(severityOf);
  return severities.find((severity) => counted.includes(severity)) ?? "warning";
}

/** Firing before resolved, the urgent before the others, then the older first. */
export function inOrder(alerts: readonly Alert[]): Alert[] {
  const rank = (alert: Alert): number =>
    (alert.status === "firing" ? 0 : severities.length) + severities.indexOf(severityOf(alert));
  return [...alerts].sort(
    (a, b) => rank(a) - rank(b) || a.startsAt - b.startsAt || (nameOf(a) < nameOf(b) ? -1 : 1),
  );
}

/** The labels that all of the alerts have with the same value. */
export function commonOf(
  records: readonly Readonly<Record<string, string>>[],
): Readonly<Record<string, string>> {
  const [first = {}, ...others] = records;
  return Object.fromEntries(
    Object.entries(first).filter(([name, value]) => others.every((other) => other[name] === value)),
  );
}
