/**
 * The machine under the benchmarks: which core belongs to the contender and which to the load, starting and surely
 * stopping processes, and what /proc tells of them.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export { sleep };

/** Where this run keeps its configurations, request bodies, logs and compiled load generators. */
export const workFolder = mkdtempSync(join(tmpdir(), "bellwether-bench-"));

const allowed = allowedCpus();
/** The contender's core, alone; everything else runs on `loadCpus`. */
export const contenderCpu = allowed[0];
export const loadCpus = allowed.length > 1 ? allowed.slice(1) : allowed;

/** Expands a list like `0-2,5`, as /proc writes it. */
function allowedCpus() {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return list.split(",").flatMap((range) => {
    const [from, to = from] = range.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}

export function progress(text) {
  process.stderr.write(`${text}\n`);
}

const TOOLS = [
  { command: "nginx", package: "nginx-light" },
  { command: "wrk", package: "wrk" },
  { command: "gcc", package: "gcc libc6-dev" },
  { command: "taskset", package: "util-linux" },
];

/** Installs what is missing when it may (root, with apt); else says how, and throws. */
export function requireTools() {
  const missing = TOOLS.filter((tool) => spawnSync("sh", ["-c", `command -v ${tool.command}`]).status !== 0);
  if (missing.length === 0) return;
  const packages = missing.flatMap((tool) => tool.package.split(" "));
  const install = ["install", "-y", "--no-install-recommends", ...packages];
  if (process.getuid?.() === 0 && spawnSync("sh", ["-c", "command -v apt-get"]).status === 0) {
    progress(`Installing ${packages.join(" ")} with apt-get …`);
    if (spawnSync("apt-get", ["-q", "update"], { stdio: ["ignore", 2, 2] }).status === 0) {
      const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
      if (spawnSync("apt-get", ["-q", ...install], { stdio: ["ignore", 2, 2], env }).status === 0) return;
    }
  }
  throw new Error(
    `The benchmarks need ${missing.map((tool) => tool.command).join(", ")}. On Debian or Ubuntu: apt-get ${install.join(" ")}`,
  );
}

/** Moves this process off the contender's core; its children follow unless they are pinned themselves. */
export function leaveContenderCpu() {
  if (allowed.length < 2)
    progress("Only one CPU core may be used: load and contender share it, so throughput says little.");
  execFileSync("taskset", ["-acp", loadCpus.join(","), String(process.pid)], { stdio: "ignore" });
}

const running = new Set();

/**
 * Starts a process, alone on the contender's core if asked. `output` is a file for its stdout and stderr
 * (default: stderr goes to a log in the work folder and stdout can be read).
 */
export function start(command, args, { pinned = false, output, env, cwd, ipc = false } = {}) {
  const argv = pinned ? ["taskset", "-c", String(contenderCpu), command, ...args] : [command, ...args];
  const sink = openSync(output ?? join(workFolder, "stderr.log"), "a");
  const child = spawn(argv[0], argv.slice(1), {
    stdio: ["ignore", output === undefined ? "pipe" : sink, sink, ...(ipc ? ["ipc"] : [])],
    env: { ...process.env, ...env },
    cwd: cwd ?? workFolder,
  });
  closeSync(sink);
  running.add(child);
  child.once("exit", () => running.delete(child));
  child.once("error", (error) => progress(`${command}: ${error.message}`));
  return child;
}

/** Runs a program to its end and returns what it printed; throws when it fails. */
export async function outputOf(command, args, options) {
  const child = start(command, args, options);
  const pieces = [];
  child.stdout.on("data", (piece) => pieces.push(piece));
  const [code, signal] = await once(child, "close");
  if (code !== 0) throw new Error(`${command} ended with ${signal ?? code}${lastWords()}`);
  return Buffer.concat(pieces).toString();
}

/** Asks a process to end, insists after `patience` ms, and waits until it is gone. */
export async function stop(child, patience = 2000) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), patience);
  await gone;
  clearTimeout(timer);
}

/** What keeps each core awake. */
const spinners = new Map();

/**
 * Keeps all cores awake, by work that anything else goes before; the function returned ends it. A virtual core that sleeps
 * is woken by its host in 0.1 to 1 ms, which is nothing of the contenders'.
 */
export function keepAwake() {
  for (const cpu of allowed) {
    const spin = ["-c", String(cpu), "chrt", "--idle", "0", "sh", "-c", "while :; do :; done"];
    spinners.set(cpu, start("taskset", spin));
  }
  return async () => {
    const ended = [...spinners.values()];
    spinners.clear();
    await Promise.all(ended.map((spinner) => stop(spinner)));
  };
}

let cleaned = false;
function cleanUp() {
  if (cleaned) return;
  cleaned = true;
  for (const child of running) child.kill("SIGKILL");
  rmSync(workFolder, { recursive: true, force: true });
}
process.once("exit", cleanUp);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => {
    cleanUp();
    process.exit(130);
  });
}

/** A TCP port on 127.0.0.1 that is free now. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Throws when a process that should still run does not. */
export function requireAlive(child, what) {
  if (child.exitCode !== null || child.signalCode !== null)
    throw new Error(
      `${what} ended amid the measurement (${child.signalCode ?? child.exitCode})${lastWords()}`,
    );
}

/** Repeats `attempt` every few milliseconds until it returns something other than undefined. */
export async function until(attempt, what, { child, patience = 20_000, every = 20 } = {}) {
  const deadline = performance.now() + patience;
  for (;;) {
    const result = await attempt();
    if (result !== undefined) return result;
    if (child !== undefined && (child.exitCode !== null || child.signalCode !== null))
      throw new Error(`${what} ended at once${lastWords()}`);
    if (performance.now() > deadline)
      throw new Error(`${what} did not get ready in ${patience} ms${lastWords()}`);
    await sleep(every);
  }
}

/** The ends of the logs of this run, to explain a failure. */
function lastWords() {
  const logs = readdirSync(workFolder).filter((name) => name.endsWith(".log"));
  const text = logs
    .map((name) => readFileSync(join(workFolder, name), "utf8").slice(-600))
    .filter((tail) => tail !== "");
  return text.length === 0 ? "" : `:\n${text.join("\n")}`;
}

/** A process and all its descendants. */
function tree(pid) {
  const threads = `/proc/${pid}/task`;
  if (!existsSync(threads)) return [];
  const children = readdirSync(threads).flatMap((thread) => {
    try {
      return readFileSync(`${threads}/${thread}/children`, "utf8")
        .trim()
        .split(" ")
        .filter(Boolean)
        .map(Number);
    } catch {
      return []; // The thread has ended meanwhile.
    }
  });
  return [pid, ...children.flatMap(tree)];
}

const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** CPU seconds (user and system) that a process and its descendants have used; 0 without a process. */
export function cpuSeconds(pid) {
  if (pid === undefined) return 0;
  return tree(pid).reduce((sum, each) => {
    const stat = readFileSync(`/proc/${each}/stat`, "utf8");
    // The second field, the name, is in parentheses and may hold spaces; utime and stime are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return sum + (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }, 0);
}

/**
 * Seconds that the contender's core was not idle, whoever used it (or, on a virtual machine, took it away) but for what keeps
 * it awake.
 */
function contenderCpuBusySeconds() {
  const line =
    new RegExp(`^cpu${contenderCpu} (.*)$`, "m").exec(readFileSync("/proc/stat", "utf8"))?.[1] ?? "";
  const [user, nice, system, , , irq, softirq, steal] = line.split(" ").map(Number);
  const awake = cpuSeconds(spinners.get(contenderCpu)?.pid);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND - awake;
}

/**
 * Watches a process from now on. The function returned tells, since then: its CPU seconds, the share of its core that
 * it had, and the share that anything else had.
 */
export function watchCpu(pid) {
  const begin = { at: performance.now(), own: cpuSeconds(pid), core: contenderCpuBusySeconds() };
  return () => {
    const wall = (performance.now() - begin.at) / 1000;
    const seconds = cpuSeconds(pid) - begin.own;
    const others = contenderCpuBusySeconds() - begin.core - seconds;
    return { seconds, busy: seconds / wall, others: Math.max(0, others / wall) };
  };
}

/** Above this share of the contender's core used by anything else, a figure was disturbed. */
export const DISTURBED = 0.05;

export const DISTURBED_NOTE =
  "! Something else ran on the contender's core: measure again on a quiet machine.";

/** Resident bytes of a process and its descendants; of itself `alone`. */
export function residentBytes(pid, { alone = false } = {}) {
  return (alone ? [pid] : tree(pid)).reduce((sum, each) => {
    const status = readFileSync(`/proc/${each}/status`, "utf8");
    return sum + Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
  }, 0);
}

/** Resident bytes of a process and its descendants where what is shared, as the program itself, counts once. */
export function wholeBytes(pid) {
  let most = 0;
  let own = 0;
  for (const each of tree(pid)) {
    const rollup = readFileSync(`/proc/${each}/smaps_rollup`, "utf8");
    own += bytesIn(rollup.matchAll(/^Private_\w+:\s*(\d+)/gm));
    most = Math.max(most, bytesIn(rollup.matchAll(/^Shared_\w+:\s*(\d+)/gm)));
  }
  return own + most;
}

function bytesIn(lines) {
  return [...lines].reduce((sum, [, kB]) => sum + Number(kB) * 1024, 0);
}

/** What a reader needs to place the figures. */
export function describeMachine() {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: execFileSync("uname", ["-sr"], { encoding: "utf8" }).trim(),
    node: process.version,
    contenderCpu,
    loadCpus,
  };
}
