#!/usr/bin/env node
/**
 * `node bench/crash.mjs [--rounds 30] [--longest 6000] [--connections 160]`: kills the built program with SIGKILL at
 * random moments under load and compares the ledger with the sandbox's books. Ends with 1 when anything differs. The load
 * is wrk's, as fast as gateway and sandbox can; what it reached in the second before each kill is printed.
 */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { bundled, scratchFolder } from "./ledger-bench.mjs";
import { requireTools } from "./machine.mjs";
import { median } from "./statistics.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "30" },
    longest: { type: "string", default: "6000" },
    connections: { type: "string", default: "160" },
  },
});

const TARGET = 2000;

/** Each call has a trace and a key of its own. */
const SCRIPT = `
local models = { "gpt-4.1", "gpt-4.1-mini", "claude-sonnet-4-5", "deepseek-chat", "gpt-4o-mini" }
local round = tonumber(os.getenv("ROUND"))
local number = 0
local headers = { ["Content-Type"] = "application/json" }
request = function()
  number = number + 1
  local trace = string.format("%08x%024x", round, number)
  headers["Authorization"] = "Bearer sk-" .. trace
  headers["Traceparent"] = "00-" .. trace .. "-00f067aa0ba902b7-01"
  local body = '{"model":"' .. models[number % 5 + 1] .. '","stream":' .. tostring(number % 3 == 0) ..
    ',"messages":[{"role":"user","content":"Who leads the flock, and who is number ' .. number .. '?"}]}'
  return wrk.format("POST", "/v1/chat/completions", headers, body)
end
`;

requireTools();
const scratch = scratchFolder();

function wrkLoad(url, round) {
  const script = join(scratch.path, "calls.lua");
  writeFileSync(script, SCRIPT);
  const child = spawn("wrk", ["-t1", `-c${values.connections}`, "-d600s", "-s", script, url], {
    env: { ...process.env, ROUND: String(round) },
    stdio: "ignore",
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  return {
    // A second, in which the program gets warm.
    ready: (
      (began) => () =>
        performance.now() - began > 1000
    )(performance.now()),
    async stop() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

try {
  const file = await bundled(scratch.path, "test/helpers/crash-rounds.ts");
  const { crashRounds } = await import(pathToFileURL(file).href);
  const { mistakes, callsInLastSecond, ...figures } = await crashRounds({
    program: fileURLToPath(new URL("../bin/bellwether.js", import.meta.url)),
    rounds: Number(values.rounds),
    longestMs: Number(values.longest),
    load: wrkLoad,
    onRound: (round) => process.stderr.write(`\rround ${round}`),
  });
  process.stderr.write("\n");
  for (const [name, value] of Object.entries(figures)) process.stdout.write(`${name}: ${value}\n`);
  const reached = median(callsInLastSecond);
  process.stdout.write(
    `calls in the second before a kill: ${Math.min(...callsInLastSecond)} to ${Math.max(...callsInLastSecond)}, ` +
      `median ${reached} (target ${TARGET}): ${reached >= TARGET ? "met" : "MISSED"}\n`,
  );
  const difference = figures.costInBooks - figures.costOfRows - figures.costOfInterrupted;
  process.stdout.write(`difference: ${difference} pico-dollars\nmistakes: ${mistakes.length}\n`);
  for (const mistake of mistakes.slice(0, 20)) process.stdout.write(`  ${mistake}\n`);
  const complete = figures.rows === figures.seen + figures.unseen;
  if (mistakes.length > 0 || difference !== 0n || !complete) process.exitCode = 1;
} finally {
  scratch.remove();
}
