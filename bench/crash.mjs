#!/usr/bin/env node
/**
 * `node bench/crash.mjs [--rounds 30] [--rate 2000] [--longest 3000]`: kills the built program with SIGKILL at random
 * moments under load and compares the ledger with the sandbox's books. Ends with 1 when anything differs.
 */
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { bundled, scratchFolder } from "./ledger-bench.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "30" },
    rate: { type: "string", default: "2000" },
    longest: { type: "string", default: "3000" },
  },
});

const scratch = scratchFolder();
try {
  const file = await bundled(scratch.path, "test/helpers/crash-rounds.ts");
  const { crashRounds } = await import(pathToFileURL(file).href);
  const report = await crashRounds({
    program: fileURLToPath(new URL("../bin/bellwether.js", import.meta.url)),
    rounds: Number(values.rounds),
    callsPerSecond: Number(values.rate),
    longestMs: Number(values.longest),
    onRound: (round, sent) => process.stderr.write(`\rround ${round}: ${sent} calls sent`),
  });
  const { mistakes, ...figures } = report;
  process.stderr.write("\n");
  for (const [name, value] of Object.entries(figures)) process.stdout.write(`${name}: ${value}\n`);
  const difference = report.costInBooks - report.costOfRows - report.costOfInterrupted;
  process.stdout.write(`difference: ${difference} pico-dollars\nmistakes: ${mistakes.length}\n`);
  for (const mistake of mistakes.slice(0, 20)) process.stdout.write(`  ${mistake}\n`);
  const complete = report.rows === report.seen + report.unseen;
  if (mistakes.length > 0 || difference !== 0n || !complete) process.exitCode = 1;
} finally {
  scratch.remove();
}
