/** `bellwether notify`: the configured channels, and a test message to any of them. */
import { Command } from "commander";

interface Options {
  readonly config?: string;
  readonly json?: true;
  readonly all?: true;
}

const CONFIG = [
  "-c, --config <file>",
  "configuration file (default: bellwether.yaml in the working folder)",
] as const;

export function notifyCommand(): Command {
  const command = new Command("notify").description(
    "Show the channels that alerts are told to, and test them",
  );
  command
    .command("list")
    .description("Print the channels and which alerts go to them")
    .option(...CONFIG)
    .option("--json", "print JSON")
    .action(async (options: Options) => {
      const { listChannels } = await import("./notify-run.ts");
      process.exitCode = await listChannels(options.config, options.json === true);
    });
  command
    .command("test")
    .description("Send a test message now, and tell what the vendor said")
    .argument("[channel...]", "names of channels, as in the configuration")
    .option(...CONFIG)
    .option("--all", "test every channel")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
Exit status: 0 when every message arrived, 1 when one did not.

Examples:
  $ bellwether notify test ops-slack
  $ bellwether notify test --all --json`,
    )
    .action(async (names: string[], options: Options) => {
      const { testChannels } = await import("./notify-run.ts");
      process.exitCode = await testChannels(names, {
        file: options.config,
        json: options.json === true,
        all: options.all === true,
      });
    });
  return command;
}
