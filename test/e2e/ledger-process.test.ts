/** The ledger's process, as built, killed amid its work: the journal goes on, and each row comes once. */
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { getPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { uuidv7 } from "../../src/core/ids.ts";
import type { Logger } from "../../src/core/log.ts";
import { Journal } from "../../src/ledger/journal/journal.ts";
import { LedgerChild } from "../../src/ledger/ledger-child.ts";
import { LedgerProcess } from "../../src/ledger/ledger-process.ts";
import { openStore } from "../../src/store/open-store.ts";
import { arbitraryUsage } from "../helpers/arbitrary-usage.ts";
import { readLedgerFile } from "../helpers/ledger-file.ts";
import { type Product, startProduct } from "../helpers/product.ts";
import { until } from "../helpers/until.ts";

const WORKER = new URL("../../dist/ledger-worker.js", import.meta.url);
/** For scripts elsewhere that begin as the process does, or end so. */
const REQUIRE = `const load = require("node:module").createRequire(${JSON.stringify(WORKER.pathname)});`;
const RUN = 'load("./ledger-worker.js");';

let folder: string;
let lines: string[];
const log: Logger = {
  info: (_, message) => lines.push(message),
  warn: (_, message) => lines.push(message),
  error: (_, message) => lines.push(message),
  debug: () => undefined,
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bellwether-ledger-"));
  lines = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function script(text: string): string {
  const file = join(folder, "script.cjs");
  writeFileSync(file, text);
  return file;
}

it("is started again each time, and no row is lost or there twice", async () => {
  const store = { path: join(folder, "ledger.duckdb"), memoryBytes: 128 * 2 ** 20 };
  const settings = { journal: join(folder, "journal"), store };
  const workers: LedgerChild[] = [];
  const make = (): LedgerChild => {
    const worker = new LedgerChild(WORKER, settings);
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
  const ledger = new LedgerProcess({ settings, log, make });
  ledger.start();
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
    await until(() => ledger.status.problem, undefined);
    await workers.at(-1)?.terminate();
    await until(() => workers.length, count + 1);
  }
  journal.close();
  await until(() => ledger.status.rows >= calls.length && ledger.status.problem === undefined, true);
  const day = 86_400_000;
  const range = { from: new Date(now - day).toISOString(), to: new Date(now + day).toISOString() };
  const [overall] = (await ledger.report("summary", { ...range, probes: "true" }, [])).tables;
  const column = overall?.columns.findIndex(({ name }) => name === "calls") ?? -1;
  expect(overall?.totals?.[column]).toBe(calls.length);
  await expect(ledger.report("summery", {}, [])).rejects.toMatchObject({ code: "unknown_report" });
  await expect(ledger.report("summary", { from: "never" }, [])).rejects.toMatchObject({
    code: "bad_parameter",
  });
  expect(await ledger.close(30_000)).toBe(true);
  expect(workers.length).toBe(3);
  expect(lines.filter((line) => line.startsWith("ledger process ended")).length).toBe(2);
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
  const ledger = new LedgerProcess({
    settings,
    log,
    make: () => {
      throw new Error("no processes left");
    },
  });
  ledger.start();
  await expect(ledger.query({ text: "SELECT 1", params: [] })).rejects.toMatchObject({
    code: "ledger_unavailable",
  });
  expect(lines).toEqual(["ledger process ended: traffic goes on, and the journal holds the rows"]);
  expect(await ledger.close(1_000)).toBe(false);
});

it("that fails amid the database's work ends alone, and is started again", async () => {
  const store = { path: join(folder, "ledger.duckdb"), memoryBytes: 128 * 2 ** 20 };
  const settings = { journal: join(folder, "journal"), store };
  let started = 0;
  const failing = script(`${REQUIRE} ${RUN} setTimeout(() => { throw new Error("boom"); }, 300);`);
  const make = (): LedgerChild => new LedgerChild(started++ === 0 ? failing : WORKER, settings);
  const whenFull = "drop-oldest";
  const journal = new Journal({ folder: settings.journal, maxBytes: 2 ** 30, whenFull, log });
  const ledger = new LedgerProcess({ settings, log, make });
  ledger.start();
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
  await until(() => ledger.status.problem, undefined);
  expect(lines).toContain("ledger process ended: traffic goes on, and the journal holds the rows");
  expect(await ledger.close(30_000)).toBe(true);
  const rows = await readLedgerFile(store.path);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(500 - calls.length);
});

it("ends when memory is used up while it reads, and the next one has every call", async () => {
  const store = { path: join(folder, "ledger.duckdb"), memoryBytes: 128 * 2 ** 20 };
  const settings = { journal: join(folder, "journal"), store };
  const poor = script(`
    const allocate = Buffer.allocUnsafeSlow;
    Buffer.allocUnsafeSlow = (bytes) => {
      if (bytes >= 2 ** 20) throw new RangeError("Array buffer allocation failed");
      return allocate(bytes);
    };
    ${REQUIRE} ${RUN}`);
  let started = 0;
  const make = (): LedgerChild => new LedgerChild(started++ === 0 ? poor : WORKER, settings);
  const whenFull = "drop-oldest";
  const journal = new Journal({ folder: settings.journal, maxBytes: 2 ** 30, whenFull, log });
  const calls = fc
    .sample(arbitraryUsage, { seed: 6, numRuns: 50 })
    .map((usage, index) => ({ ...usage, id: uuidv7(Date.now() + index), upstream: "relay" }));
  for (const call of calls) {
    journal.started(call);
    journal.settled(call);
  }
  journal.close();
  const ledger = new LedgerProcess({ settings, log, make });
  ledger.start();
  await until(() => ledger.status.rows, calls.length);
  expect(started).toBe(2);
  expect(ledger.status.damages).toBe(0);
  expect(await ledger.close(30_000)).toBe(true);
  const rows = await readLedgerFile(store.path);
  expect(rows.map(({ id }) => id).sort()).toEqual(calls.map(({ id }) => id).sort());
  expect(rows.every(({ interrupted }) => !interrupted)).toBe(true);
  expect(readdirSync(settings.journal)).toEqual([]);
});

/** Takes hours. */
const LONG = "SELECT sum(a.range * b.range) AS n FROM range(10000000) a, range(10000000) b";

it("ends in time, and alone, while the database is at a question that takes long", async () => {
  const store = { path: join(folder, "ledger.duckdb"), memoryBytes: 128 * 2 ** 20 };
  const settings = { journal: join(folder, "journal"), store };
  const worker = new LedgerChild(WORKER, settings);
  const exit = once(worker, "exit");
  const ledger = new LedgerProcess({ settings, log, make: () => worker });
  ledger.start();
  await until(() => ledger.status.problem, undefined);
  const asked = expect(ledger.query({ text: LONG, params: [] })).rejects.toMatchObject({
    code: "ledger_unavailable",
  });
  await sleep(200);
  expect(await ledger.close(30_000)).toBe(true);
  await Promise.all([exit, asked]);
  expect(await readLedgerFile(store.path)).toEqual([]);
});

it("breaks off what it writes when that takes too long, and leaves the rows to the journal", async () => {
  const store = { path: join(folder, "ledger.duckdb"), memoryBytes: 128 * 2 ** 20 };
  const settings = { journal: join(folder, "journal"), store };
  // Every transaction begins with the question that takes hours.
  const slow = `
    ${REQUIRE}
    const { DuckDBConnection } = load("@duckdb/node-api");
    const { run } = DuckDBConnection.prototype;
    DuckDBConnection.prototype.run = function (text) { return run.call(this, text === "BEGIN" ? ${JSON.stringify(LONG)} : text); };
    ${RUN}`;
  const made = await openStore(store);
  await made.migrate();
  await made.close();
  const worker = new LedgerChild(script(slow), settings);
  const exit = once(worker, "exit");
  const whenFull = "drop-oldest";
  const journal = new Journal({ folder: settings.journal, maxBytes: 2 ** 30, whenFull, log });
  const ledger = new LedgerProcess({ settings, log, make: () => worker });
  for (const usage of fc.sample(arbitraryUsage, { seed: 5, numRuns: 20 })) {
    journal.started(usage);
    journal.settled(usage);
  }
  journal.close();
  ledger.start();
  expect(await ledger.close(1_500)).toBe(false);
  await exit;
  expect(lines).toEqual([]);
  expect(readdirSync(settings.journal).length).toBe(1);
  expect(await readLedgerFile(store.path)).toEqual([]);
});

it("is killed when it answers nothing any more", async () => {
  const store = { path: join(folder, "ledger.duckdb"), memoryBytes: 128 * 2 ** 20 };
  const settings = { journal: join(folder, "journal"), store };
  const worker = new LedgerChild(script("for (;;);"), settings);
  const exit = once(worker, "exit");
  const ledger = new LedgerProcess({ settings, log, make: () => worker });
  ledger.start();
  expect(await ledger.close(100)).toBe(false);
  expect(await exit).toEqual([new Error("it ended with SIGKILL")]);
});

describe.skipIf(process.platform !== "linux")("of a gateway", () => {
  const ledgerOf = async ({ process: { pid } }: Product): Promise<number> => {
    const children = () => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    await until(() => /^\d+$/.test(children()), true);
    return Number(children());
  };
  const isThere = (pid: number): boolean => existsSync(`/proc/${pid}`);
  const call = async ({ url }: Product): Promise<void> => {
    const body = JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content: "Hi" }] });
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body });
    await answer.text();
    expect(answer.status).toBe(200);
  };
  const started: Product[] = [];
  const start = async (niceness = 0): Promise<Product> => {
    const product = await startProduct({ folder, niceness });
    started.push(product);
    return product;
  };
  afterEach(async () => {
    for (const product of started.splice(0)) await product.close();
  });
  const rows = () => readLedgerFile(join(folder, "data", "ledger.duckdb"));

  it("ends with it, however that ends, and the next one has the database", async () => {
    const first = await start();
    const ledger = await ledgerOf(first);
    await call(first);
    // A call that has been answered is settled a moment later.
    const page = async () => (await fetch(`${first.url}/metrics`)).text();
    await until(async () => /^bellwether_ledger_rows_total 1$/m.test(await page()), true);
    first.process.kill("SIGKILL");
    await until(() => isThere(ledger), false);
    const second = await start();
    await call(second);
    second.process.kill("SIGTERM");
    expect(await second.ended).toBe(0);
    expect((await rows()).map(({ status, interrupted }) => [status, interrupted])).toEqual([
      [200, false],
      [200, false],
    ]);
  });

  it.each([
    [0, 7],
    [3, 10],
    [15, 19],
  ])("lets calls go first, with all its threads, where the gateway has niceness %i", async (own, yields) => {
    const product = await start(own);
    const ledger = await ledgerOf(product);
    await call(product);
    await until(() => existsSync(join(folder, "data", "ledger.duckdb")), true);
    const niceness = (pid: number): Set<string | undefined> => {
      const tasks = `/proc/${pid}/task`;
      // The 19th field; the second is the name in parentheses.
      const fields = (task: string) =>
        readFileSync(join(tasks, task, "stat"), "utf8")
          .replace(/^.*\) /s, "")
          .split(" ");
      return new Set(readdirSync(tasks).map((task) => fields(task)[16]));
    };
    const nicer = (by: number) => new Set([String(Math.min(19, getPriority() + by))]);
    expect(niceness(ledger)).toEqual(nicer(yields));
    expect(niceness(product.process.pid ?? 0)).toEqual(nicer(own));
  });

  it("does not heed the signals that a terminal sends to both", async () => {
    const product = await start();
    const ledger = await ledgerOf(product);
    await until(() => existsSync(join(folder, "data", "ledger.duckdb")), true);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(ledger, signal);
    await call(product);
    expect(await ledgerOf(product)).toBe(ledger);
    for (const pid of [ledger, product.process.pid ?? 0]) process.kill(pid, "SIGINT");
    expect(await product.ended).toBe(0);
    expect(isThere(ledger)).toBe(false);
    expect(product.stdout).not.toContain("ledger process ended");
    expect((await rows()).length).toBe(1);
  });
});
