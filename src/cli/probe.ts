/** `bellwether probe`: probes upstreams now and shows what was found. */
import { Command, InvalidArgumentError } from "commander";
import { probeModules } from "../config/defaults.ts";
import { parseDuration } from "../config/units.ts";

interface Options {
  readonly config?: string;
  readonly module?: readonly string[];
  readonly json?: true;
  readonly watch?: number | true;
}

/** How often `--watch` probes unless it says so itself. */
const WATCH_MS = 10_000;

export function probeCommand(): Command {
  return new Command("probe")
    .description("Probe upstreams now: how fast they answer, and whether key, models and balance are well")
    .argument("[upstream...]", "names of upstreams, as in the configuration (default: all)")
    .option("-c, --config <file>", "configuration (default: ./bellwether.yaml, if there is one)")
    .option(
      "-m, --module <names>",
      `what to do, of ${probeModules.join(", ")} (default: the configured ones, else models,chat,balance,tls)`,
      modules,
    )
    .option("--json", "print JSON, with --watch one line for each round")
    .option("-w, --watch [interval]", "go on, every 10s or so often, until it is stopped", interval)
    .addHelpText(
      "after",
      `
A call may cost a fraction of a cent; images cost more and are made only when named.

Exit status: 0 when all is well, 1 when something is not.

Examples:
  $ HOLYSHEEP_API_KEY=… bellwether probe
  $ bellwether probe holysheep --module chat --watch 5s
  $ bellwether probe --json | jq '.[] | select(.success | not)'`,
    )
    .action(async (upstreams: string[], options: Options) => {
      const { runProbes } = await import("./probe-run.ts");
      const watch = options.watch === true ? WATCH_MS : options.watch;
      process.exitCode = await runProbes(upstreams, {
        file: options.config,
        modules: options.module,
        json: options.json === true,
        watchMs: watch,
      });
    });
}

function modules(text: string): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  const known: readonly string[] = probeModules;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new InvalidArgumentError(`Use some of ${known.join(", ")}.`);
  return names;
}

function interval(text: string): number {
  const ms = parseDuration(/^\d+$/.test(text) ? `${text}s` : text);
  if (ms === undefined || ms < 1000) throw new InvalidArgumentError("Write at least a second, as 5s or 1m.");
  return ms;
}
