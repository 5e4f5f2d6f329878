/** `bellwether alerts`: what fires, who is not told of it and since when, silences, and a drill of the whole chain. */
import { Command, Option } from "commander";

interface Common {
  readonly config?: string;
  readonly url?: string;
  readonly json?: true;
}

const asks = (command: Command): Command =>
  command
    .option("-c, --config <file>", "configuration file (default: bellwether.yaml in the working folder)")
    .option("--url <url>", "the Bellwether to ask (default: the one of this configuration)")
    .option("--json", "print JSON");

export function alertsCommand(): Command {
  const command = new Command("alerts").description(
    "Show what fires, silence it, and test that you would be told",
  );
  asks(command.command("list").description("Print the alerts that fire or are about to"))
    .option("-a, --all", "every rule, also those that are quiet")
    .addHelpText("after", LIST_HELP)
    .action(async (options: Common & { all?: true }) => {
      const { listAlerts } = await import("./alerts-run.ts");
      process.exitCode = await listAlerts(options, options.all === true);
    });
  asks(command.command("history").description("Print what fired and was resolved, the newest first")).action(
    async (options: Common) => {
      const { alertHistory } = await import("./alerts-run.ts");
      await alertHistory(options);
    },
  );
  asks(
    command
      .command("silence")
      .description("Tell nobody of some alerts for a while")
      .argument("<matcher...>", "an alert's name, or label=value; * stands for any text"),
  )
    .requiredOption("--for <duration>", "how long, as 2h or 1d, of at most 30d")
    .option("--comment <text>", "why, for those who wonder")
    .addHelpText("after", SILENCE_HELP)
    .action(async (matchers: string[], options: Common & { for: string; comment?: string }) => {
      const { silenceAlerts } = await import("./alerts-run.ts");
      await silenceAlerts(matchers, options);
    });
  asks(command.command("silences").description("Print the silences that have not ended")).action(
    async (options: Common) => {
      const { listSilences } = await import("./alerts-run.ts");
      await listSilences(options);
    },
  );
  asks(
    command.command("unsilence").description("End a silence now").argument("<id>", "as `silences` prints it"),
  ).action(async (id: string, options: Common) => {
    const { endSilence } = await import("./alerts-run.ts");
    await endSilence(id, options);
  });
  command
    .command("test")
    .description(
      "A fire drill: breaks a simulated upstream and sees that the channels are told, then heals it",
    )
    .option("-c, --config <file>", "configuration file (default: bellwether.yaml in the working folder)")
    .addOption(
      new Option("--through <what>", "what evaluates the alert and tells Alertmanager or the channels")
        .choices(["bellwether", "prometheus"])
        .default("bellwether"),
    )
    .option("--channel <name...>", "only these channels (default: all that the routes lead to)")
    .addOption(
      new Option("--severity <severity>", "of the drill's alert")
        .choices(["critical", "warning", "info"])
        .default("critical"),
    )
    .option("--json", "print JSON")
    .addHelpText("after", TEST_HELP)
    .action(
      async (options: {
        config?: string;
        through: "bellwether" | "prometheus";
        channel?: string[];
        severity: "critical" | "warning" | "info";
        json?: true;
      }) => {
        const { testAlerts } = await import("./alerts-test-run.ts");
        process.exitCode = await testAlerts(options);
      },
    );
  return command;
}

const LIST_HELP = `
Exit status: 0 when nothing fires, 2 when something does.

Examples:
  $ bellwether alerts list
  $ bellwether alerts list --all --json`;

const SILENCE_HELP = `
Examples:
  $ bellwether alerts silence high-latency --for 2h --comment "the relay told us"
  $ bellwether alerts silence 'upstream-*' upstream=holysheep --for 30m`;

const TEST_HELP = `
It starts a gateway and a simulated relay of its own: your traffic and your figures are not touched. Your channels get
real messages about an alert called fire-drill. With --through prometheus, Prometheus and Alertmanager, which must be
installed, evaluate and route it with the generated files.

Exit status: 0 when every channel was told that it fires and that it is over, 1 when one was not.

Examples:
  $ bellwether alerts test
  $ bellwether alerts test --through prometheus --channel ops-wecom`;
