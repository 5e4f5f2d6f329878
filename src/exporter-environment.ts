/**
 * What the exporter takes from the environment where no file says it: `METRICS_INTERVAL`, `COLLECT_MODULES`. `PORT`
 * is read by its command.
 */
import { probeModules } from "./config/defaults.ts";
import type { Environment } from "./config/environment.ts";
import { ConfigError, nearest, type Problem } from "./config/problems.ts";
import type { Config, ProbesConfig } from "./config/schema.ts";
import { parseDuration } from "./config/units.ts";
import type { ProbeName } from "./probes/probe.ts";
import { defaultProbesConfig } from "./probes/settings.ts";

const MIN_INTERVAL_MS = 1_000;

/**
 * The probes that the exporter runs: those of the file, else those of the environment, else the defaults.
 * @throws ConfigError when a variable cannot be used.
 */
export function exporterProbes(
  config: Config,
  env: Environment,
  warn: (message: string) => void,
): ProbesConfig {
  const { METRICS_INTERVAL: interval = "", COLLECT_MODULES: modules = "" } = env;
  if (config.probes !== undefined) {
    for (const [name, value] of Object.entries({ METRICS_INTERVAL: interval, COLLECT_MODULES: modules })) {
      if (value !== "") warn(`${name} is ignored: the configuration has a section \`probes\`.`);
    }
    return config.probes;
  }
  const problems: Problem[] = [];
  const defaults = defaultProbesConfig();
  const probes = {
    ...defaults,
    ...(interval === "" ? {} : { interval: readInterval(interval, problems) }),
    ...(modules === "" ? {} : { modules: readModules(modules, problems) }),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return probes;
}

/** `15s`, or a number of seconds. */
function readInterval(text: string, problems: Problem[]): number {
  const ms = parseDuration(/^\d+(\.\d+)?$/.test(text.trim()) ? `${text.trim()}s` : text.trim());
  if (ms !== undefined && ms >= MIN_INTERVAL_MS) return ms;
  problems.push({
    path: "METRICS_INTERVAL",
    message: "is not a duration of at least a second",
    hint: "Write a number and a unit, as 15s or 2m.",
  });
  return MIN_INTERVAL_MS;
}

function readModules(text: string, problems: Problem[]): ProbeName[] {
  const names = text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const known: readonly string[] = probeModules;
  for (const name of names) {
    if (known.includes(name)) continue;
    const meant = nearest(name, known);
    problems.push({
      path: "COLLECT_MODULES",
      message: `there is no module ${JSON.stringify(name.slice(0, 40))}`,
      hint: meant === undefined ? `Known: ${known.join(", ")}.` : `Did you mean "${meant}"?`,
    });
  }
  return names.filter((name): name is ProbeName => known.includes(name));
}
