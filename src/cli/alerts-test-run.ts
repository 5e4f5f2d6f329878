/** The work of `bellwether alerts test`. */
import { environment } from "../config/environment.ts";
import { loadConfig } from "../config/load.ts";
import { nearest } from "../config/problems.ts";
import type { Config } from "../config/schema.ts";
import type { Severity } from "../core/alert.ts";
import { type DrillStep, fireDrill } from "../fire-drill.ts";
import { styler } from "./style.ts";

export interface TestOptions {
  readonly config?: string;
  readonly through: "bellwether" | "prometheus";
  readonly channel?: readonly string[];
  readonly severity: Severity;
  readonly json?: true;
}

const STEPS: Readonly<Record<DrillStep["what"], string>> = {
  ready: "calls go well through a simulated relay",
  broken: "the relay fails from now on",
  fires: "the alert fires",
  told: "was told",
  healed: "the relay works again",
  resolved: "the alert is resolved",
  "told it is over": "was told that it is over",
};

/** Runs the drill and prints how it goes; the exit status. */
export async function testAlerts(options: TestOptions): Promise<number> {
  const env = environment();
  const { config } = await loadConfig({ file: options.config, cwd: process.cwd(), env });
  const channels = chosen(config.channels, options.channel);
  const paint = styler(process.stderr);
  const results = await fireDrill({
    channels,
    notify: config.notify,
    severity: options.severity,
    through: options.through,
    searchPath: env.PATH ?? "",
    onStep: ({ what, channel, ms }) => {
      if (options.json) return;
      const time = ms === undefined ? "" : `${(ms / 1_000).toFixed(1)} s`;
      const who = channel === undefined ? "" : `${paint("bold", channel)} `;
      process.stderr.write(`${time.padStart(8)}  ${who}${STEPS[what]}\n`);
    },
  });
  if (options.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  const untold = results.filter(({ toldMs, overMs }) => toldMs === undefined || overMs === undefined);
  for (const { channel, toldMs } of untold) {
    const what = toldMs === undefined ? "was not told" : "was not told that it is over";
    process.stderr.write(
      `${paint("red", "FAILED")}  ${channel} ${what}. Does a route with severity ${options.severity} lead there? \`bellwether notify test ${channel}\` says what the vendor answers.\n`,
    );
  }
  return untold.length === 0 ? 0 : 1;
}

/** @throws Error when there is none, or none of that name */
function chosen(channels: Config["channels"], names: readonly string[] | undefined): Config["channels"] {
  const known = Object.keys(channels);
  if (known.length === 0) {
    throw new Error(
      "no channels are configured, so that nobody could be told; see `bellwether notify list`.",
    );
  }
  for (const name of names ?? []) {
    if (known.includes(name)) continue;
    const meant = nearest(name, known);
    const hint = meant === undefined ? `Configured: ${known.join(", ")}.` : `Did you mean "${meant}"?`;
    throw new Error(`there is no channel "${name}". ${hint}`);
  }
  return Object.fromEntries(
    Object.entries(channels).filter(([name]) => names === undefined || names.includes(name)),
  );
}
