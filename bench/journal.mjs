#!/usr/bin/env node
/**
 * `node bench/journal.mjs [--calls N]`: what the journal costs a call (target: 8 µs for both records, system calls
 * included), in a folder of the temporary directory. The calls of a turn of the event loop vary: with one each call
 * pays for its own writes, under load those that are settled share one.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { bundled, inventedCalls } from "./ledger-bench.mjs";
import { median } from "./statistics.mjs";

const { values } = parseArgs({ options: { calls: { type: "string", default: "100000" } } });
const CALLS = Number(values.calls);
const ROUNDS = 7;
const TARGET_US = 8;

const work = mkdtempSync(join(tmpdir(), "bellwether-bench-"));
const silent = () => undefined;
const log = { info: silent, warn: silent, error: silent, debug: silent };
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** The same loop without a journal, which is what the loop itself costs. */
const nothing = { started: silent, settled: silent, flush: silent, close: silent, bytes: 0 };

async function measure(journal, calls, perTurn) {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const call of calls) call.id = crypto.randomUUID();
    const cpu = process.cpuUsage();
    const began = performance.now();
    for (let at = 0; at < CALLS; at += perTurn) {
      for (let i = at; i < at + perTurn; i++) journal.started(calls[i % calls.length]);
      journal.flush();
      for (let i = at; i < at + perTurn; i++) journal.settled(calls[i % calls.length]);
      await turn();
    }
    const { user, system } = process.cpuUsage(cpu);
    rounds.push({ wall: ((performance.now() - began) * 1000) / CALLS, cpu: (user + system) / CALLS });
  }
  const bytes = journal.bytes / (CALLS * ROUNDS);
  journal.close();
  return { wall: median(rounds.map((r) => r.wall)), cpu: median(rounds.map((r) => r.cpu)), bytes };
}

try {
  const { Journal } = await import(pathToFileURL(await bundled(work, "src/ledger/journal/journal.ts")).href);
  const calls = inventedCalls(1_000);
  let worst = 0;
  for (const perTurn of [1, 4, 32]) {
    const loop = await measure(nothing, calls, perTurn);
    const folder = join(work, `journal-${perTurn}`);
    const journal = new Journal({ folder, maxBytes: 2 ** 33, whenFull: "drop-oldest", log });
    const { bytes, ...gross } = await measure(journal, calls, perTurn);
    const wall = gross.wall - loop.wall;
    const cpu = gross.cpu - loop.cpu;
    worst = Math.max(worst, wall);
    process.stdout.write(
      `${String(perTurn).padStart(2)} calls a turn: ${wall.toFixed(2)} µs a call (CPU ${cpu.toFixed(2)}), ${bytes.toFixed(0)} bytes\n`,
    );
  }
  process.stdout.write(`target: at most ${TARGET_US} µs: ${worst <= TARGET_US ? "met" : "MISSED"}\n`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
