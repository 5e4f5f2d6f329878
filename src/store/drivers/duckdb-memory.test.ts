/** What DuckDB has memory for: enough for batches, however little it is, and all of it for questions. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBConnection } from "@duckdb/node-api";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ledgerRow } from "../../../test/helpers/ledger-row.ts";
import { idOf } from "../../../test/helpers/ledger-store-suite.ts";
import type { LedgerStore } from "../ledger-store.ts";
import { openDuckdb } from "./duckdb.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bellwether-memory-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function opened(memoryBytes: number): Promise<LedgerStore> {
  const archive = join(folder, "archive");
  const store = await openDuckdb({ path: join(folder, "ledger.duckdb"), memoryBytes, archive });
  await store.migrate();
  return store;
}

/** What the database was told that it may take. */
function limits(): () => string[] {
  const run = vi.spyOn(DuckDBConnection.prototype, "run");
  return () => {
    const told = run.mock.calls
      .map(([text]) => String(text))
      .filter((text) => text.startsWith("SET memory_limit"));
    run.mockRestore();
    return told;
  };
}

it("has less memory for inserts than for questions and sums", async () => {
  const told = limits();
  const store = await opened(128 * 2 ** 20);
  for (let n = 0; n < 2; n++) await store.insert([ledgerRow({ id: idOf(n) })]);
  const text = "SELECT current_setting('memory_limit') AS memory, count(*) AS calls FROM calls";
  expect(await store.query({ text, params: [] })).toEqual([{ memory: "127.7 MiB", calls: 2 }]);
  await store.insert([ledgerRow({ id: idOf(2) })]);
  await store.rollUp?.(Date.now());
  expect(told()).toEqual(["80MB", "134MB", "80MB", "134MB"].map((size) => `SET memory_limit = '${size}'`));
  await store.close();
});

it("takes large batches with the least memory that can be configured", async () => {
  const store = await opened(64 * 2 ** 20);
  // Smaller than a row group: such go through the log, with the most memory.
  const batches = Array.from({ length: 2 }, (_, batch) =>
    Array.from({ length: 20_000 }, (_, n) => ledgerRow({ id: idOf(100_000 * batch + n) })),
  );
  expect(await Promise.all(batches.map((rows) => store.insert(rows)))).toEqual([20_000, 20_000]);
  await store.close();
});

it("fills the group that is begun before it begins another, so that one is compressed at a time", async () => {
  const store = await opened(96 * 2 ** 20);
  const rows = Array.from({ length: 50_000 }, (_, n) => ledgerRow({ id: idOf(n) }));
  expect(await store.insert(rows.slice(0, 20_000))).toBe(20_000);
  const run = vi.spyOn(DuckDBConnection.prototype, "run");
  expect(await store.insert(rows.slice(20_000, 40_000))).toBe(20_000);
  const texts = run.mock.calls.map(([text]) => String(text));
  run.mockRestore();
  const steps = texts.filter((text) => ["BEGIN", "COMMIT", "CHECKPOINT"].includes(text));
  expect(steps).toEqual(["BEGIN", "COMMIT", "CHECKPOINT", "BEGIN", "COMMIT"]);
  // Calls that are there already are in both parts.
  expect(await store.insert([...rows.slice(40_000), ...rows.slice(20_000, 40_000)])).toBe(10_000);
  const text = "SELECT count(*) AS calls, count(DISTINCT id) AS ids FROM calls";
  expect(await store.query({ text, params: [] })).toEqual([{ calls: 50_000, ids: 50_000 }]);
  await store.close();
});
