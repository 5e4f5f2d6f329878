/** Which channels an alert goes to: the `notify` routes of the configuration. */
import type { NotifyRoute } from "../config/schema.ts";
import { type Alert, nameOf, severityOf } from "../core/alert.ts";
import { matchesWildcard } from "../core/wildcard.ts";

/** The routes that take an alert, by their place: the first that fits, and those after it that it lets in. */
export function routesOf(alert: Alert, routes: readonly NotifyRoute[]): number[] {
  const taken: number[] = [];
  for (const [index, route] of routes.entries()) {
    if (!fits(alert, route)) continue;
    taken.push(index);
    if (!route.continue) break;
  }
  return taken;
}

function fits(alert: Alert, { when }: NotifyRoute): boolean {
  if (when.severity !== undefined && ![when.severity].flat().includes(severityOf(alert))) return false;
  if (when.alert !== undefined && !matches(nameOf(alert), when.alert)) return false;
  return Object.entries(when.labels).every(([name, wanted]) => matches(alert.labels[name] ?? "", wanted));
}

/** Whether a value is one of those wanted; `*` in them stands for any text. */
export function matches(value: string, wanted: string | readonly string[]): boolean {
  return [wanted].flat().some((pattern) => matchesWildcard(value, pattern));
}

/** The labels that decide an alert's group. `alert` is its name. */
export function groupLabelsOf(alert: Alert, groupBy: readonly string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const name of groupBy) {
    const value = name === "alert" ? nameOf(alert) : alert.labels[name];
    if (value !== undefined) labels[name === "alert" ? "alertname" : name] = value;
  }
  return labels;
}
