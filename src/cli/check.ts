/** `bellwether check`: what is in force, with secrets masked, or every problem with its place. */
import { Command } from "commander";

interface Options {
  readonly config?: string;
  readonly json?: true;
  readonly schema?: true;
}

export function checkCommand(): Command {
  return new Command("check")
    .description("Check the configuration and print what is in force, secrets masked")
    .option("-c, --config <file>", "configuration file (default: bellwether.yaml in the working folder)")
    .option("--json", "print JSON")
    .option("--schema", "print the configuration's JSON Schema, for editors")
    .addHelpText(
      "after",
      `
Exit status: 0 when the configuration can be used, 1 when it cannot.

Examples:
  bellwether check
  bellwether check --config /etc/bellwether.yaml
  bellwether check --json | jq .upstreams
  bellwether check --schema > bellwether.schema.json`,
    )
    .action(async (options: Options) => {
      if (options.schema === true) {
        const { configurationJsonSchema } = await import("../config/json-schema.ts");
        process.stdout.write(`${JSON.stringify(configurationJsonSchema(), null, 2)}\n`);
        return;
      }
      const { runCheck } = await import("./check-run.ts");
      process.exitCode = await runCheck(options.config, options.json === true);
    });
}
