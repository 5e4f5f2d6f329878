/** `bellwether route`: lists the routing rules, and explains where a call would go. */
import { Command } from "commander";
import type { ExplainOptions, ListOptions } from "./route-run.ts";

const CONFIG = [
  "-c, --config <file>",
  "configuration file (default: bellwether.yaml in the working folder)",
] as const;
const URL = [
  "--url <url>",
  "ask the Bellwether that runs there, with its live state, instead of the file",
] as const;

export function routeCommand(): Command {
  const route = new Command("route")
    .description("List the routing rules, and explain where a call would go")
    .addHelpText(
      "after",
      `
Nothing is called, stored or logged.

Examples:
  bellwether route list
  bellwether route explain --model auto --prompt "Fix this function"
  bellwether route explain --model auto --tokens 30000 --app shop --header x-tier=gold
  bellwether route explain --model auto --at 2026-11-21T23:30:00+08:00 --json
  cat prompt.txt | bellwether route explain --model auto --prompt -
  bellwether route explain --model gpt-4.1 --url http://127.0.0.1:8000`,
    );
  const load = () => import("./route-run.ts");
  const collect = (value: string, before: readonly string[] = []): string[] => [...before, value];
  route
    .command("explain")
    .description(
      "Tell where a call would go, and what every rule has to say of it; exit status 1 when it is refused",
    )
    .requiredOption("--model <model>", "the model that is asked for")
    .option("--prompt <text>", 'what the user writes; "-" reads it from standard input')
    .option("--app <name>", "the app that calls (default: anonymous)")
    .option("--endpoint <kind>", "the kind of call (default: chat)")
    .option("--header <name=value>", "a request header; may be repeated", collect)
    .option("--tokens <n>", "length of the prompt in tokens, in place of an estimate")
    .option("--max-tokens <n>", "most output tokens")
    .option("--tools", "tools are offered")
    .option("--images", "an image is shown")
    .option("--wants-json", "the answer is to be JSON")
    .option("--stream", "the answer is to be streamed")
    .option("--reasoning <effort>", "the reasoning effort asked for")
    .option("--user <id>", "the end user that the request names")
    .option("--at <time>", "when it arrives, as 2026-11-21T23:30:00+08:00 (default: now)")
    .option(...CONFIG)
    .option(...URL)
    .option("--json", "print JSON")
    .action(async (options: ExplainOptions) => {
      process.exitCode = await (await load()).explainCall(options);
    });
  route
    .command("list")
    .description("List the rules in the order in which they are asked")
    .option(...CONFIG)
    .option(...URL)
    .option("--json", "print JSON")
    .action(async (options: ListOptions) => {
      await (await load()).listRoutes(options);
    });
  return route;
}
