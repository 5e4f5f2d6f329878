/** The work of `bellwether notify`. */
import { environment } from "../config/environment.ts";
import { loadConfig } from "../config/load.ts";
import { nearest } from "../config/problems.ts";
import type { Config } from "../config/schema.ts";
import { formatDuration } from "../config/units.ts";
import { systemClock } from "../core/clock.ts";
import { Metrics } from "../metrics/metrics.ts";
import { Notifier } from "../notify/notifier.ts";
import { styler } from "./style.ts";

async function load(file: string | undefined): Promise<Config> {
  return (await loadConfig({ file, cwd: process.cwd(), env: environment() })).config;
}

const NONE =
  "No channels are configured. Add one, for example:\n\n  channels:\n    ops-slack: { type: slack, url: https://hooks.slack.com/services/… }\n";

/** Prints what is configured; the exit status. */
export async function listChannels(file: string | undefined, json: boolean): Promise<number> {
  const config = await load(file);
  const { channels, routes } = notifierOf(config);
  const rows = channels.map((name) => {
    const { type, language } = config.channels[name] ?? { type: "", language: "" };
    const taken = routes.filter(({ to }) => to.includes(name)).map(describe);
    return { name, type, language, routes: taken };
  });
  if (json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  else if (rows.length === 0) process.stdout.write(NONE);
  else {
    const paint = styler(process.stdout);
    for (const { name, type, language, routes: taken } of rows) {
      process.stdout.write(`${paint("bold", name)}  ${type}, ${language}\n`);
      for (const text of taken) process.stdout.write(`  ${text}\n`);
      if (taken.length === 0) process.stdout.write(`  ${paint("yellow", "no route leads here")}\n`);
    }
  }
  return 0;
}

function describe({ when, repeatEvery, groupBy, continue: goesOn }: Config["notify"][number]): string {
  const conditions = [
    ...(when.severity === undefined ? [] : [`severity ${[when.severity].flat().join(" or ")}`]),
    ...(when.alert === undefined ? [] : [`alert ${[when.alert].flat().join(" or ")}`]),
    ...Object.entries(when.labels).map(([name, value]) => `${name} ${[value].flat().join(" or ")}`),
  ];
  const what = conditions.length === 0 ? "everything else" : conditions.join(", ");
  const grouped = groupBy.length === 0 ? "all in one" : `by ${groupBy.join(", ")}`;
  return `${what}; ${grouped}; again every ${formatDuration(repeatEvery)}${goesOn ? "; then the next routes" : ""}`;
}

/** Sends the test messages; the exit status. */
export async function testChannels(
  names: readonly string[],
  options: { readonly file: string | undefined; readonly json: boolean; readonly all: boolean },
): Promise<number> {
  const config = await load(options.file);
  const notifier = notifierOf(config);
  const known = notifier.channels;
  const wanted = options.all ? known : names;
  if (wanted.length === 0) {
    process.stderr.write(
      known.length === 0 ? NONE : `Name a channel (${known.join(", ")}), or give --all.\n`,
    );
    return 1;
  }
  const paint = styler(process.stdout);
  const results = [];
  for (const name of wanted) {
    const verdict = await notifier.test(name);
    const why = verdict === undefined ? unknown(name, known) : verdict.arrived ? "" : verdict.why;
    const arrived = verdict?.arrived === true;
    results.push({ channel: name, arrived, why });
    if (options.json) continue;
    process.stdout.write(
      arrived ? `${paint("green", "arrived")}  ${name}\n` : `${paint("red", "FAILED ")}  ${name}: ${why}\n`,
    );
  }
  if (options.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  await notifier.close(0);
  return results.every(({ arrived }) => arrived) ? 0 : 1;
}

function unknown(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  return `there is no such channel. ${meant === undefined ? `Configured: ${known.join(", ") || "none"}.` : `Did you mean "${meant}"?`}`;
}

function notifierOf(config: Config): Notifier {
  const log = { info: silent, warn: silent, error: silent, debug: silent };
  const notifier = new Notifier({ clock: systemClock, log, registry: new Metrics().registry });
  notifier.configure(config.channels, config.notify);
  return notifier;
}

function silent(): void {}
