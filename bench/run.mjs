#!/usr/bin/env node
/** `npm run bench`: measures Bellwether against direct calls, nginx and Portkey's gateway, and prints the tables. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { contenders } from "./contenders.mjs";
import { describeMachine, leaveContenderCpu, progress, requireTools } from "./machine.mjs";
import { measures } from "./measures/index.mjs";
import { report } from "./report.mjs";

const HERE = new URL(".", import.meta.url).pathname;
const names = measures.map((measure) => measure.name);

const HELP = `Usage: npm run bench -- [options]

  --only NAMES        of ${names.join(", ")} (default: all)
  --contenders NAMES  of ${contenders.map(({ name }) => name).join(", ")} (default: all)
  --seconds N         length of each measured window (default 8)
  --warm-up N         seconds of calls before it (default 8: Portkey takes long to get warm)
  --rounds N          rounds, each with fresh processes in the reverse order of the last; medians count (default 3)
  --streams N         concurrent streams (default 1000)
  --calls N           calls of the memory measure (default 1000000)
  --json              print the results as JSON instead of tables
  --help

Progress goes to stderr; the result also to bench/results/. Needs Linux, nginx, wrk and gcc.
`;

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

function chosen(list, all, what) {
  if (list === undefined) return all;
  return list.split(",").map((name) => {
    const found = all.find((each) => each.name === name);
    if (found === undefined)
      fail(`Unknown ${what} "${name}": choose from ${all.map((each) => each.name).join(", ")}.`);
    return found;
  });
}

function positive(values, name, least = 1) {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < least) fail(`--${name} takes a whole number, at least ${least}.`);
  return value;
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        only: { type: "string" },
        contenders: { type: "string" },
        seconds: { type: "string", default: "8" },
        "warm-up": { type: "string", default: "8" },
        rounds: { type: "string", default: "3" },
        streams: { type: "string", default: "1000" },
        calls: { type: "string", default: "1000000" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    return fail(`${error.message}\n\n${HELP}`);
  }
}

/** The contenders' own packages, once. */
function installContenders() {
  if (existsSync(`${HERE}node_modules/@portkey-ai/gateway`)) return;
  progress("Installing the contenders (npm ci in bench/) …");
  const install = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: HERE, stdio: ["ignore", 2, 2] });
  if (install.status !== 0) fail("npm ci in bench/ failed; see above.");
}

const values = readArguments();
if (values.help) {
  process.stdout.write(HELP);
  process.exit();
}
const options = {
  seconds: positive(values, "seconds"),
  warmUp: positive(values, "warm-up"),
  rounds: positive(values, "rounds"),
  streamCount: positive(values, "streams"),
  calls: positive(values, "calls", 2),
  contenders: chosen(values.contenders, contenders, "contender"),
};
const selected = chosen(values.only, measures, "measure");

if (process.platform !== "linux")
  fail("The benchmarks need Linux: they pin processes to cores and read /proc.");
try {
  requireTools();
} catch (error) {
  fail(error.message);
}
if (options.contenders.some(({ name }) => name === "portkey")) installContenders();
if (options.contenders.some(({ exists }) => exists?.() === false))
  fail("Bellwether is not built. Run `npm run build` first, or choose other --contenders.");

leaveContenderCpu();
const machine = describeMachine();
const results = {};
for (const measure of selected) {
  // Latency is told as added to direct calls, so these always run along.
  const direct = contenders.find(({ name }) => name === "direct");
  const missing = measure.needsDirect === true && !options.contenders.includes(direct);
  try {
    results[measure.name] = await measure.run({
      ...options,
      contenders: (missing ? [direct, ...options.contenders] : options.contenders).filter(
        (contender) => contender.measures?.includes(measure.name) !== false,
      ),
    });
  } catch (error) {
    // What other measures found is still worth having.
    process.exitCode = 1;
    progress(`${measure.name} failed: ${error.stack}`);
  }
}

const everything = {
  at: new Date().toISOString(),
  machine,
  options: { ...options, contenders: options.contenders.map(({ name }) => name) },
  results,
};
const json = `${JSON.stringify(everything, null, 2)}\n`;
mkdirSync(`${HERE}results`, { recursive: true });
const file = `${HERE}results/${everything.at.replaceAll(":", "-")}.json`;
writeFileSync(file, json);
progress(`Written to ${file}`);
process.stdout.write(values.json ? json : report(machine, measures, results));
process.exit();
