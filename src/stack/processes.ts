/**
 * Runs the stack's programs as local processes, with the generated files: their logs prefixed, everything stopped together
 * when one of them ends or this process is told to stop.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";

export interface LocalProgram {
  readonly name: string;
  /** What it may be called, the usual name first. */
  readonly commands: readonly string[];
  readonly args: readonly string[];
  /** Where it answers when it is ready. */
  readonly readyUrl: string;
  /** The Debian package it comes in. */
  readonly debian: string;
}

export interface LocalPorts {
  readonly prometheus: number;
  readonly alertmanager: number;
  readonly blackbox: number;
  readonly node: number;
}

/** They say hundreds of things before they are ready; what goes wrong shall be seen. */
const QUIET = "--log.level=warn";

export const defaultPorts: LocalPorts = { prometheus: 9090, alertmanager: 9093, blackbox: 9115, node: 9100 };

/** The programs, reading the files that lie in `files` and keeping their data in `data`. */
export function localPrograms(files: string, data: string, ports: LocalPorts): LocalProgram[] {
  const at = (port: number): string => `127.0.0.1:${port}`;
  return [
    {
      name: "alertmanager",
      commands: ["prometheus-alertmanager", "alertmanager"],
      args: [
        `--config.file=${join(files, "alertmanager/alertmanager.yml")}`,
        `--storage.path=${join(data, "alertmanager")}`,
        `--web.listen-address=${at(ports.alertmanager)}`,
        "--cluster.listen-address=",
        QUIET,
      ],
      readyUrl: `http://${at(ports.alertmanager)}/-/ready`,
      debian: "prometheus-alertmanager",
    },
    {
      name: "blackbox",
      commands: ["prometheus-blackbox-exporter", "blackbox_exporter"],
      args: [
        `--config.file=${join(files, "prometheus/blackbox.yml")}`,
        `--web.listen-address=${at(ports.blackbox)}`,
        QUIET,
      ],
      readyUrl: `http://${at(ports.blackbox)}/-/healthy`,
      debian: "prometheus-blackbox-exporter",
    },
    {
      name: "node",
      commands: ["prometheus-node-exporter", "node_exporter"],
      // Without the systemd collector, which complains at every scrape where there is no systemd.
      args: [`--web.listen-address=${at(ports.node)}`, "--no-collector.systemd", QUIET],
      readyUrl: `http://${at(ports.node)}/`,
      debian: "prometheus-node-exporter",
    },
    {
      name: "prometheus",
      commands: ["prometheus"],
      args: [
        `--config.file=${join(files, "prometheus/prometheus.yml")}`,
        `--storage.tsdb.path=${join(data, "prometheus")}`,
        `--web.listen-address=${at(ports.prometheus)}`,
        "--web.enable-lifecycle",
        QUIET,
      ],
      readyUrl: `http://${at(ports.prometheus)}/-/ready`,
      debian: "prometheus",
    },
  ];
}

export interface LocalStack {
  /** Names of the programs that run. */
  readonly running: readonly string[];
  /** Those that are not installed. */
  readonly missing: readonly LocalProgram[];
  /** Resolves with the name of the first program that ended by itself. */
  readonly ended: Promise<string>;
  /** Ends all of them. */
  stop(): Promise<void>;
}

const READY_MS = 30_000;
const POLL_MS = 150;
const PATIENCE_MS = 10_000;

/**
 * Starts what is installed and waits until it is ready. `log` gets every line the programs write.
 * @throws when one of them does not become ready; the others are stopped then.
 */
export async function startPrograms(
  programs: readonly LocalProgram[],
  searchPath: string,
  log: (name: string, line: string) => void,
): Promise<LocalStack> {
  const children = new Map<string, ChildProcess>();
  const missing: LocalProgram[] = [];
  let stopping = false;
  let tellEnded: (name: string) => void = () => undefined;
  const ended = new Promise<string>((resolve) => {
    tellEnded = resolve;
  });
  for (const program of programs) {
    const path = found(program.commands, searchPath);
    if (path === undefined) {
      missing.push(program);
      continue;
    }
    const child = spawn(path, program.args, { stdio: ["ignore", "pipe", "pipe"] });
    children.set(program.name, child);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => log(program.name, line));
    }
    child.on("error", (error) => log(program.name, error.message));
    child.on("exit", () => {
      if (!stopping) tellEnded(program.name);
    });
  }
  const stop = async (): Promise<void> => {
    stopping = true;
    await Promise.all([...children.values()].map(end));
  };
  try {
    const started = programs.filter(({ name }) => children.has(name));
    await Promise.all(started.map((program) => ready(program, children.get(program.name))));
  } catch (error) {
    await stop();
    throw error;
  }
  return { running: [...children.keys()], missing, ended, stop };
}

async function ready({ name, readyUrl }: LocalProgram, child: ChildProcess | undefined): Promise<void> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    if (child?.exitCode !== null) throw new Error(`${name} ended at once; its last lines say why.`);
    const answer = await fetch(readyUrl).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.ok === true) return;
    if (performance.now() > deadline) throw new Error(`${name} is not ready after ${READY_MS / 1000} s.`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  await gone;
  clearTimeout(timer);
}

function found(commands: readonly string[], searchPath: string): string | undefined {
  for (const command of commands) {
    for (const folder of searchPath.split(delimiter)) {
      try {
        const path = join(folder, command);
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // Not in this folder.
      }
    }
  }
  return undefined;
}
