/** `bellwether scenarios`: does to an upstream what clients and mishaps do, and compares expected with seen. */
import { Command } from "commander";
import { environment } from "../config/environment.ts";
import { loadConfig } from "../config/load.ts";
import { isLoopback } from "../config/safety.ts";
import { builtInFiles, readPriceFile } from "../prices/data.ts";
import { startSandboxUpstream } from "../sandbox-upstream.ts";
import { resolveUpstreams } from "../upstreams/resolve.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import type { Verdict } from "./scenarios-run.ts";
import { styler } from "./style.ts";

interface Flags {
  readonly config?: string;
  readonly upstream?: string;
  readonly model?: string;
  readonly json?: true;
}

export function scenariosCommand(): Command {
  return new Command("scenarios")
    .description("Try an upstream: normal calls, wrong ones, limits, timeouts; expected against seen")
    .option("-c, --config <file>", "configuration file (default: bellwether.yaml in the working folder)")
    .option(
      "-u, --upstream <name>",
      "the upstream to try (default: the first; without any, the built-in sandbox)",
    )
    .option("-m, --model <name>", "the model to ask (default: a cheap one of the upstream's own list)")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      `
A handful of calls of 16 tokens are made, and charged like any other. Rate limit, timeout and cut stream are
tried on the sandbox only, which fails on request.

Exit status: 0 when everything was as expected, 1 when something was not.

Examples:
  bellwether scenarios
  bellwether scenarios --upstream holysheep --model gpt-4.1-mini
  bellwether scenarios --json | jq '.scenarios[] | select(.outcome == "failed")'`,
    )
    .action(run);
}

/** @throws Error when there is no such upstream, or none that can be tried. */
async function run(flags: Flags): Promise<void> {
  const { runScenarios } = await import("./scenarios-run.ts");

  const env = environment();
  const loaded = await loadConfig({ file: flags.config, cwd: process.cwd(), env });
  const upstreams = resolveUpstreams(loaded.config, env, { locate: loaded.locate });
  const sandbox = await startSandboxUpstream(loaded, env);
  try {
    const upstream = chosen(sandbox === undefined ? upstreams : [sandbox.upstream], flags.upstream);
    const simulated = sandbox !== undefined || (await isSandbox(upstream));
    const priceFiles = [...loaded.config.prices.files.map(readPriceFile), ...builtInFiles()];
    const verdicts: Verdict[] = [];
    const show = flags.json === true ? undefined : table(upstream, simulated);
    for await (const verdict of runScenarios({ upstream, simulated, model: flags.model, priceFiles })) {
      verdicts.push(verdict);
      show?.(verdict);
    }
    const failed = verdicts.filter(({ outcome }) => outcome === "failed").length;
    if (flags.json === true) {
      const { name, baseUrl } = upstream;
      const report = { upstream: name, baseUrl, simulated, passed: failed === 0, scenarios: verdicts };
      process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    } else {
      const skipped = verdicts.filter(({ outcome }) => outcome === "skipped").length;
      const passed = verdicts.length - failed - skipped;
      process.stdout.write(`\n${passed} as expected, ${failed} not, ${skipped} skipped\n`);
    }
    process.exitCode = failed === 0 ? 0 : 1;
  } finally {
    await sandbox?.close();
  }
}

function chosen(upstreams: readonly Upstream[], name: string | undefined): Upstream {
  const found = name === undefined ? upstreams[0] : upstreams.find((each) => each.name === name);
  const names = upstreams.map((each) => each.name).join(", ");
  if (found === undefined) throw new Error(`there is no upstream ${name ?? ""}; there are ${names}.`);
  if (found.dialects.has("openai-chat")) return found;
  throw new Error(`upstream ${found.name} does not speak OpenAI's chat API, which the scenarios use.`);
}

/** A sandbox that runs by itself tells so at `/sandbox`. */
async function isSandbox({ rootUrl }: Upstream): Promise<boolean> {
  if (!isLoopback(new URL(rootUrl).hostname)) return false;
  try {
    return (await fetch(`${rootUrl}/sandbox/books`)).ok;
  } catch {
    return false;
  }
}

/** With the longest name, code and time a row has the 80 columns of a terminal. */
const NAME_WIDTH = 14;
const EXPECTED_WIDTH = 19;

/** Prints the head; returns what prints a row, when it is known. */
function table(upstream: Upstream, simulated: boolean): (verdict: Verdict) => void {
  const paint = styler(process.stdout);
  const print = (line: string): void => void process.stdout.write(`${line.trimEnd()}\n`);
  const row = (name: string, expected: string): string =>
    `${name.padEnd(NAME_WIDTH)}  ${expected.padEnd(EXPECTED_WIDTH)}`;
  const where = simulated ? "the sandbox: SIMULATED, nobody is charged" : upstream.baseUrl;
  print(`upstream ${upstream.name} (${where})\n`);
  print(paint("bold", `        ${row("scenario", "expected")}  seen`));
  return ({ name, outcome, expected, seen, why, ms }) => {
    const mark = {
      passed: paint("green", "ok     "),
      failed: paint("red", "FAILED "),
      skipped: paint("dim", "skipped"),
    }[outcome];
    const last = outcome === "skipped" ? paint("dim", why) : `${seen} ${paint("dim", duration(ms))}`;
    print(`${mark} ${row(name, expected)}  ${last}`);
    if (outcome === "failed") print(paint("red", `        ${why}`));
  };
}

function duration(ms: number): string {
  return ms < 10_000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}
