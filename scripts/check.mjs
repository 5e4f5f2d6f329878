// @ts-check
/**
 * `npm run check`: all that can be said about the code without the test suites, which `npm test` runs. The steps
 * run side by side; each is told with its time when it ends, with what it printed if it failed.
 * `npm run check -- types lint` runs those only.
 */
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { setUp } from "./setup.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tool = (/** @type {string} */ path) => join("node_modules", path);

/** What each step runs with this Node.js, the longest first. */
const steps = {
  types: [tool("typescript/bin/tsc"), "--incremental", "--tsBuildInfoFile", tool(".cache/types.json")],
  "types-page": [
    tool("typescript/bin/tsc"),
    "--project",
    "dashboard",
    "--incremental",
    "--tsBuildInfoFile",
    tool(".cache/types-page.json"),
  ],
  drift: ["scripts/generate.mjs", "--check"],
  lint: [tool("@biomejs/biome/bin/biome"), "check", "--error-on-warnings", "."],
  imports: [
    tool("dependency-cruiser/bin/dependency-cruise.mjs"),
    "src",
    "dashboard",
    "--config",
    ".dependency-cruiser.cjs",
  ],
  "dead-code": [tool("knip/bin/knip.js"), "--no-progress"],
};

const SIDE_BY_SIDE = 2;
const colours = process.stdout.isTTY && !process.env.NO_COLOR;
const green = (/** @type {string} */ text) => (colours ? `\x1b[32m${text}\x1b[0m` : text);
const red = (/** @type {string} */ text) => (colours ? `\x1b[31m${text}\x1b[0m` : text);
const print = (/** @type {string} */ text) => process.stdout.write(`${text}\n`);

/**
 * Runs one step and tells how it went.
 * @param {string} name
 * @param {string[]} command
 */
async function run(name, command) {
  const started = performance.now();
  const child = spawn(process.execPath, command, {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...(colours ? { FORCE_COLOR: "1" } : { NO_COLOR: "1", FORCE_COLOR: undefined }) },
  });
  /** @type {Buffer[]} */
  const output = [];
  child.stdout.on("data", (bytes) => output.push(bytes));
  child.stderr.on("data", (bytes) => output.push(bytes));
  const passed = await new Promise((resolve) => child.on("close", (code) => resolve(code === 0)));
  const time = `${((performance.now() - started) / 1000).toFixed(1)} s`;
  print(`${passed ? green("ok    ") : red("FAILED")} ${name.padEnd(10)} ${time}`);
  if (!passed) print(`${Buffer.concat(output).toString().trimEnd()}\n`);
  return passed;
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in steps));
if (unknown.length > 0) {
  process.stderr.write(`No such step: ${unknown.join(", ")}. There are ${Object.keys(steps).join(", ")}.\n`);
  process.exit(2);
}
await setUp({ withBuild: false });

const queue = Object.entries(steps).filter(([name]) => asked.length === 0 || asked.includes(name));
/** @type {string[]} */
const failed = [];
const work = async () => {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    if (!(await run(...next))) failed.push(next[0]);
  }
};
await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
print(failed.length === 0 ? green("check: all is well") : red(`check: ${failed.join(", ")} failed`));
process.exitCode = failed.length === 0 ? 0 : 1;
