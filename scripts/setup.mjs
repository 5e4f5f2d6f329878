// @ts-check
/**
 * Makes a fresh clone ready, before `npm start` and `npm test`: installs the packages when they are missing or
 * not those of package-lock.json, and builds dist/ when the sources changed. Needs nothing but Node.js and npm,
 * and is done at once when there is nothing to do. Two of these at a time wait for each other.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lock = join(root, ".setup-lock");
const say = (/** @type {string} */ text) => process.stderr.write(`set-up: ${text}\n`);

/** Ends the set-up with a message that says what to do. */
class SetupError extends Error {}

/**
 * Installs and builds what is missing or stale.
 * @param {{ withBuild: boolean }} what whether dist/ is wanted too
 */
export async function setUp({ withBuild }) {
  checkNode();
  const isReady = async () => isInstalled() && (!withBuild || (await isBuilt()));
  if (await isReady()) return;
  await holdLock();
  try {
    if (!isInstalled()) await install();
    if (!(await isReady())) await build();
  } finally {
    rmSync(lock, { force: true });
  }
}

function checkNode() {
  const least = readJson("package.json").engines.node.replace(/^>=/, "");
  if (compareVersions(process.versions.node, least) < 0) {
    throw new SetupError(`Node.js ${least} or newer is needed; this is ${process.versions.node}.`);
  }
}

/** Whether node_modules holds what package-lock.json asks for, by the record npm leaves when it has finished. */
function isInstalled() {
  const record = join("node_modules", ".package-lock.json");
  if (!existsSync(join(root, record))) return false;
  const wanted = readJson("package-lock.json").packages;
  const found = readJson(record).packages;
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    if (path === "") return true;
    const there = found[path];
    if (there === undefined) return optional === true; // a binary for another platform
    return there.version === version && there.integrity === integrity;
  });
}

async function install() {
  say("installing packages (a minute or less)");
  const started = Date.now();
  const { code, interrupted, output } = await npm([
    "ci",
    "--include=dev",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
  ]);
  if (interrupted) throw new SetupError("interrupted; run the command again, it starts over.");
  if (code !== 0) {
    process.stderr.write(output);
    const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH/.test(output);
    throw new SetupError(
      offline
        ? "the npm registry cannot be reached: check the network, or HTTPS_PROXY and npm's `registry` setting, and run the command again."
        : "`npm ci` failed, see above; run the command again once that is mended.",
    );
  }
  say(`packages installed in ${seconds(started)}`);
}

/**
 * Runs the npm that runs us; another package manager, or none, may have started us: then the one in PATH.
 * @param {string[]} args
 * @returns {Promise<{ code: number | null, interrupted: boolean, output: string }>}
 */
function npm(args) {
  const ours = process.env.npm_execpath;
  const [command, first] =
    ours !== undefined && basename(ours) === "npm-cli.js" ? [process.execPath, [ours]] : ["npm", []];
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...first, ...args], {
      cwd: root,
      stdio: ["ignore", "ignore", "pipe"],
      shell: process.platform === "win32" && command === "npm",
    });
    let interrupted = false;
    for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
      process.once(signal, () => {
        interrupted = true;
        child.kill(signal);
      });
    }
    let output = "";
    child.stderr.on("data", (text) => {
      output += text;
    });
    child.on("error", (error) => {
      reject(new SetupError(`npm could not be started (${error.message}): is it installed?`));
    });
    child.on("close", (code) => resolve({ code, interrupted, output }));
  });
}

async function isBuilt() {
  return (await import("./build.mjs")).isBuilt();
}

async function build() {
  const started = Date.now();
  try {
    await (await import("./build.mjs")).build({ all: false });
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    throw new SetupError(process.stderr.isTTY ? message : stripVTControlCharacters(message));
  }
  say(`built dist/ in ${seconds(started)}`);
}

/** Waits until no other set-up runs here, then writes this process's id into the lock file. */
async function holdLock() {
  for (let told = false; ; await sleep(200)) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" });
      return;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
    }
    const holder = readLock();
    if (holder !== undefined && !isAlive(holder)) breakLock(holder);
    else if (!told) {
      say(`waiting for process ${holder}, which sets this folder up (if it does not, remove ${lock})`);
      told = true;
    }
  }
}

/** The holder's process id; undefined when the lock is just gone or just being written. */
function readLock() {
  try {
    return Number(readFileSync(lock, "utf8")) || undefined;
  } catch {
    return undefined;
  }
}

/**
 * Removes the lock of a process that died. It is renamed first and looked at again: if another process was
 * quicker and holds a new lock by now, that one is put back.
 * @param {number} holder
 */
function breakLock(holder) {
  const aside = `${lock}.${process.pid}`;
  try {
    renameSync(lock, aside);
    if (Number(readFileSync(aside, "utf8")) === holder) rmSync(aside);
    else renameSync(aside, lock);
  } catch {
    // Another process was quicker; the next round sees how things are.
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}

/** @param {string} file relative to the root */
function readJson(file) {
  return JSON.parse(readFileSync(join(root, file), "utf8"));
}

/**
 * Negative when version a is lower than b, 0 when they are equal.
 * @param {string} a
 * @param {string} b
 */
function compareVersions(a, b) {
  return a.localeCompare(b, "en", { numeric: true });
}

/** @param {number} started */
function seconds(started) {
  return `${((Date.now() - started) / 1000).toFixed(1)} s`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await setUp({ withBuild: true });
  } catch (error) {
    say(error instanceof SetupError ? error.message : String(/** @type {Error} */ (error).stack));
    process.exit(1);
  }
}
