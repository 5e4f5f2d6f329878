/** `bellwether keys`: makes, lists, revokes and rotates apps' keys. A key is shown once; only its hash is kept. */
import { Command } from "commander";
import type { KeysOptions } from "./keys-run.ts";

const CONFIG = [
  "-c, --config <file>",
  "configuration file (default: bellwether.yaml in the working folder)",
] as const;

export function keysCommand(): Command {
  const keys = new Command("keys").description("Make, list, revoke and rotate the keys of apps").addHelpText(
    "after",
    `
Keys are checked with \`server.auth: keys\`. A running gateway takes changes over by itself.

Examples:
  bellwether keys create shop
  bellwether keys create ci --expires 2027-01-31
  bellwether keys list --json
  bellwether keys revoke 3a7d3110
  bellwether keys rotate shop --grace-days 7`,
  );
  const load = () => import("./keys-run.ts");
  keys
    .command("create <app>")
    .description("Make a key for an app, print it once, and add its hash to the configuration")
    .option(...CONFIG)
    .option("--expires <day>", "last day on which it works, as 2027-01-31 (UTC)")
    .option("--json", "print JSON")
    .action(async (app: string, options: KeysOptions) => (await load()).createKey(app, options));
  keys
    .command("list")
    .description("List the keys of all apps by the beginning of their hash")
    .option(...CONFIG)
    .option("--json", "print JSON")
    .action(async (options: KeysOptions) => (await load()).listKeys(options));
  keys
    .command("revoke <hash>")
    .description("Remove the key whose hash begins so from the configuration")
    .option(...CONFIG)
    .action(async (hash: string, options: KeysOptions) => (await load()).revokeKey(hash, options));
  keys
    .command("rotate <app>")
    .description("Make a new key for an app, and let its old ones expire")
    .option(...CONFIG)
    .option("--grace-days <days>", "days for which the old keys still work", "7")
    .option("--json", "print JSON")
    .action(async (app: string, options: KeysOptions) => (await load()).rotateKey(app, options));
  return keys;
}
