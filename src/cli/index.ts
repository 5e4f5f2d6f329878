/** The `bellwether` command. Each subcommand is one file and loads what it needs only when it runs. */
import { Command, CommanderError } from "commander";
import { ConfigError, formatProblem } from "../config/problems.ts";
import { version } from "../version.ts";
import { alertsCommand } from "./alerts.ts";
import { checkCommand } from "./check.ts";
import { completionCommand } from "./completion.ts";
import { demoCommand } from "./demo.ts";
import { doctorCommand } from "./doctor.ts";
import { exporterCommand } from "./exporter.ts";
import { keysCommand } from "./keys.ts";
import { exportCommand, importCommand, ledgerCommand } from "./ledger-files.ts";
import { notifyCommand } from "./notify.ts";
import { planCommand } from "./plan.ts";
import { pricesCommand } from "./prices.ts";
import { probeCommand } from "./probe.ts";
import { reportCommand } from "./report.ts";
import { routeCommand } from "./route.ts";
import { sandboxCommand } from "./sandbox.ts";
import { scenariosCommand } from "./scenarios.ts";
import { serveCommand } from "./serve.ts";
import { stackCommand } from "./stack.ts";

/** Others depend on these: whoever started them may have gone, the calls in flight have not. */
const SERVING: ReadonlySet<string> = new Set(["serve", "exporter", "sandbox", "demo", "stack"]);

/** Runs the command line; sets the exit code and never throws. */
export async function main(argv: readonly string[]): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (SERVING.has(argv[0] ?? "")) return;
      // As with `| head`: who asked has seen enough.
      if (error.code === "EPIPE") process.exit();
      throw error;
    });
  }
  const program = new Command("bellwether")
    .description("Runs, watches and checks LLM API traffic.")
    .version(version)
    .showHelpAfterError("(add --help for help)")
    .configureHelp({ showGlobalOptions: true });
  for (const command of [
    serveCommand(),
    demoCommand(),
    checkCommand(),
    exporterCommand(),
    probeCommand(),
    doctorCommand(),
    pricesCommand(),
    routeCommand(),
    reportCommand(),
    planCommand(),
    keysCommand(),
    exportCommand(),
    importCommand(),
    ledgerCommand(),
    alertsCommand(),
    notifyCommand(),
    stackCommand(),
    sandboxCommand(),
    scenariosCommand(),
    completionCommand(program),
  ]) {
    program.addCommand(command);
  }
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    process.exitCode = fail(error);
  }
}

function fail(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode;
  if (error instanceof ConfigError) {
    for (const problem of error.problems) process.stderr.write(`${formatProblem(problem)}\n`);
    return 1;
  }
  process.stderr.write(`bellwether: ${explain(error)}\n`);
  return 1;
}

/** What the system's errors mean here, and what to do. */
function explain(error: unknown): string {
  const { code, address, port, message } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  if (code === "EADDRINUSE") return `port ${port} is in use on ${address}; choose another with --port.`;
  if (code === "EACCES") return `this user may not listen on ${address}:${port}; choose a port above 1023.`;
  if (code === "EADDRNOTAVAIL")
    return `${address} is not an address of this machine; choose another with --host.`;
  return error instanceof Error ? message : String(error);
}
