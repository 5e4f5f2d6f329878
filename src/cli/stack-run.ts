/** The work of `bellwether stack`. */
import { mkdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { alertProblems, alertRules, latencyBounds } from "../alerts/resolve.ts";
import { environment } from "../config/environment.ts";
import { loadConfig } from "../config/load.ts";
import { ConfigError } from "../config/problems.ts";
import { routesOf } from "../stack/beside.ts";
import { type StackInput, stackFiles, type Target } from "../stack/index.ts";
import { defaultPorts, type LocalPorts, localPrograms, startPrograms } from "../stack/processes.ts";
import { type WriteResult, writeFiles } from "../stack/write.ts";
import { resolveUpstreams } from "../upstreams/resolve.ts";
import { version } from "../version.ts";
import { styler } from "./style.ts";

const MS = 1000;

const SEVERAL =
  "Each of the replicas would tell the channels what it sees. Set `alerts.sender: alertmanager`, so that one tells for all.\n";

const NO_UPSTREAMS =
  "No upstream is configured: the probe and blackbox jobs have no targets. Add `upstreams`, or set a key, and generate again.\n";

export interface WriteOptions {
  readonly folder: string;
  readonly target: Target;
  readonly profiles: readonly string[];
  readonly file: string | undefined;
  readonly force: boolean;
}

/** Writes the files and tells which; the exit status. */
export async function writeStack(options: WriteOptions): Promise<number> {
  const input = await inputOf(options.file, options.folder, options.profiles, defaultPorts);
  const results = await writeFiles(input.folder, stackFiles(options.target, input), options);
  tell(results, input.folder);
  if (input.facts.upstreams.length === 0) process.stderr.write(NO_UPSTREAMS);
  if (options.target === "kubernetes" && input.facts.sender === "bellwether") {
    process.stderr.write(SEVERAL);
  }
  return 0;
}

export interface RunOptions {
  readonly folder: string;
  readonly file: string | undefined;
  readonly force: boolean;
  readonly ports: LocalPorts;
}

/** Runs the programs until it is told to stop, or one of them ends; the exit status. */
export async function runStack(options: RunOptions): Promise<number> {
  const input = await inputOf(options.file, options.folder, [], options.ports);
  const { folder } = input;
  tell(await writeFiles(folder, stackFiles("files", input), options), folder);
  if (input.facts.upstreams.length === 0) process.stderr.write(NO_UPSTREAMS);
  const data = join(folder, "data");
  await mkdir(data, { recursive: true });
  const paint = styler(process.stdout);
  const stack = await startPrograms(
    localPrograms(folder, data, options.ports),
    environment().PATH ?? "",
    (name, line) => process.stdout.write(`${paint("cyan", name.padEnd(12))} ${line}\n`),
  );
  for (const { name, debian } of stack.missing) {
    process.stderr.write(`${name} is not installed: on Debian, apt-get install ${debian}.\n`);
  }
  if (stack.running.length === 0) {
    process.stderr.write("Nothing to run.\n");
    return 1;
  }
  process.stderr.write(
    [
      "",
      `Prometheus    http://127.0.0.1:${options.ports.prometheus}/alerts`,
      `Alertmanager  http://127.0.0.1:${options.ports.alertmanager}`,
      `watching      http://${input.addresses.bellwether}  (start it with \`bellwether serve\` if it does not run)`,
      "Ctrl-C stops everything.",
      "",
    ].join("\n"),
  );
  const told = new Promise<undefined>((done) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => done(undefined));
  });
  const first = await Promise.race([stack.ended, told]);
  if (first !== undefined) process.stderr.write(`${first} has ended; stopping the others.\n`);
  await stack.stop();
  return first === undefined ? 0 : 1;
}

async function inputOf(
  file: string | undefined,
  out: string,
  profiles: readonly string[],
  ports: LocalPorts,
): Promise<StackInput> {
  const env = environment();
  const loaded = await loadConfig({ file, cwd: process.cwd(), env });
  const { config, locate } = loaded;
  const problems = alertProblems(config, latencyBounds(config), locate);
  if (problems.length > 0) throw new ConfigError(problems);
  const upstreams = resolveUpstreams(config, env, { locate });
  const { host, port } = config.server;
  const reachable = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  const address = `${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
  const at = (onPort: number): string => `127.0.0.1:${onPort}`;
  const configuration = loaded.file === undefined ? "{}\n" : await readFile(loaded.file, "utf8");
  return {
    folder: resolve(out),
    configuration,
    environment: variablesOf(configuration),
    addresses: {
      bellwether: address,
      // It is inside of the gateway when everything runs on one machine.
      exporter: address,
      prometheus: at(ports.prometheus),
      alertmanager: at(ports.alertmanager),
      blackbox: at(ports.blackbox),
      node: at(ports.node),
    },
    facts: {
      version,
      profiles,
      upstreams: upstreams.map(({ name, baseUrl }) => ({ name, modelsUrl: `${baseUrl}/models` })),
      probeModules: ["models"],
      rules: alertRules(config),
      channels: config.channels,
      routes: routesOf(config),
      sender: config.alerts.sender,
      externalUrl: config.alerts.externalUrl ?? `http://${address}`,
      intervalS: config.alerts.interval / MS,
      native: true,
      adminToken: config.server.adminToken !== undefined,
    },
  };
}

/** The names in `${NAME}` and `${NAME:-default}`. */
function variablesOf(text: string): string[] {
  const names = [...text.matchAll(/(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-[^}]*)?\}/g)].map(
    ([, name = ""]) => name,
  );
  return [...new Set(names)].sort();
}

function tell(results: readonly WriteResult[], folder: string): void {
  const paint = styler(process.stderr);
  const count = (wanted: string): number => results.filter(({ result }) => result === wanted).length;
  for (const { path, result } of results) {
    if (result === "kept") {
      process.stderr.write(`${paint("yellow", "kept")}  ${path}: it was edited (--force overwrites it)\n`);
    }
  }
  process.stderr.write(
    `${folder}: ${count("written")} written, ${count("unchanged")} unchanged, ${count("kept")} kept\n`,
  );
}
