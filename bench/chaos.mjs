#!/usr/bin/env node
/**
 * `node bench/chaos.mjs [--phase 10000] [--rate 100]`: one of two upstreams fails in part, fails, hangs and drips,
 * heals, and gets stuck now and then, without a hedge and with one. Prints what clients noticed of it, and ends with 1 when they noticed more than one call in a thousand.
 */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { bundled, scratchFolder } from "./ledger-bench.mjs";
import { table } from "./report.mjs";

const { values } = parseArgs({
  options: { phase: { type: "string", default: "10000" }, rate: { type: "string", default: "100" } },
});
const MOST_FAILED = 0.001;
const MOST_RECOVERY_MS = 10_000;

const scratch = scratchFolder();
try {
  const file = await bundled(scratch.path, "test/helpers/chaos.ts");
  // The price lists lie beside the program.
  cpSync(fileURLToPath(new URL("../dist/data", import.meta.url)), join(scratch.path, "data"), {
    recursive: true,
  });
  const { chaos } = await import(pathToFileURL(file).href);
  const { phases, recoveryMs } = await chaos({
    phaseMs: Number(values.phase),
    callsPerSecond: Number(values.rate),
    onPhase: (name) => process.stderr.write(`${name}\n`),
  });
  const rows = phases.map(({ name, calls, failed, attemptsPerCall, p50, p99 }) => [
    name,
    String(calls),
    `${((1 - failed / calls) * 100).toFixed(2)} %`,
    attemptsPerCall.toFixed(3),
    String(p50),
    String(p99),
  ]);
  const columns = ["the first upstream", "calls", "success seen", "attempts a call", "p50 ms", "p99 ms"];
  process.stdout.write(`${table({ title: "One of two upstreams in trouble", columns, rows })}\n`);
  process.stdout.write(`\nused again ${recoveryMs ?? "more than 30000"} ms after it was well\n`);
  const failed = phases.some((phase) => phase.failed > phase.calls * MOST_FAILED);
  if (failed || recoveryMs === undefined || recoveryMs > MOST_RECOVERY_MS) process.exitCode = 1;
} finally {
  scratch.remove();
}
