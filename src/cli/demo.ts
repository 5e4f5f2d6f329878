/** `bellwether demo`: believable traffic, so that there is something to look at. */
import { Command, InvalidArgumentError, Option } from "commander";
import { environment } from "../config/environment.ts";
import { loadConfig } from "../config/load.ts";
import { parseDuration } from "../config/units.ts";

interface Flags {
  readonly url?: string;
  readonly own?: true;
  readonly port?: number;
  readonly key?: readonly string[];
  readonly rate?: number;
  readonly day: number;
  readonly duration?: number;
  readonly incident: boolean;
  readonly history: boolean;
  readonly seed: number;
  readonly yesItCosts?: true;
  readonly json?: true;
}

const DAY_MS = 4 * 60_000;
const MOST_PER_SECOND = 200;

export function demoCommand(): Command {
  return new Command("demo")
    .description("Send believable traffic, so that the page and the reports have something to show")
    .option(
      "--url <address>",
      "the Bellwether to send to (default: the one that runs here, else one of its own)",
    )
    .option("--own", "start one with simulated upstreams even when one runs")
    .option("-p, --port <number>", "port of its own server; 0 takes any free one (default: 8000)", port)
    .option(
      "--key <key>",
      "an app's key where calls need one (repeatable)",
      (key, all: readonly string[] = []) => [...all, key],
    )
    .option("--rate <number>", "calls a second, on average of a day (default: 5)", rate)
    .addOption(
      new Option("--day <duration>", "how long a day takes").argParser(duration).default(DAY_MS, "4m"),
    )
    .option("--duration <duration>", "end after this long (default: when told to stop)", duration)
    .option("--no-incident", "no upstream slows down and fails")
    .option("--no-history", "its own server begins with an empty ledger")
    .option("--seed <number>", "decides what is invented", whole, 1)
    .option("--yes-it-costs", "send to upstreams that are not simulated, and may charge for it")
    .option("--json", "print the summary as JSON")
    .addHelpText(
      "after",
      `
Five applications call eleven models over every API, streamed and not. A day takes four minutes; in its morning an
upstream slows down, fails and heals. Where no Bellwether runs, the demo starts one with simulated upstreams and
weeks of invented history in a temporary folder, which is removed in the end. Nothing leaves this machine.

Where upstreams are not simulated it sends nothing, unless --yes-it-costs is given: then a call every two seconds, of 32
tokens at most, without images and sound.

Ctrl-C ends it and prints what was sent.

Examples:
  $ bellwether demo                         then open http://127.0.0.1:8000/
  $ bellwether demo --day 1m --rate 20      a busier, shorter day
  $ bellwether demo --duration 30s --json | jq .calls`,
    )
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const { runDemo } = await import("./demo/run.ts");
  const { config } = await loadConfig({ file: undefined, cwd: process.cwd(), env: environment() });
  const host = "127.0.0.1";
  const onPort = flags.port ?? config.server.port;
  const stop = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => {
        resolve();
        process.once(signal, () => process.exit(130));
      });
    }
  });
  process.exitCode = await runDemo(
    {
      url: flags.url,
      address: { host, port: onPort, url: `http://${host}:${onPort}` },
      own: flags.own === true || flags.port === 0,
      keys: flags.key ?? [],
      rate: flags.rate,
      dayMs: flags.day,
      durationMs: flags.duration,
      incident: flags.incident,
      history: flags.history,
      seed: flags.seed,
      paid: flags.yesItCosts === true,
      json: flags.json === true,
    },
    stop,
  );
}

function port(text: string): number {
  const value = whole(text);
  if (value > 65_535) throw new InvalidArgumentError("A port is a whole number from 0 to 65535.");
  return value;
}

function rate(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= MOST_PER_SECOND)) {
    throw new InvalidArgumentError(`Write a number above 0 and up to ${MOST_PER_SECOND}.`);
  }
  return value;
}

function duration(text: string): number {
  const value = parseDuration(text);
  if (value === undefined || value < 1_000) {
    throw new InvalidArgumentError("Write a duration of a second or more: 30s, 4m, 1h.");
  }
  return value;
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}
