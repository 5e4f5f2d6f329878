/** `bellwether doctor`: looks for what is wrong, and says what to do about it. */
import { Command } from "commander";

interface Options {
  readonly config?: string;
  readonly json?: true;
  readonly prometheus?: string;
}

export function doctorCommand(): Command {
  return new Command("doctor")
    .description(
      "Look for what is wrong (configuration, keys, network, accounts, models), and say what to do",
    )
    .option("-c, --config <file>", "configuration (default: ./bellwether.yaml, if there is one)")
    .option("--prometheus <url>", "see whether this Prometheus scrapes Bellwether")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
It makes one tiny completion for each upstream, and changes nothing. docs/troubleshooting.md has all it can find.

Exit status: 0 when nothing is wrong (warnings do not count), 1 when something is.

Examples:
  $ bellwether doctor
  $ bellwether doctor --prometheus http://127.0.0.1:9090
  $ bellwether doctor --json | jq '.findings[] | select(.ok | not)'`,
    )
    .action(async (options: Options) => {
      const { runDoctor } = await import("./doctor-run.ts");
      process.exitCode = await runDoctor({
        file: options.config,
        json: options.json === true,
        prometheus: options.prometheus,
      });
    });
}
