/**
 * Kills the built program at random moments under load, over and over, in front of a sandbox whose books know every
 * call, and compares the ledger with these books. The short version is a test, the long one bench/crash.mjs.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import { scaled } from "../../src/core/money.ts";
import { sandboxPrices } from "../../src/sandbox/models.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { pricesAsConfigured } from "./ledger.ts";
import { type LedgerFileRow, readLedgerFile } from "./ledger-file.ts";

/** Calls while it lasts: each has a trace of its own, beginning with the round in eight hexadecimal digits, and a key. */
export interface CrashLoad {
  /** Some have been answered. */
  ready(): boolean;
  stop(): Promise<void>;
}

export interface CrashOptions {
  /** Absolute path of bin/bellwether.js. */
  readonly program: string;
  readonly rounds: number;
  /** Begins calls of a round at a gateway. */
  load(url: string, round: number): CrashLoad;
  /** A round's load lasts this long at most, and at least a tenth of it. */
  readonly longestMs: number;
  /** Told after each round. */
  onRound?(round: number): void;
}

export interface CrashReport {
  /** Calls in the last second before each kill. */
  readonly callsInLastSecond: readonly number[];
  /** Calls that the sandbox saw. */
  readonly seen: number;
  readonly rows: number;
  readonly interrupted: number;
  /** Interrupted ones that had not reached the sandbox yet. */
  readonly unseen: number;
  /** Everything that is not as it should be, in words; empty when all is well. */
  readonly mistakes: readonly string[];
  /** Pico-dollars: of the rows, of the calls whose rows are interrupted, and in the sandbox's books. */
  readonly costOfRows: bigint;
  readonly costOfInterrupted: bigint;
  readonly costInBooks: bigint;
}

const MODELS = ["gpt-4.1", "gpt-4.1-mini", "claude-sonnet-4-5", "deepseek-chat", "gpt-4o-mini"];
const TICK_MS = 5;
const CONNECTIONS = 128;

export async function crashRounds(options: CrashOptions): Promise<CrashReport> {
  const sandbox = await startSandbox({
    keys: "any",
    knobs: { latency: "uniform(2,60)", output: 6, anyModel: true },
  });
  const folder = await mkdtemp(join(tmpdir(), "bellwether-crash-"));
  try {
    const file = join(folder, "bellwether.yaml");
    const relay = { baseUrl: `${sandbox.url}/v1`, prices: pricesAsConfigured(sandboxPrices) };
    const server = { port: 0, auth: "passthrough" };
    await writeFile(file, JSON.stringify({ server, upstreams: { relay }, log: { level: "warn" } }));
    for (let round = 1; round <= options.rounds; round++) {
      const { child, url } = await startProgram(options.program, file);
      const load = options.load(url, round);
      // A busy machine may take longer than that for the first.
      while (!load.ready() && child.exitCode === null) await sleep(TICK_MS);
      await sleep(options.longestMs * (0.1 + 0.9 * Math.random()));
      child.kill("SIGKILL");
      await once(child, "exit");
      await load.stop();
      options.onRound?.(round);
    }
    const { child } = await startProgram(options.program, file);
    // All but the segment of the process that runs now.
    while ((await readdir(join(folder, "data", "journal"))).length > 1) await sleep(50);
    child.kill("SIGTERM");
    await once(child, "exit");
    const left = await readdir(join(folder, "data", "journal"));
    const rows = await readLedgerFile(join(folder, "data", "ledger.duckdb"));
    return {
      ...compare(sandbox, options.rounds, rows, left),
      callsInLastSecond: lastSeconds(rows, options.rounds),
    };
  } finally {
    await sandbox.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Starts the built program and resolves when it listens. */
export async function startProgram(
  program: string,
  file: string,
): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [program, "serve", "--config", file], {
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr?.on("data", (text: Buffer) => {
      stderr += text.toString();
      const found = /listens on (http:\S+)/.exec(stderr)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.on("exit", () => reject(new Error(`ended: ${stderr}`)));
  });
  return { child, url };
}

/** Of each round, how many calls began in the second before its last. */
function lastSeconds(rows: readonly LedgerFileRow[], rounds: number): number[] {
  return Array.from({ length: rounds }, (_, index) => {
    const times = rows.filter(({ trace_id }) => roundOf(trace_id) === index + 1).map((row) => row.started_at);
    const last = times.reduce((latest, time) => Math.max(latest, time), 0);
    return times.filter((time) => time > last - 1000).length;
  });
}

const roundOf = (trace: string): number => Number.parseInt(trace.slice(0, 8), 16);

/** Calls at a steady rate, whether or not those before are answered. */
export class SteadyLoad implements CrashLoad {
  readonly #pool: Pool;
  readonly #round: string;
  readonly #timer: NodeJS.Timeout;
  readonly #began = performance.now();
  #sent = 0;
  #answered = 0;

  constructor(url: string, round: number, callsPerSecond: number) {
    this.#pool = new Pool(url, { connections: CONNECTIONS });
    this.#round = round.toString(16).padStart(8, "0");
    this.#timer = setInterval(() => {
      const due = ((performance.now() - this.#began) / 1000) * callsPerSecond;
      while (this.#sent < due) this.#send(this.#sent++);
    }, TICK_MS);
  }

  ready(): boolean {
    return this.#answered > 0;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#pool.destroy();
  }

  #send(number: number): void {
    const trace = this.#round + randomBytes(12).toString("hex");
    const body = JSON.stringify({
      model: MODELS[number % MODELS.length],
      messages: [{ role: "user", content: `Who leads the flock, and who is number ${number}?` }],
      stream: number % 3 === 0,
    });
    this.#pool
      .request({
        path: "/v1/chat/completions",
        method: "POST",
        headers: {
          authorization: `Bearer ${keyOf(trace)}`,
          traceparent: `00-${trace}-00f067aa0ba902b7-01`,
          "content-type": "application/json",
        },
        body,
      })
      .then(({ body: answer }) => answer.dump())
      .then(() => {
        this.#answered++;
      })
      // The program was killed, which is what this is about.
      .catch(() => undefined);
  }
}

const keyOf = (trace: string): string => `sk-${trace}`;

/** As the sandbox names keys in its books. */
const labelOf = (trace: string): string =>
  createHash("sha256").update(keyOf(trace)).digest("hex").slice(0, 8);

function compare(
  sandbox: Sandbox,
  rounds: number,
  rows: readonly LedgerFileRow[],
  left: readonly string[],
): Omit<CrashReport, "callsInLastSecond"> {
  const mistakes: string[] = left.map((file) => `${file} is left in the journal`);
  const accounts = new Map<string, { calls: number; cost: bigint }>();
  for (const { key, calls, cost } of sandbox.books.accounts()) {
    const sum = accounts.get(key) ?? { calls: 0, cost: 0n };
    accounts.set(key, { calls: sum.calls + calls, cost: sum.cost + cost });
  }
  const byTrace = new Map(rows.map((row) => [row.trace_id, row]));
  if (byTrace.size !== rows.length)
    mistakes.push(`${rows.length - byTrace.size} rows too many: calls are there twice`);
  if (new Set(rows.map(({ id }) => id)).size !== rows.length) mistakes.push("ids are there twice");
  let interrupted = 0;
  let unseen = 0;
  let costOfRows = 0n;
  let costOfInterrupted = 0n;
  const byLabel = new Map<string, LedgerFileRow[]>();
  for (const row of rows) {
    if (!(roundOf(row.trace_id) <= rounds)) mistakes.push(`${row.id} is a call that nobody made`);
    const label = labelOf(row.trace_id);
    byLabel.set(label, [...(byLabel.get(label) ?? []), row]);
    if (row.interrupted) interrupted++;
    if (row.interrupted !== (row.cost === null)) {
      mistakes.push(`${row.id} (${row.status}) has ${row.cost === null ? "no" : "a"} cost`);
    }
  }
  // One call each, but for the few keys whose labels, of 32 bits, are the same by chance.
  for (const [label, found] of byLabel) {
    const account = accounts.get(label);
    const inBooks = account?.cost ?? 0n;
    const settled = found.reduce((sum, { cost }) => sum + (cost === null ? 0n : scaled(cost, 12)), 0n);
    costOfRows += settled;
    const lost = found.filter((row) => row.interrupted);
    if (lost.length > 0) costOfInterrupted += inBooks - settled;
    unseen += Math.min(lost.length, found.length - (account?.calls ?? 0));
    if (lost.length === 0 ? settled !== inBooks : settled > inBooks) {
      const ids = found.map(({ id }) => id).join(", ");
      mistakes.push(`${ids}: ${settled} pico-dollars, in the books ${inBooks}`);
    }
  }
  let seen = 0;
  const known = new Set(rows.map(({ trace_id }) => labelOf(trace_id)));
  for (const [label, { calls }] of accounts) {
    seen += calls;
    if (!known.has(label)) mistakes.push(`a call that the sandbox saw has no row (key ${label})`);
  }
  const costInBooks = sandbox.books.cost;
  return {
    seen,
    rows: rows.length,
    interrupted,
    unseen,
    mistakes,
    costOfRows,
    costOfInterrupted,
    costInBooks,
  };
}
