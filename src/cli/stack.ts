/** `bellwether stack`: Prometheus, Alertmanager and Grafana, set up from the configuration. */
import { Command, InvalidArgumentError, Option } from "commander";

const CONFIG = [
  "-c, --config <file>",
  "configuration file (default: bellwether.yaml in the working folder)",
] as const;
const PROFILES = ["holysheep", "ai_api", "llm", "genai"];

export function stackCommand(): Command {
  const command = new Command("stack")
    .description("Write the files of a monitoring stack, or run one here")
    .option("-o, --out <folder>", "where the files go", "./stack")
    .addOption(
      new Option("-t, --target <target>", "what they are for")
        .choices(["files", "compose", "kubernetes"])
        .default("compose"),
    )
    .addOption(new Option("--profile <name...>", "scrape these metric profiles too").choices(PROFILES))
    .option(...CONFIG)
    .option("--force", "overwrite files that were edited")
    .addHelpText(
      "after",
      `
Writing again changes nothing that has not changed; files you have edited are left alone without --force.

Examples:
  $ bellwether stack --out ./stack                     Docker Compose
  $ bellwether stack --out ./k8s --target kubernetes
  $ bellwether stack run                               here, without Docker`,
    )
    .action(
      async (flags: { out: string; target: string; profile?: string[]; config?: string; force?: true }) => {
        const { writeStack } = await import("./stack-run.ts");
        process.exitCode = await writeStack({
          folder: flags.out,
          target: flags.target as "files" | "compose" | "kubernetes",
          profiles: flags.profile ?? [],
          file: flags.config,
          force: flags.force === true,
        });
      },
    );
  command
    .command("run")
    .description(
      "Run Prometheus, Alertmanager, blackbox and node exporter here, as far as they are installed",
    )
    .option("-o, --out <folder>", "where the files and the data go", "./stack")
    .option(...CONFIG)
    .option("--prometheus-port <number>", "port of Prometheus", port, 9090)
    .option("--alertmanager-port <number>", "port of Alertmanager", port, 9093)
    .option("--blackbox-port <number>", "port of the blackbox exporter", port, 9115)
    .option("--node-port <number>", "port of the node exporter", port, 9100)
    .option("--force", "overwrite files that were edited")
    .addHelpText(
      "after",
      `
It watches the gateway where the configuration says that it listens: start that with \`bellwether serve\`.
Ctrl-C stops everything.`,
    )
    .action(async (_flags: object, self: Command) => {
      const flags = self.optsWithGlobals<RunFlags>();
      const { runStack } = await import("./stack-run.ts");
      process.exitCode = await runStack({
        folder: flags.out,
        file: flags.config,
        force: flags.force === true,
        ports: {
          prometheus: flags.prometheusPort,
          alertmanager: flags.alertmanagerPort,
          blackbox: flags.blackboxPort,
          node: flags.nodePort,
        },
      });
    });
  return command;
}

interface RunFlags {
  readonly out: string;
  readonly config?: string;
  readonly force?: true;
  readonly prometheusPort: number;
  readonly alertmanagerPort: number;
  readonly blackboxPort: number;
  readonly nodePort: number;
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 65_535) {
    throw new InvalidArgumentError("A port is a whole number from 1 to 65535.");
  }
  return value;
}
