/** `bellwether export`, `bellwether import` and `bellwether ledger repair`: the ledger's rows in files. */
import { Command, InvalidArgumentError, Option } from "commander";
import type { ExportOptions, ImportCommandOptions } from "./ledger-files-run.ts";

const CONFIG = [
  "-c, --config <file>",
  "configuration file (default: bellwether.yaml, if there is one)",
] as const;

export function exportCommand(): Command {
  return new Command("export")
    .description("Write the ledger's calls to a file, or to standard output")
    .option(...CONFIG)
    .addOption(url())
    .option("--from <time>", "first moment: 2026-03-13, 2026-03, 7d, yesterday, … (default: the first call)")
    .option("--to <time>", "end; a whole day, month or year is still part of it (default: now)")
    .option("--time-zone <zone>", "zone of --from and --to (IANA name)", zone, "UTC")
    .addOption(
      new Option("--format <format>", "file format").choices(["csv", "jsonl", "parquet"]).default("csv"),
    )
    .option("--out <file>", "write here instead of to standard output")
    .option("--archived", "also the days that retention has moved to the archive")
    .addHelpText(
      "after",
      `
Examples:
  bellwether export --from 2026-03 --to 2026-03 --out march.csv
  bellwether export --from 7d --format jsonl | jq .model
  bellwether export --format parquet --archived --out all.parquet

Money is exact decimal US dollars, times are UTC. While Bellwether runs it is asked, with
BELLWETHER_ADMIN_TOKEN if it wants its token; what it has recorded a second ago is part of the answer.`,
    )
    .action(async (options: ExportOptions) => {
      const { runExport } = await import("./ledger-files-run.ts");
      await runExport(options);
    });
}

export function importCommand(): Command {
  return new Command("import")
    .description("Add the calls of a file to the ledger; those that are there already stay as they are")
    .argument(
      "<file>",
      "an exported file (CSV, JSON lines, Parquet), LiteLLM's spend logs or new-api's log (CSV, JSON lines)",
    )
    .option(...CONFIG)
    .addOption(url())
    .option(
      "--rejects <file>",
      "keep the lines that cannot be read here (default: beside the file, with .rejected in its name)",
    )
    .addHelpText(
      "after",
      `
Examples:
  bellwether import march.csv
  psql -c "\\copy \\"LiteLLM_SpendLogs\\" to 'spend.csv' csv header" && bellwether import spend.csv

May be repeated: a call is known by its id. A Bellwether that runs is given the calls, with BELLWETHER_ADMIN_TOKEN if
it wants its token.`,
    )
    .action(async (file: string, options: ImportCommandOptions) => {
      const { runImport } = await import("./ledger-files-run.ts");
      await runImport(file, options);
    });
}

export function ledgerCommand(): Command {
  const ledger = new Command("ledger").description("Look after the ledger's database file");
  ledger
    .command("repair")
    .description(
      "Move a damaged DuckDB file aside, so that the next start begins a new one; nothing is deleted",
    )
    .option(...CONFIG)
    .addHelpText("after", "\nExample:\n  bellwether ledger repair")
    .action(async (options: { readonly config?: string }) => {
      const { runRepair } = await import("./ledger-files-run.ts");
      await runRepair(options);
    });
  return ledger;
}

function url(): Option {
  return new Option(
    "--url <url>",
    "the running Bellwether to ask, in place of the database that is configured",
  );
}

function zone(text: string): string {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    throw new InvalidArgumentError("It must be an IANA time zone such as Europe/Berlin.");
  }
}
