/** `bellwether report`: what the ledger knows, as tables, JSON, CSV, a page or a picture. */
import { Command } from "commander";
import type { ReportCommandOptions } from "./report-run.ts";

export function reportCommand(): Command {
  return new Command("report")
    .description("Show what calls cost, how fast they were and what went wrong, from the ledger")
    .argument("[name]", "summary, cost, usage, latency, errors, slow, calls or compare", "summary")
    .option("-c, --config <file>", "configuration file (default: bellwether.yaml, if there is one)")
    .option("--from <time>", "from when: 7d, today, yesterday, month, last-month, 2026-03, 2026-03-13")
    .option("--to <time>", "until when; a day or month that is named is included (default: now)")
    .option(
      "--by <names>",
      "group by model, app, team, upstream, endpoint, route, status, minute, hour, day, week, month, or a label of apps (label:env)",
    )
    .option(
      "--where <name=value>",
      "only these calls; * stands for any text; repeatable (model, app, team, upstream, endpoint, route, status, error, id, trace)",
      (value: string, before: readonly string[]) => [...before, value],
      [],
    )
    .option("--tz <zone>", "time zone of days and hours (default: this machine's)")
    .option("--limit <n>", "at most this many rows a table")
    .option("--probes", "also the calls that Bellwether made itself to probe")
    .option("--archived", "also the days that are in the archive")
    .option("--json", "print JSON: exact values, times in milliseconds since the epoch")
    .option("--csv", "print CSV: exact values, times in ISO 8601")
    .option("--table <name>", "only this table (CSV has the first one)")
    .option("--html <file>", "write a page with charts that needs nothing else")
    .option("--png <file>", "write a picture of cost, latency, success and calls by model")
    .option("--sla <duration>", "the line in the latency chart (default: 2.5s)")
    .option("--url <url>", "ask the Bellwether that runs there (default: the configuration's host and port)")
    .addHelpText(
      "after",
      `
While Bellwether runs it is asked, with the token in BELLWETHER_ADMIN_TOKEN if there is one; otherwise
the database is read as it is.

Examples:
  bellwether report
  bellwether report cost --from last-month --by team,model
  bellwether report cost --from month --by label:env
  bellwether report cost --from month --by day --csv > march.csv
  bellwether report errors --from 24h --where upstream=holysheep
  bellwether report calls --where id=019cd5f8-7a80-7b3c-8f00-5b1c9a3e2d10
  bellwether report compare --from 30d --json | jq '.tables[0].rows'
  bellwether report summary --from last-week --html week.html --png week.png`,
    )
    .action(async (name: string, options: ReportCommandOptions) => {
      const { runReportCommand } = await import("./report-run.ts");
      await runReportCommand(name, options);
    });
}
