/** Where it is kept what probes have cost today. */
import { dirname, join } from "node:path";
import { alertsStatePath } from "./alert-paths.ts";
import type { Loaded } from "./load.ts";

/** Beside the alerts' state. The exporter, which may run beside a gateway, has its own. */
export function probeSpendPath(
  loaded: Pick<Loaded, "config" | "file">,
  cwd: string,
  program: "gateway" | "exporter",
): string {
  return join(dirname(alertsStatePath(loaded, cwd)), `probe-spend-${program}.json`);
}
