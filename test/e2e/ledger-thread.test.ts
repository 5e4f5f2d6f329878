/** The ledger's thread, as built, killed amid its work: the journal goes on, and each row comes once. */
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { uuidv7 } from "../../src/core/ids.ts";
import type { Logger } from "../../src/core/log.ts";
import { Journal } from "../../src/ledger/journal/journal.ts";
import { LedgerThread } from "../../src/ledger/ledger-thread.ts";
import { openStore } from "../../src/store/open-store.ts";
import { arbitraryUsage } from "../helpers/arbitrary-usage.ts";
import { readLedgerFile } from "../helpers/ledger-file.ts";
import { until } from "../helpers/until.ts";

const WORKER = new URL("../../dist/ledger-worker.js", import.meta.url);

let folder: string;
let lines: string[];
const log: Logger = {
  info: (_, message) => lines.push(message),
  warn: (_, message) => lines.push(message),
  error: (_, message) => lines.push(message),
  debug: () => undefined,
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bellwether-thread-"));
  lines = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("is started again each time, and no row is lost or there twice", async () => {
  const store = { path: join(folder, "ledger.duckdb"), memoryBytes: 128 * 2 ** 20 };
  const settings = { journal: join(folder, "journal"), store };
  const workers: Worker[] = [];
  const make = (): Worker => {
    const worker = new Worker(WORKER, { workerData: settings });
    workers.push(worker);
    return worker;
  };
  const journal = new Journal({
    folder: settings.journal,
    maxBytes: 2 ** 30,
    whenFull: "drop-oldest",
    log,
    segmentBytes: 64 * 1024,
  });
  const thread = new LedgerThread({ settings, log, make });
  thread.start();
  const now = Date.now();
  const calls = fc.sample(arbitraryUsage, { seed: 3, numRuns: 2_000 }).map((usage, index) => {
    // A price has an end in the database, the extremes have their own test.
    const cost = index % 10 === 0 ? undefined : BigInt(index);
    return {
      ...usage,
      id: uuidv7(now + index),
      startedAt: now + index,
      upstream: "relay",
      cost,
      listCost: cost,
    };
  });
  for (let at = 0; at < calls.length; at += 20) {
    for (const call of calls.slice(at, at + 20)) {
      journal.started(call);
      journal.settled(call);
    }
    await sleep(2);
    if (at % 1_000 !== 500) continue;
    const count = workers.length;
    await until(() => thread.status.problem, undefined);
    await workers.at(-1)?.terminate();
    await until(() => workers.length, count + 1);
  }
  journal.close();
  await until(() => thread.status.rows >= calls.length && thread.status.problem === undefined, true);
  const day = 86_400_000;
  const range = { from: new Date(now - day).toISOString(), to: new Date(now + day).toISOString() };
  const [overall] = (await thread.report("summary", { ...range, probes: "true" })).tables;
  const column = overall?.columns.findIndex(({ name }) => name === "calls") ?? -1;
  expect(overall?.totals?.[column]).toBe(calls.length);
  await expect(thread.report("summery", {})).rejects.toMatchObject({ code: "unknown_report" });
  await expect(thread.report("summary", { from: "never" })).rejects.toMatchObject({ code: "bad_parameter" });
  expect(await thread.close(30_000)).toBe(true);
  expect(workers.length).toBe(3);
  expect(lines.filter((line) => line.startsWith("ledger thread ended")).length).toBe(2);
  expect(lines.filter((line) => line === "ledger writable again").length).toBe(2);
  expect(readdirSync(settings.journal)).toEqual([]);
  const rows = await readLedgerFile(store.path);
  expect(rows.length).toBe(calls.length);
  expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(calls.map(({ id }) => id)));
  expect(rows.every(({ interrupted }) => !interrupted)).toBe(true);
});

it("says so to whoever asks while it is dead", async () => {
  const store = { path: join(folder, "ledger.duckdb"), memoryBytes: 128 * 2 ** 20 };
  const settings = { journal: join(folder, "journal"), store };
  const thread = new LedgerThread({
    settings,
    log,
    make: () => {
      throw new Error("no threads left");
    },
  });
  thread.start();
  await expect(thread.query({ text: "SELECT 1", params: [] })).rejects.toMatchObject({
    code: "ledger_unavailable",
  });
  expect(lines).toEqual(["ledger thread ended: traffic goes on, and the journal holds the rows"]);
  expect(await thread.close(1_000)).toBe(false);
});

it("that fails amid the database's work ends alone, and is started again", async () => {
  const store = { path: join(folder, "ledger.duckdb"), memoryBytes: 128 * 2 ** 20 };
  const settings = { journal: join(folder, "journal"), store };
  let started = 0;
  const failing = `require(${JSON.stringify(WORKER.pathname)}); setTimeout(() => { throw new Error("boom"); }, 300);`;
  const make = (): Worker =>
    started++ === 0
      ? new Worker(failing, { eval: true, workerData: settings })
      : new Worker(WORKER, { workerData: settings });
  const whenFull = "drop-oldest";
  const journal = new Journal({ folder: settings.journal, maxBytes: 2 ** 30, whenFull, log });
  const thread = new LedgerThread({ settings, log, make });
  thread.start();
  const now = Date.now();
  const calls = fc
    .sample(arbitraryUsage, { seed: 4, numRuns: 500 })
    .map((usage, index) => ({ ...usage, id: uuidv7(now + index), startedAt: now + index }));
  while (started < 2) {
    for (const call of calls.splice(0, 20)) {
      journal.started(call);
      journal.settled(call);
    }
    await sleep(10);
  }
  journal.close();
  await until(() => thread.status.problem, undefined);
  expect(lines).toContain("ledger thread ended: traffic goes on, and the journal holds the rows");
  expect(await thread.close(30_000)).toBe(true);
  const rows = await readLedgerFile(store.path);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(500 - calls.length);
});

/** Takes hours. */
const LONG = "SELECT sum(a.range * b.range) AS n FROM range(10000000) a, range(10000000) b";

it("ends in time, and alone, while the database is at a question that takes long", async () => {
  const store = { path: join(folder, "ledger.duckdb"), memoryBytes: 128 * 2 ** 20 };
  const settings = { journal: join(folder, "journal"), store };
  const worker = new Worker(WORKER, { workerData: settings });
  const exit = once(worker, "exit");
  const thread = new LedgerThread({ settings, log, make: () => worker });
  thread.start();
  await until(() => thread.status.problem, undefined);
  const asked = expect(thread.query({ text: LONG, params: [] })).rejects.toMatchObject({
    code: "ledger_unavailable",
  });
  await sleep(200);
  expect(await thread.close(30_000)).toBe(true);
  await Promise.all([exit, asked]);
  expect(await readLedgerFile(store.path)).toEqual([]);
});

it("breaks off what it writes when that takes too long, and leaves the rows to the journal", async () => {
  const store = { path: join(folder, "ledger.duckdb"), memoryBytes: 128 * 2 ** 20 };
  const settings = { journal: join(folder, "journal"), store };
  // Every transaction begins with the question that takes hours.
  const slow = `
    const { DuckDBConnection } = require("@duckdb/node-api");
    const { run } = DuckDBConnection.prototype;
    DuckDBConnection.prototype.run = function (text) { return run.call(this, text === "BEGIN" ? ${JSON.stringify(LONG)} : text); };
    require(${JSON.stringify(WORKER.pathname)});`;
  const made = await openStore(store);
  await made.migrate();
  await made.close();
  const worker = new Worker(slow, { eval: true, workerData: settings });
  const exit = once(worker, "exit");
  const whenFull = "drop-oldest";
  const journal = new Journal({ folder: settings.journal, maxBytes: 2 ** 30, whenFull, log });
  const thread = new LedgerThread({ settings, log, make: () => worker });
  for (const usage of fc.sample(arbitraryUsage, { seed: 5, numRuns: 20 })) {
    journal.started(usage);
    journal.settled(usage);
  }
  journal.close();
  thread.start();
  expect(await thread.close(1_500)).toBe(false);
  await exit;
  expect(lines).toEqual([]);
  expect(readdirSync(settings.journal).length).toBe(1);
  expect(await readLedgerFile(store.path)).toEqual([]);
});

it("that answers nothing any more is left behind, and the process goes on", async () => {
  const store = { path: join(folder, "ledger.duckdb"), memoryBytes: 128 * 2 ** 20 };
  const settings = { journal: join(folder, "journal"), store };
  const worker = new Worker("for (;;);", { eval: true });
  const thread = new LedgerThread({ settings, log, make: () => worker });
  thread.start();
  expect(await thread.close(100)).toBe(false);
  expect(lines).toEqual([expect.stringMatching(/^ledger thread does not end/)]);
  await worker.terminate();
});
