/** Calls straight from the journal's bytes are what they are as rows: field by field, and in a database. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { arbitraryUsage } from "../../../test/helpers/arbitrary-usage.ts";
import { uuidv7 } from "../../core/ids.ts";
import { scaled } from "../../core/money.ts";
import { type RowSink, writeRow } from "../../store/calls.ts";
import type { LedgerStore } from "../../store/ledger-store.ts";
import { openStore } from "../../store/open-store.ts";
import type { Usage } from "../../usage/usage.ts";
import { scanFrames } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { JournalledCalls } from "./journalled-calls.ts";
import { OpenCalls } from "./open-calls.ts";
import { RecordBlocks } from "./record-blocks.ts";
import { RECORD, writeSettled, writeStarted } from "./records.ts";

interface Reading {
  /** Without it the calls are interrupted. */
  readonly settled?: boolean;
  /** Bytes that are missing at the settlements' ends. */
  readonly cut?: number;
  /** Added to these. */
  readonly to?: JournalledCalls;
  /** Changes the records. */
  damage?(bytes: Buffer): void;
}

/** Calls as they are read from their records. */
function journalled(usages: readonly Usage[], { settled = true, cut = 0, to, damage }: Reading = {}) {
  const out = new FrameWriter();
  for (const [number, usage] of usages.entries()) {
    writeStarted(out, number, usage);
    writeSettled(out, number, usage);
  }
  const calls = to ?? new JournalledCalls(new RecordBlocks());
  const open = new OpenCalls();
  scanFrames(Buffer.from(out.bytes), true, (payload) => {
    damage?.(payload.bytes);
    const kind = payload.byte();
    const number = payload.uint();
    if (kind === RECORD.started) open.add(number, payload);
    else {
      payload.end -= cut;
      open.settle(number, settled ? payload : undefined, calls);
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
      const calls = journalled([usage], { settled });
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

test("one that is shorter than its fields is left out and counted, either way", () => {
  const [usage] = fc.sample(arbitraryUsage, { seed: 1, numRuns: 1 }) as [Usage];
  for (let cut = 1; cut < 20; cut++) {
    const calls = journalled([usage], { cut });
    // A duration that is missing at the end was not known to older programs.
    expect([calls.rows().length, calls.unreadable]).toEqual([0, 1]);
    expect(calls.write(0, new Remembered())).toBe(false);
    expect(calls.unreadable).toBe(1);
  }
});

test("batches share blocks: what one has done with another takes, and those between stay as they are", () => {
  const memory = new RecordBlocks();
  const take = vi.spyOn(memory, "take");
  const usages = fc.sample(arbitraryUsage, { seed: 4, numRuns: 40 }).map((usage, index) => {
    // Three to a block and a half, and one that is larger than a block.
    return { ...usage, id: `call ${index}`, path: "/".repeat(index === 20 ? 3_000_000 : 300_000) };
  });
  const filled = (from: number, to: number): JournalledCalls => {
    return journalled(usages.slice(from, to), { to: new JournalledCalls(memory) });
  };
  const ids = (calls: JournalledCalls): string[] => calls.rows().map(({ id }) => id);
  const expected = (from: number, to: number): string[] => usages.slice(from, to).map(({ id }) => id);
  const first = filled(0, 10);
  const second = filled(10, 25);
  expect([ids(first), ids(second)]).toEqual([expected(0, 10), expected(10, 25)]);
  const before = new Set(take.mock.results.map(({ value }) => value));
  take.mockClear();
  first.clear();
  expect([first.length, first.bytes]).toEqual([0, 0]);
  const third = filled(25, 32);
  expect(take.mock.results.map(({ value }) => before.has(value))).toEqual([true, true, true]);
  expect([ids(second), ids(third)]).toEqual([expected(10, 25), expected(25, 32)]);
  expect(second.rows()[10]?.path.length).toBe(3_000_000);
  // A small one behind the large one.
  expect(second.id(11)).toBe("call 21");
  third.clear();
  memory.rest();
  take.mockClear();
  filled(0, 10);
  expect(take.mock.results.map(({ value }) => before.has(value))).toEqual([true, true, false, false]);
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
  const samples = fc.sample(arbitraryUsage, { seed: 2, numRuns: 500 });
  const several = Array.from({ length: 10 }, () => samples).flat();
  // A time as the database can have it, and money of as many digits.
  const usages = several.map((usage, index) => ({
    ...usage,
    id: uuidv7(1_790_000_000_000 + index),
    startedAt: 1_790_000_000_000 + index,
    path: index % 700 === 0 ? `/${"long".repeat(1_000_000)}` : usage.path,
    cost: index % 9 === 0 ? undefined : 10n ** BigInt(index % 25) - BigInt(index % 2),
    listCost: usage.listCost === undefined ? undefined : BigInt(index),
  }));
  const short = { ...usages[0], id: uuidv7(1_790_000_009_999) } as Usage;
  // In the midst of a vector, and there twice.
  const taken = journalled(usages.slice(0, 3_000));
  journalled([short], { cut: 3, to: taken });
  journalled(usages.slice(3_000), { to: taken });
  journalled(usages.slice(10, 20), { to: taken });
  const [direct, asRows] = [await database("direct.duckdb"), await database("rows.duckdb")];
  expect(await direct.insertCalls(taken)).toBe(usages.length);
  expect(taken.unreadable).toBe(1);
  expect(await asRows.insert(journalled(usages).rows())).toBe(usages.length);
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

test("texts that are no UTF-8, or beyond ASCII, are taken with what can be read of them", async () => {
  const store = await database("odd.duckdb");
  const [usage] = fc.sample(arbitraryUsage, { seed: 3, numRuns: 1 }) as [Usage];
  const mark = "M".repeat(40);
  const wide = "鸭嘴兽".repeat(20);
  const calls = new JournalledCalls(new RecordBlocks());
  for (let n = 0; n < 600; n++) {
    const named = {
      ...usage,
      id: uuidv7(n),
      startedAt: 1_790_000_000_000 + n,
      cost: 1n,
      listCost: undefined,
    };
    const whole = n % 3 === 0 ? `${wide}${n % 60}` : `${mark}${n % 30}`;
    journalled([{ ...named, modelLabel: whole, team: "MMMMM", path: `${whole}${n}` }], {
      to: calls,
      damage(bytes) {
        if (n % 3 !== 1) return;
        // Of the team, which is behind its length, of the model and of the path; once.
        for (const [text, at] of [["\u0005MMMMM", 3] as const, [mark, 2] as const]) {
          for (let found = bytes.indexOf(text); found !== -1; found = bytes.indexOf(text, found)) {
            bytes[found + at] = 0xff;
          }
        }
      },
    });
  }
  expect(await store.insertCalls(calls)).toBe(600);
  const rows = await store.query({ text: "SELECT model, team, path FROM calls ORDER BY id", params: [] });
  for (const [n, row] of rows.entries()) {
    const model =
      n % 3 === 0
        ? `${wide}${n % 60}`
        : n % 3 === 1
          ? `MM\ufffd${"M".repeat(37)}${n % 30}`
          : `${mark}${n % 30}`;
    expect(row).toEqual({ model, team: n % 3 === 1 ? "MM\ufffdMM" : "MMMMM", path: `${model}${n}` });
  }
});
