/** Shows the labels of apps as metrics, so that a dashboard can sum what apps cost by environment, owner or team. */
import type { Config } from "./config/schema.ts";
import { catalogue } from "./metrics/catalogue.ts";
import type { Registry } from "./metrics/registry.ts";

/** Shows these apps' labels in place of what was shown before. */
export function showAppLabels(registry: Registry, apps: Config["apps"]): void {
  const gauge = registry.gauge(catalogue.appLabel);
  gauge.clear();
  for (const { name, team, labels = {} } of apps) {
    const all = team === undefined ? labels : { team, ...labels };
    for (const [label, value] of Object.entries(all)) gauge.with([name, label, value]).set(1);
  }
}
