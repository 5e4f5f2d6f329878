/** Calls straight from the journal's bytes are what they are as rows: field by field, and in a database. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { arbitraryUsage } from "../../../test/helpers/arbitrary-usage.ts";
import { uuidv7 } from "../../core/ids.ts";
import { scaled } from "../../core/money.ts";
import { type RowSink, writeRow } from "../../store/calls.ts";
import type { LedgerStore } from "../../store/ledger-store.ts";
import { openStore } from "../../store/open-store.ts";
import type { Usage } from "../../usage/usage.ts";
import { Payload, scanFrames } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { type JournalledCall, JournalledCalls, JournalRecord, StartedCall } from "./journalled-calls.ts";
import { RECORD, writeSettled, writeStarted } from "./records.ts";

/** The records of calls, as they are read; `cut` bytes are missing at the settlement's end. */
function journalled(usages: readonly Usage[], settled = true, cut = 0): JournalledCall[] {
  const out = new FrameWriter();
  for (const usage of usages) {
    writeStarted(out, 1, usage);
    writeSettled(out, 1, usage);
  }
  const calls: JournalledCall[] = [];
  let started: StartedCall | undefined;
  scanFrames(Buffer.from(out.bytes), true, (payload) => {
    const kind = payload.byte();
    payload.uint();
    if (kind === RECORD.started) started = new StartedCall(payload);
    else if (started !== undefined) {
      payload.end -= cut;
      calls.push({ started, settled: settled ? new JournalRecord(payload) : undefined });
    }
  });
  return calls;
}

/** Remembers what it is given, last first, as a database would have it. */
class Remembered implements RowSink {
  readonly fields = new Map<number, unknown>();
  text = (column: number, bytes: Uint8Array, start: number, end: number) =>
    this.fields.set(column, Buffer.from(bytes.subarray(start, end)).toString());
  integer = (column: number, value: number) => this.fields.set(column, value);
  float = (column: number, value: number) => this.fields.set(column, value);
  boolean = (column: number, value: boolean) => this.fields.set(column, value);
  money = (column: number, pico: number | bigint) => this.fields.set(column, BigInt(pico));
}

const written = (calls: JournalledCalls) => {
  const sink = new Remembered();
  expect(calls.write(0, sink)).toBe(true);
  return new Map([...sink.fields].sort());
};

test("every field of any call is the same as in its row", () => {
  fc.assert(
    fc.property(arbitraryUsage, fc.boolean(), (usage, settled) => {
      const calls = new JournalledCalls(journalled([usage], settled));
      const [row] = calls.rows();
      const expected = new Remembered();
      if (row !== undefined) writeRow(row, expected);
      expect(written(calls)).toEqual(new Map([...expected.fields].sort()));
      expect(row?.interrupted).toBe(!settled);
      expect([calls.id(0), calls.startedAt(0)]).toEqual([usage.id, usage.startedAt]);
    }),
    { numRuns: 500 },
  );
});

test("a record that stands by itself is what it was", () => {
  fc.assert(
    fc.property(arbitraryUsage, (usage) => {
      const [call] = journalled([usage]) as [JournalledCall];
      const before = written(new JournalledCalls([call]));
      const shared = call.started.record.open().bytes;
      call.started.record.detach();
      call.settled?.detach();
      shared.fill(0);
      expect(written(new JournalledCalls([call]))).toEqual(before);
    }),
  );
});

test("one that is shorter than its fields is left out and counted, either way", () => {
  const [usage] = fc.sample(arbitraryUsage, { seed: 1, numRuns: 1 }) as [Usage];
  for (let cut = 1; cut < 20; cut++) {
    const calls = new JournalledCalls(journalled([usage], true, cut));
    // A duration that is missing at the end was not known to older programs.
    expect([calls.rows().length, calls.unreadable]).toEqual([0, 1]);
    expect(calls.write(0, new Remembered())).toBe(false);
    expect(calls.unreadable).toBe(1);
  }
});

let folder: string;
const stores: LedgerStore[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bellwether-columns-"));
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function database(name: string): Promise<LedgerStore> {
  const store = await openStore({ path: join(folder, name), memoryBytes: 256 * 2 ** 20 });
  await store.migrate();
  stores.push(store);
  return store;
}

test("a database that takes them has what it has of their rows", async () => {
  const usages = fc
    .sample(arbitraryUsage, { seed: 2, numRuns: 5_000 })
    // A time as the database can have it, and money of as many digits.
    .map((usage, index) => ({
      ...usage,
      id: uuidv7(1_790_000_000_000 + index),
      startedAt: 1_790_000_000_000 + index,
      path: index % 700 === 0 ? `/${"long".repeat(1_000_000)}` : usage.path,
      cost: index % 9 === 0 ? undefined : 10n ** BigInt(index % 25) - BigInt(index % 2),
      listCost: usage.listCost === undefined ? undefined : BigInt(index),
    }));
  const [short] = journalled(usages.slice(0, 1), true, 3) as [JournalledCall];
  const whole = journalled(usages);
  // In the midst of a vector, and there twice.
  const calls = [...whole.slice(0, 3_000), short, ...whole.slice(3_000), ...whole.slice(10, 20)];
  const [direct, asRows] = [await database("direct.duckdb"), await database("rows.duckdb")];
  const taken = new JournalledCalls(calls.with(3_000, { ...short, started: unknown(short.started) }));
  expect(await direct.insertCalls(taken)).toBe(usages.length);
  expect(taken.unreadable).toBe(1);
  expect(await asRows.insert(new JournalledCalls(whole).rows())).toBe(usages.length);
  const all = {
    text: "SELECT * REPLACE (cost::VARCHAR AS cost, list_cost::VARCHAR AS list_cost) FROM calls ORDER BY id",
    params: [],
  };
  const rows = await direct.query(all);
  expect(rows.length).toBe(usages.length);
  expect(rows).toEqual(await asRows.query(all));
  expect(rows.map(({ path }) => path)).toEqual(usages.map(({ path }) => path));
  const costs = rows.map(({ cost }) => (cost === null ? undefined : scaled(String(cost), 12)));
  expect(costs).toEqual(usages.map(({ cost }) => cost));
});

/** The same start under an id of its own. */
function unknown(started: StartedCall): StartedCall {
  return Object.assign(Object.create(started) as StartedCall, { id: uuidv7(1_790_000_009_999) });
}

test("a text that is no UTF-8 is taken with what can be read of it", async () => {
  const store = await database("odd.duckdb");
  const [usage] = fc.sample(arbitraryUsage, { seed: 3, numRuns: 1 }) as [Usage];
  const bytes = Buffer.from(new FrameWriter().bytes);
  expect(bytes.length).toBe(0);
  const out = new FrameWriter();
  const mark = "M".repeat(40);
  writeStarted(out, 1, {
    ...usage,
    id: uuidv7(1),
    startedAt: 1_790_000_000_000,
    modelLabel: mark,
    team: "MMMMM",
  });
  const record = Buffer.from(out.bytes);
  for (const text of [mark, "MMMMM"]) record[record.indexOf(text) + 2] = 0xff;
  const payload = new Payload(record);
  payload.at = 10;
  payload.end = record.length;
  payload.byte();
  payload.uint();
  const started = new StartedCall(payload);
  const settled = journalled([{ ...usage, cost: 1n, listCost: undefined }])[0]?.settled;
  expect(await store.insertCalls(new JournalledCalls([{ started, settled }]))).toBe(1);
  const [row] = await store.query({ text: "SELECT model, team FROM calls", params: [] });
  expect(row).toEqual({ model: `MM\ufffd${"M".repeat(37)}`, team: "MM\ufffdMM" });
});
