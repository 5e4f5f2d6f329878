#!/usr/bin/env node
/**
 * `node bench/compare.mjs REF`: throughput and latency of the working tree against another commit, in fresh processes
 * whose order alternates each round. The commit is taken out into a temporary folder and built there.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bellwetherAt, contenders } from "./contenders.mjs";
import { describeMachine, leaveContenderCpu, progress, requireTools, workFolder } from "./machine.mjs";
import { latency } from "./measures/latency.mjs";
import { throughput } from "./measures/throughput.mjs";
import { machineLine, table } from "./report.mjs";
import { median } from "./statistics.mjs";

const ROOT = new URL("..", import.meta.url).pathname;
const HELP = `Usage: node bench/compare.mjs REF [options]

  --only NAMES   of throughput, latency (default: both)
  --seconds N    length of each measured window (default 8)
  --warm-up N    seconds of calls before it (default 4)
  --rounds N     rounds, each with fresh processes in the reverse order of the last (default 5)
  --help

REF is any commit git knows: a branch, a tag, HEAD~3. Ratios are of the working tree to REF, median over the rounds.
`;

/** Builds the sources in a folder if they are not built, as \`npm start\` would. */
function build(folder) {
  const set = spawnSync(process.execPath, ["scripts/setup.mjs"], { cwd: folder, stdio: ["ignore", 2, 2] });
  if (set.status !== 0) throw new Error(`The build in ${folder} failed; see above.`);
}

function takeOut(ref) {
  const folder = join(workFolder, "base");
  mkdirSync(folder);
  const git = (...args) =>
    execFileSync("git", args, { cwd: ROOT, maxBuffer: 2 ** 30, stdio: ["ignore", "pipe", 2] });
  const commit = git("rev-parse", "--verify", "--short", `${ref}^{commit}`).toString().trim();
  execFileSync("tar", ["-x", "-C", folder], { input: git("archive", "--format=tar", commit) });
  const lock = (root) => readFileSync(join(root, "package-lock.json"), "utf8");
  // The same packages need no second installation; others must not be installed over ours.
  if (lock(folder) === lock(ROOT)) symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  build(folder);
  return { commit, folder };
}

/** How many times the base's figure the working tree's is, round by round, then the median. */
function ratio(rows, field) {
  const [base, work] = ["base", "work"].map((name) => rows.find((row) => row.name === name).rounds);
  return `${median(work.map((row, round) => row[field] / base[round][field])).toFixed(3)}×`;
}

function compared(title, rows, fields) {
  const [base, work] = ["base", "work"].map((name) => rows.find((row) => row.name === name));
  return {
    title,
    columns: ["", "base", "work", "ratio"],
    rows: fields.map(([field, label, digits]) => [
      label,
      base[field].toFixed(digits),
      work[field].toFixed(digits),
      ratio(rows, field),
    ]),
  };
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string", default: "throughput,latency" },
    seconds: { type: "string", default: "8" },
    "warm-up": { type: "string", default: "4" },
    rounds: { type: "string", default: "5" },
    help: { type: "boolean", default: false },
  },
});
if (values.help || positionals.length !== 1) {
  process.stdout.write(HELP);
  process.exit(values.help ? 0 : 2);
}

requireTools();
progress(`Building ${positionals[0]} and the working tree …`);
const base = takeOut(positionals[0]);
build(ROOT);
leaveContenderCpu();
const options = {
  seconds: Number(values.seconds),
  warmUp: Number(values["warm-up"]),
  rounds: Number(values.rounds),
  contenders: [bellwetherAt(base.folder, "base"), bellwetherAt(ROOT, "work")],
};
const tables = [];
const only = values.only.split(",");
if (only.includes("throughput")) {
  const fields = [
    ["callsPerSecond", "calls/s", 0],
    ["cpuMicrosecondsPerCall", "CPU µs/call", 1],
    ["residentMiB", "RSS MiB", 0],
  ];
  const result = await throughput.run(options);
  tables.push(compared("Throughput, 1 KB requests", result.small, fields));
  tables.push(compared("Throughput, 64 KB requests", result.large, fields));
}
if (only.includes("latency")) {
  const direct = contenders.find(({ name }) => name === "direct");
  const { rows } = await latency.run({ ...options, contenders: [direct, ...options.contenders] });
  const fields = [
    ["p50", "p50 µs", 0],
    ["p99", "p99 µs", 0],
    ["addedP50", "added p50 µs", 0],
    ["addedP99", "added p99 µs", 0],
  ];
  tables.push(compared("Latency at an open-loop 1,000 calls/s", rows, fields));
}
process.stdout.write(
  [
    machineLine(describeMachine()),
    "",
    `base is ${base.commit}, work is the working tree.`,
    "",
    ...tables.map(table),
  ].join("\n"),
);
process.exit(0);
