/** The work of `bellwether probe`. */
import { environment } from "../config/environment.ts";
import { nearest } from "../config/problems.ts";
import { formatUsd } from "../core/money.ts";
import { openProbeSession, type ProbeSession } from "../probe-session.ts";
import { probes } from "../probes/index.ts";
import { type Probe, type ProbeName, phases } from "../probes/probe.ts";
import type { Result } from "../probes/run.ts";
import { canBeAsked, defaultProbesConfig } from "../probes/settings.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import { styler } from "./style.ts";

export interface ProbeRunOptions {
  readonly file: string | undefined;
  readonly modules: readonly string[] | undefined;
  readonly json: boolean;
  readonly watchMs: number | undefined;
}

const NOTHING =
  "No upstream is configured, and no key is in the environment. Set HOLYSHEEP_API_KEY (or OPENAI_API_KEY, …), or write a bellwether.yaml with `upstreams`.\n";

/** Runs the probes and prints what came of them; the exit status. */
export async function runProbes(names: readonly string[], options: ProbeRunOptions): Promise<number> {
  const session = await openProbeSession(options.file, environment(), (message) => {
    process.stderr.write(`${message}\n`);
  });
  try {
    const { upstreams } = session.inForce;
    const known = upstreams.map(({ name }) => name);
    if (known.length === 0) return complain(NOTHING);
    const unknown = names.find((name) => !known.includes(name));
    if (unknown !== undefined) return complain(noSuch(unknown, known));
    const chosen = upstreams.filter(({ name }) => names.length === 0 || names.includes(name));
    const work = chosen.flatMap((upstream) =>
      modulesFor(session, upstream, options.modules).map((probe) => ({ upstream, probe })),
    );
    if (work.length === 0) return complain("None of these upstreams can be asked that.\n");
    return await rounds(session, work, options);
  } finally {
    await session.close();
  }
}

interface Work {
  readonly upstream: Upstream;
  readonly probe: Probe;
}

async function rounds(
  session: ProbeSession,
  work: readonly Work[],
  options: ProbeRunOptions,
): Promise<number> {
  const { json, watchMs } = options;
  const table = new Table(work);
  let stopped = false;
  let wake: () => void = () => undefined;
  const stop = (): void => {
    stopped = true;
    wake();
  };
  if (watchMs !== undefined) process.once("SIGINT", stop).once("SIGTERM", stop);
  if (!json) process.stdout.write(table.head());
  for (;;) {
    const results = await round(session, work, (row) => {
      if (!json) process.stdout.write(table.row(row));
    });
    if (json)
      process.stdout.write(`${JSON.stringify(results.map(asJson), null, watchMs === undefined ? 2 : 0)}\n`);
    const status = results.every(({ result }) => result.success) ? 0 : 1;
    if (watchMs === undefined || stopped) return status;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, watchMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    if (stopped) return status;
  }
}

interface Row {
  readonly result: Result;
  /** The steps of a fresh connection, measured apart: calls may use one that is open. */
  readonly connection: Result;
}

/** Upstreams at the same time, the probes of each in turn; rows are told as they come, in order. */
async function round(session: ProbeSession, work: readonly Work[], tell: (row: Row) => void): Promise<Row[]> {
  const connections = new Map<string, Promise<Result>>();
  const last = new Map<string, Promise<unknown>>();
  const rows = work.map(({ upstream: { name }, probe }) => {
    const connection = connections.get(name) ?? session.probes.ask(name, probes.tls);
    connections.set(name, connection);
    const row = (last.get(name) ?? connection).then(async () => ({
      connection: await connection,
      result: probe === probes.tls ? await connection : await session.probes.ask(name, probe),
    }));
    last.set(name, row);
    return row;
  });
  const done: Row[] = [];
  for (const row of rows) {
    done.push(await row);
    tell(await row);
  }
  return done;
}

function modulesFor(
  { inForce: { loaded } }: ProbeSession,
  upstream: Upstream,
  named: readonly string[] | undefined,
): Probe[] {
  const { probes: configured = defaultProbesConfig(), server } = loaded.config;
  const names = (named ?? configured.modules) as readonly ProbeName[];
  return names
    .map((name) => probes[name])
    .filter((probe) => canBeAsked(probe, upstream, server.auth === "passthrough"));
}

function complain(text: string): number {
  process.stderr.write(text);
  return 1;
}

function noSuch(name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  const hint = meant === undefined ? `Configured: ${known.join(", ")}.` : `Did you mean "${meant}"?`;
  return `There is no upstream "${name}". ${hint}\n`;
}

/** Columns of numbers, with their width. */
const COLUMNS = [
  ["DNS", 7],
  ["connect", 7],
  ["TLS", 7],
  ["1st byte", 8],
  ["1st tok", 8],
  ["total", 8],
  ["status", 6],
  ["tokens", 8],
  ["cost", 11],
] as const;

class Table {
  readonly #widths: readonly [number, number];
  readonly #paint = styler(process.stdout);

  constructor(work: readonly Work[]) {
    this.#widths = [
      Math.max("upstream".length, ...work.map(({ upstream }) => upstream.name.length)),
      Math.max("probe".length, ...work.map(({ probe }) => probe.name.length)),
    ];
  }

  head(): string {
    const columns = COLUMNS.map(([name, width]) => name.padStart(width)).join(" ");
    return `${this.#paint("bold", `${this.#names("upstream", "probe")} ${columns}  verdict`)}\n`;
  }

  row({ result, connection }: Row): string {
    const { upstream, probe } = result.task;
    const steps = connection.finding.phases ?? {};
    const own = result.finding.phases ?? {};
    const usage = result.usages.at(-1);
    const { inputTokens, outputTokens } = usage?.quantities ?? {};
    const values = [
      milliseconds(steps.dns),
      milliseconds(steps.connect),
      milliseconds(steps.tls),
      milliseconds(own.first_byte ?? usage?.firstByteMs),
      milliseconds(own.first_token),
      milliseconds(result.durationMs),
      result.status === undefined ? "-" : String(result.status),
      inputTokens === undefined ? "-" : `${inputTokens}+${outputTokens ?? 0}`,
      result.cost === undefined ? "-" : `$${formatUsd(result.cost)}`,
    ];
    const columns = COLUMNS.map(([, width], at) => (values[at] ?? "").padStart(width)).join(" ");
    const verdict = result.success
      ? `${this.#paint("green", "ok")}${remark(result)}`
      : `${this.#paint("red", result.outcome)}: ${result.message}`;
    return `${this.#names(upstream.name, probe.name)} ${columns}  ${verdict}\n`;
  }

  #names(upstream: string, probe: string): string {
    return `${upstream.padEnd(this.#widths[0])} ${probe.padEnd(this.#widths[1])}`;
  }
}

function milliseconds(ms: number | undefined): string {
  if (ms === undefined) return "-";
  return ms < 10 ? `${ms.toFixed(1)}ms` : ms < 10_000 ? `${Math.round(ms)}ms` : `${(ms / 1000).toFixed(1)}s`;
}

const DAY_MS = 86_400_000;

/** What else a successful probe found. */
function remark({ finding, task }: Result): string {
  const { models, accounts, certificateExpiresAt } = finding;
  const parts = [
    ...(task.model === "" ? [] : [task.model]),
    ...(models === undefined ? [] : [`${models.length} models`]),
    ...(accounts ?? []).map(({ balance, used, currency, unlimited }) =>
      unlimited
        ? "no limit"
        : balance === undefined
          ? `${used ?? 0} ${currency} used`
          : `${balance} ${currency} left`,
    ),
    ...(certificateExpiresAt === undefined
      ? []
      : [`certificate good for ${Math.floor((certificateExpiresAt - Date.now()) / DAY_MS)} days`]),
  ];
  return parts.length === 0 ? "" : `, ${parts.join(", ")}`;
}

function asJson({ result, connection }: Row) {
  const { task, success, outcome, message, status, durationMs, finding, usages, cost, key, startedAt } =
    result;
  const usage = usages.at(-1);
  const all = { ...connection.finding.phases, ...finding.phases };
  return {
    upstream: task.upstream.name,
    probe: task.probe.name,
    model: task.model || null,
    at: new Date(startedAt).toISOString(),
    success,
    outcome,
    message,
    status: status ?? null,
    durationMs,
    phasesMs: Object.fromEntries(
      phases.flatMap((phase) => (all[phase] === undefined ? [] : [[phase, all[phase]]])),
    ),
    tokens: usage === undefined ? null : { ...usage.quantities },
    costUsd: cost === undefined ? null : formatUsd(cost),
    key: key ?? null,
    models: finding.models ?? null,
    accounts: finding.accounts ?? null,
    certificateExpiresAt: isoTime(finding.certificateExpiresAt),
    keyExpiresAt: isoTime(finding.keyExpiresAt),
  };
}

function isoTime(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
