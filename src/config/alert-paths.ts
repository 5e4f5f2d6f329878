/** Where the alerts' state is kept. */
import { dirname, resolve } from "node:path";
import type { Loaded } from "./load.ts";

/** Relative to the configuration file's folder, or to the working folder when there is no file. */
export function alertsStatePath({ config, file }: Pick<Loaded, "config" | "file">, cwd: string): string {
  return resolve(file === undefined ? cwd : dirname(file), config.alerts.statePath);
}
