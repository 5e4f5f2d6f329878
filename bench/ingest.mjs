#!/usr/bin/env node
/**
 * `node bench/ingest.mjs [--rows 500000] [--open 2000]`: rows a second from the journal into DuckDB (target: 100,000),
 * with the service that the ledger's process runs, in a process like that one, and the memory it takes; and how much of
 * that is reading the journal. `--open` calls are in flight: they end in another order than they began.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { bundled, inventedCalls, scratchFolder, timeOrdered } from "./ledger-bench.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: "string", default: "500000" }, open: { type: "string", default: "2000" } },
});
const ROWS = Number(values.rows);
const OPEN = Number(values.open);
const TARGET = 100_000;
/** As the configuration has it by default. */
const MEMORY = 96 * 2 ** 20;
const SAMPLE_MS = 100;

const silent = () => undefined;
const log = { info: silent, warn: silent, error: silent, debug: silent };

const roles = { measure, journal: writeJournal, read: readJournal, insert: insertJournal };
await roles[positionals[0] ?? "measure"](...positionals.slice(1));

async function measure() {
  const scratch = scratchFolder();
  const modules = [
    ...["src/ledger/journal/journal.ts", "src/ledger/ingest.ts", "src/ledger/ledger-service.ts"],
    "src/ledger/ledger-child.ts",
  ];
  try {
    const [journal, ingest, service, child] = await Promise.all(
      modules.map(async (source) => pathToFileURL(await bundled(scratch.path, source)).href),
    );
    const { FEW_ARENAS, SMALL_HEAP } = await import(child);
    const folder = join(scratch.path, "journal");
    await inProcess([], {}, "journal", journal, folder);
    await inProcess(SMALL_HEAP, FEW_ARENAS, "read", ingest, folder);
    await inProcess([], {}, "journal", journal, folder);
    await inProcess(SMALL_HEAP, FEW_ARENAS, "insert", service, folder, join(scratch.path, "ledger.duckdb"));
  } finally {
    scratch.remove();
  }
}

/** A process of its own: its writer is dead for the next, and what one has compiled is not there for the other. */
async function inProcess(flags, environment, ...role) {
  const own = ["--rows", values.rows, "--open", values.open];
  const script = fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, [...flags, script, ...own, ...role], {
    stdio: "inherit",
    env: { ...process.env, ...environment },
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${role[0]} ended with ${code}`);
}

async function writeJournal(module, folder) {
  const { Journal } = await import(module);
  const journal = new Journal({ folder, maxBytes: 2 ** 34, whenFull: "drop-oldest", log });
  const kinds = inventedCalls(1_000);
  const open = [];
  for (let at = 0; at < ROWS; at++) {
    const startedAt = 1_790_000_000_000 + at;
    const id = timeOrdered(startedAt);
    const random = crypto.randomUUID().replaceAll("-", "");
    const ids = { id, startedAt, traceId: random, upstreamRequestId: `req_${random.slice(8)}` };
    const call = { ...kinds[at % kinds.length], ...ids };
    journal.started(call);
    const place = open.length < OPEN ? open.length : Math.floor(Math.random() * OPEN);
    const ended = OPEN === 0 ? call : open[place];
    open[place] = call;
    if (ended !== undefined) journal.settled(ended);
    if (at % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  if (OPEN > 0) for (const call of open) journal.settled(call);
  journal.close();
}

async function readJournal(module, folder) {
  const { Ingest } = await import(module);
  const reading = new Ingest({ folder, alive: () => false, insert: () => Promise.resolve() });
  const done = report("reading the journal");
  while (reading.progress.rows < ROWS) await reading.pass();
  done();
  await reading.close();
  rmSync(folder, { recursive: true, force: true });
}

async function insertJournal(module, folder, path) {
  const { LedgerService } = await import(module);
  let rows = 0;
  let changed = silent;
  const service = new LedgerService({
    settings: { journal: folder, store: { path, memoryBytes: MEMORY } },
    tell: ({ state }) => {
      rows = state?.rows ?? rows;
      if (state?.problem !== undefined) process.stderr.write(`${state.problem}\n`);
      changed();
    },
  });
  const told = () => new Promise((resolve) => (changed = resolve));
  const sizes = [];
  const sampling = setInterval(() => sizes.push(process.memoryUsage.rss()), SAMPLE_MS);
  const done = report("journal to DuckDB");
  service.start();
  while (rows < ROWS) await told();
  const perSecond = done();
  clearInterval(sampling);
  const began = performance.now();
  await service.answer({ id: 1, kind: "finish", ask: null });
  process.stdout.write(`closing the database: ${((performance.now() - began) / 1000).toFixed(2)} s\n`);
  if (rows !== ROWS) throw new Error(`${rows} rows arrived`);
  const middle = sizes.toSorted((a, b) => a - b)[Math.floor(sizes.length / 2)];
  const most = process.resourceUsage().maxRSS / 1024;
  process.stdout.write(`resident: ${Math.round(middle / 2 ** 20)} MiB, at most ${Math.round(most)}\n`);
  process.stdout.write(
    `target: ${TARGET.toLocaleString("en")} rows/s: ${perSecond >= TARGET ? "met" : "MISSED"}\n`,
  );
}

/** Begins to measure; what it gives ends that, prints it, and tells rows a second. */
function report(what) {
  const cpu = process.cpuUsage();
  const began = performance.now();
  return () => {
    const ms = performance.now() - began;
    const { user, system } = process.cpuUsage(cpu);
    const perSecond = ROWS / (ms / 1000);
    process.stdout.write(
      `${what}: ${Math.round(perSecond).toLocaleString("en")} rows/s (${(ms / 1000).toFixed(2)} s), ` +
        `CPU ${((user + system) / ROWS).toFixed(1)} µs a row\n`,
    );
    return perSecond;
  };
}
