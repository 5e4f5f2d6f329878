#!/usr/bin/env node
/**
 * `node bench/ingest.mjs [--rows 500000]`: rows a second from the journal into DuckDB (target: 100,000), with the
 * service that the ledger's process runs, and how much of that is reading the journal.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { bundled, inventedCalls, scratchFolder, timeOrdered } from "./ledger-bench.mjs";

const { values } = parseArgs({ options: { rows: { type: "string", default: "500000" } } });
const ROWS = Number(values.rows);
const TARGET = 100_000;

const scratch = scratchFolder();
const silent = () => undefined;
const log = { info: silent, warn: silent, error: silent, debug: silent };
const load = async (source) => import(pathToFileURL(await bundled(scratch.path, source)).href);

async function writeJournal(Journal, folder) {
  const journal = new Journal({ folder, maxBytes: 2 ** 34, whenFull: "drop-oldest", log });
  const calls = inventedCalls(1_000);
  for (let at = 0; at < ROWS; at++) {
    const call = calls[at % calls.length];
    call.startedAt = 1_790_000_000_000 + at;
    call.id = timeOrdered(call.startedAt);
    journal.started(call);
    journal.settled(call);
    if (at % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  journal.close();
}

const report = (what, ms, { user, system }) => {
  const perSecond = ROWS / (ms / 1000);
  process.stdout.write(
    `${what}: ${Math.round(perSecond).toLocaleString("en")} rows/s (${(ms / 1000).toFixed(2)} s), ` +
      `CPU ${((user + system) / ROWS).toFixed(1)} µs a row\n`,
  );
  return perSecond;
};

try {
  const { Journal } = await load("src/ledger/journal/journal.ts");
  const { Ingest } = await load("src/ledger/ingest.ts");
  const { LedgerService } = await load("src/ledger/ledger-service.ts");
  const folder = join(scratch.path, "journal");

  await writeJournal(Journal, folder);
  const reading = new Ingest({ folder, alive: () => false, insert: () => Promise.resolve() });
  let cpu = process.cpuUsage();
  let began = performance.now();
  while (reading.progress.rows < ROWS) await reading.pass();
  report("reading the journal", performance.now() - began, process.cpuUsage(cpu));
  await reading.close();
  rmSync(folder, { recursive: true, force: true });

  await writeJournal(Journal, folder);
  const store = { path: join(scratch.path, "ledger.duckdb"), memoryBytes: 128 * 2 ** 20 };
  let rows = 0;
  const service = new LedgerService({
    settings: { journal: folder, store },
    tell: ({ state }) => {
      rows = state?.rows ?? rows;
      if (state?.problem !== undefined) process.stderr.write(`${state.problem}\n`);
    },
  });
  cpu = process.cpuUsage();
  began = performance.now();
  service.start();
  while (rows < ROWS) await new Promise((resolve) => setTimeout(resolve, 10));
  const perSecond = report("journal to DuckDB", performance.now() - began, process.cpuUsage(cpu));
  began = performance.now();
  await service.answer({ id: 1, kind: "finish", ask: null });
  process.stdout.write(`closing the database: ${((performance.now() - began) / 1000).toFixed(2)} s\n`);
  if (rows !== ROWS) throw new Error(`${rows} rows arrived`);
  process.stdout.write(
    `target: ${TARGET.toLocaleString("en")} rows/s: ${perSecond >= TARGET ? "met" : "MISSED"}\n`,
  );
} finally {
  scratch.remove();
}
