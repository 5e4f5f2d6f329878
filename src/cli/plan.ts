/** `bellwether plan`: what traffic would cost at each upstream, before any is sent. */
import { Command, InvalidArgumentError } from "commander";
import { parseTokens } from "../ledger/plan/tokens.ts";
import type { PlanCommandOptions } from "./plan-run.ts";

export function planCommand(): Command {
  return new Command("plan")
    .description("Show what traffic costs a month at each upstream and at list price, without sending any")
    .option("-c, --config <file>", "configuration file (default: bellwether.yaml, if there is one)")
    .option("--tokens <n>", "tokens a month, as 50M", tokens)
    .option("--mix <model=percent,…>", "which models, in parts of 100")
    .option("--input-share <0..1>", "input's share of the tokens (default: 0.75)", share)
    .option(
      "--cached-share <0..1>",
      "share of the input that comes from the prompt cache (default: 0)",
      share,
    )
    .option(
      "--input-per-call <n>",
      "input tokens of one call, for prices that depend on it (default: 2000)",
      tokens,
    )
    .option("-f, --file <file>", "the traffic as YAML instead")
    .option("--from-ledger", "last month's real traffic instead (another range with --from and --to)")
    .option(
      "--replace <model=other>",
      "with --from-ledger: as if it had gone to another model; repeatable",
      together,
    )
    .option("--from <time>", "with --from-ledger: from when")
    .option("--to <time>", "with --from-ledger: until when")
    .option("--tz <zone>", "time zone of days and months (default: this machine's)")
    .option("--url <url>", "with --from-ledger: ask the Bellwether that runs there")
    .option("--fixed-cost <usd>", "what watching costs a month, for the break-even", money)
    .option("--currency <code>", "USD or CNY (default: USD)", currency)
    .option(
      "--cny-per-usd <rate>",
      "yuan for a dollar where an upstream has no rate of its own",
      money,
      "7.3",
    )
    .option("--json", "print JSON")
    .option("--csv", "print CSV")
    .option("--table <name>", "only this table: by_upstream or by_model")
    .addHelpText(
      "after",
      `
Examples:
  bellwether plan --tokens 50M --mix deepseek-v3.2=60,gpt-4.1=30,claude-sonnet-4.5=10
  bellwether plan --tokens 2B --mix gpt-4.1=100 --input-share 0.9 --cached-share 0.5 --fixed-cost 20
  bellwether plan --file workload.yaml --currency CNY
  bellwether plan --from-ledger --replace gpt-4.1=deepseek-v3.2

A workload file:
  tokens: 50M                 # a month
  mix: { deepseek-v3.2: 60, gpt-4.1: 40 }
  inputShare: 0.75
or by model:
  traffic:
    - { model: gpt-4.1, input: 20M, cachedInput: 5M, output: 4M, calls: 10k }`,
    )
    .action(async (options: PlanCommandOptions) => {
      const { runPlan } = await import("./plan-run.ts");
      await runPlan(options);
    });
}

function tokens(text: string): number {
  const count = parseTokens(text);
  if (count === undefined) throw new InvalidArgumentError("Write a number of tokens, as 50M or 50000000.");
  return count;
}

function share(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError("Write a number from 0 to 1, as 0.75.");
  return value;
}

function money(text: string): string {
  if (!/^\d{1,9}(\.\d{1,6})?$/.test(text)) throw new InvalidArgumentError("Write an amount, as 20 or 19.90.");
  return text;
}

function currency(text: string): "USD" | "CNY" {
  const code = text.toUpperCase();
  if (code === "USD" || code === "CNY") return code;
  throw new InvalidArgumentError("It is USD or CNY.");
}

function together(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
