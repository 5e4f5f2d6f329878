/** What is told of reloads, in the log and in metrics; the gateway and the exporter alike. */
import { formatProblem } from "./config/problems.ts";
import type { ReloadResult, ReloadStatus } from "./config/reload.ts";
import type { Logger } from "./core/log.ts";
import { catalogue } from "./metrics/catalogue.ts";
import type { Registry } from "./metrics/registry.ts";

export function logReload(result: ReloadResult, log: Logger): void {
  const { reason, success, problems, restartNeeded, warnings } = result;
  if (success) log.info({ reason }, "configuration reloaded");
  else {
    log.error(
      { reason, problems: problems.map(formatProblem) },
      "configuration refused; the last good one stays in force",
    );
  }
  for (const warning of warnings) log.warn({ reason }, warning);
  if (restartNeeded.length > 0) log.warn({ restartNeeded }, "these settings take effect after a restart");
}

export function showReloads(registry: Registry, reloader: { readonly status: ReloadStatus }): void {
  const success = registry.gauge(catalogue.reloadSuccess).with([]);
  const timestamp = registry.gauge(catalogue.reloadTimestamp).with([]);
  registry.beforeScrape(() => {
    success.set(reloader.status.success ? 1 : 0);
    timestamp.set(reloader.status.loadedAt / 1000);
  });
}
