/** The journal and its ingest, over real files: what is written is what the database gets, whatever happened between. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { arbitraryUsage } from "../../../test/helpers/arbitrary-usage.ts";
import { until } from "../../../test/helpers/until.ts";
import type { Logger } from "../../core/log.ts";
import type { Calls } from "../../store/calls.ts";
import type { LedgerRow } from "../../store/ledger-row.ts";
import type { Usage } from "../../usage/usage.ts";
import { Ingest } from "../ingest.ts";
import { Journal, type JournalOptions } from "./journal.ts";

let folder: string;
let lines: string[];
const log: Logger = {
  info: (_, message) => lines.push(message),
  warn: (_, message) => lines.push(message),
  error: (_, message) => lines.push(message),
  debug: () => undefined,
};
let journals: Journal[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bellwether-journal-"));
  lines = [];
  journals = [];
});
afterEach(() => {
  for (const journal of journals) journal.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(options: Partial<JournalOptions> = {}): Journal {
  const journal = new Journal({ folder, maxBytes: 2 ** 30, whenFull: "drop-oldest", log, ...options });
  journals.push(journal);
  return journal;
}

/** A database that holds rows by id. */
class Rows {
  readonly byId = new Map<string, LedgerRow>();
  inserts = 0;

  insert = (calls: Calls): Promise<void> => {
    this.inserts++;
    for (const row of calls.rows()) if (!this.byId.has(row.id)) this.byId.set(row.id, row);
    return Promise.resolve();
  };

  get settled(): LedgerRow[] {
    return [...this.byId.values()].filter(({ interrupted }) => !interrupted);
  }
}

function ingest(rows: Rows, alive = false): Ingest {
  return new Ingest({ folder, insert: rows.insert, alive: () => alive });
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const segments = (): string[] => readdirSync(folder).sort();
const path = (index: number): string => join(folder, segments()[index] ?? "");

/** Calls that are all different, from a fixed seed. */
const calls = fc.sample(arbitraryUsage, { seed: 7, numRuns: 300 }).map((usage, index) => {
  return { ...usage, id: `0193e4c0-0000-7000-8000-${String(index).padStart(12, "0")}`, upstream: "relay" };
});
const some = (count: number): Usage[] => calls.slice(0, count);

test("every field of every call comes out as it went in", async () => {
  const journal = open();
  await fc.assert(
    fc.asyncProperty(arbitraryUsage, async (usage) => {
      journal.started(usage);
      journal.settled(usage);
      await turn();
      const rows = new Rows();
      const reading = ingest(rows, true);
      await reading.pass();
      await reading.close();
      expect(rows.byId.get(usage.id)).toEqual({ ...usage, interrupted: false });
    }),
    { numRuns: 60 },
  );
});

describe("what waits to be read", () => {
  async function settle(journal: Journal, from: number, to: number): Promise<void> {
    for (const call of calls.slice(from, to)) {
      journal.started(call);
      journal.settled(call);
    }
    await turn();
  }

  test("is enough when it is a batch's calls, by what a call's records took so far", async () => {
    const journal = open();
    const reading = new Ingest({ folder, insert: new Rows().insert, batchRows: 10 });
    await reading.pass();
    expect(await reading.waiting()).toEqual({ bytes: 0, enough: false });
    const before = journal.bytes;
    await settle(journal, 0, 200);
    expect(await reading.waiting()).toEqual({ bytes: journal.bytes - before, enough: true });
    await reading.pass();
    expect(await reading.waiting()).toEqual({ bytes: 0, enough: false });
    await settle(journal, 200, 205);
    expect((await reading.waiting()).enough).toBe(false);
    await settle(journal, 205, 220);
    expect((await reading.waiting()).enough).toBe(true);
    await reading.close();
  });

  test("is enough when a file has been ended", async () => {
    const journal = open({ segmentBytes: 16 * 1024 });
    const reading = new Ingest({ folder, insert: new Rows().insert });
    await settle(journal, 0, 5);
    expect([segments().length, (await reading.waiting()).enough]).toEqual([1, false]);
    await settle(journal, 5, 100);
    expect([segments().length > 1, (await reading.waiting()).enough]).toEqual([true, true]);
    await reading.close();
  });
});

describe("a call that is sent upstream", () => {
  test("is with the kernel when `flush` returns, and at the end of the turn without it", async () => {
    const [first, second] = some(2) as [Usage, Usage];
    const journal = open();
    journal.started(first);
    journal.flush();
    expect(readFileSync(path(0)).includes(first.id)).toBe(true);
    journal.started(second);
    expect(readFileSync(path(0)).includes(second.id)).toBe(false);
    await turn();
    expect(readFileSync(path(0)).includes(second.id)).toBe(true);
  });

  test("is interrupted when its process dies, and not when it was settled", async () => {
    const journal = open();
    const [first, second, third] = some(3) as [Usage, Usage, Usage];
    for (const call of [first, second, third]) journal.started(call);
    journal.settled(second);
    await turn();
    const rows = new Rows();
    const reading = ingest(rows);
    await reading.pass();
    await reading.pass();
    expect([...rows.byId.values()].map(({ id, interrupted }) => [id, interrupted]).sort()).toEqual(
      [
        [first.id, true],
        [second.id, false],
        [third.id, true],
      ].sort(),
    );
    expect(rows.byId.get(first.id)).toMatchObject({ status: 0, source: "missing", durationMs: 0 });
    expect(rows.byId.get(first.id)).toMatchObject({ path: first.path, app: first.app, cost: undefined });
    expect(reading.progress).toEqual({ rows: 3, interrupted: 2, damages: 0 });
    expect(segments()).toEqual([]);
  });

  test("is left alone while its process lives", async () => {
    const journal = open();
    const [call] = some(1) as [Usage];
    journal.started(call);
    const rows = new Rows();
    const reading = new Ingest({ folder, insert: rows.insert });
    await reading.pass();
    await reading.pass();
    expect(rows.byId.size).toBe(0);
    journal.settled(call);
    await turn();
    await reading.pass();
    expect(rows.byId.get(call.id)?.interrupted).toBe(false);
    await reading.close();
  });
});

describe("segments", () => {
  test("are ended by size, deleted when the database has them, and need no others to be understood", async () => {
    const journal = open({ segmentBytes: 4_096 });
    const [long, ...rest] = some(200) as [Usage, ...Usage[]];
    journal.started(long);
    for (const call of rest) {
      journal.started(call);
      journal.settled(call);
      await turn();
    }
    await until(() => segments().length > 10, true);
    // Nothing but the last one is left of what the long call began with.
    for (const name of segments().slice(0, -1)) rmSync(join(folder, name));
    journal.settled(long);
    await turn();
    const rows = new Rows();
    const reading = ingest(rows, true);
    await reading.pass();
    await reading.close();
    expect(rows.byId.get(long.id)).toEqual({ ...long, interrupted: false });
  });

  test("of a running process: all but the last go, when what they hold is in the database", async () => {
    const journal = open({ segmentBytes: 4_096 });
    for (const call of some(200)) {
      journal.started(call);
      journal.settled(call);
      await turn();
    }
    const rows = new Rows();
    const reading = ingest(rows, true);
    await until(async () => {
      await reading.pass();
      return segments().length;
    }, 1);
    expect(rows.settled.length).toBe(200);
    journal.close();
    await reading.pass();
    await reading.pass();
    expect(segments()).toEqual([]);
  });

  test("stay while the database refuses them, and nothing is inserted twice or lost when it is back", async () => {
    const journal = open({ segmentBytes: 4_096 });
    for (const call of some(100)) {
      journal.started(call);
      journal.settled(call);
    }
    await turn();
    const before = segments().length;
    const rows = new Rows();
    let gone = true;
    const received: string[] = [];
    const reading = new Ingest({
      folder,
      batchRows: 16,
      alive: () => false,
      insert: (batch) => {
        if (gone && received.length >= 32) return Promise.reject(new Error("gone"));
        received.push(...batch.rows().map(({ id }) => id));
        return rows.insert(batch);
      },
    });
    await expect(reading.pass()).rejects.toThrow("gone");
    await expect(reading.pass()).rejects.toThrow("gone");
    expect(segments().length).toBe(before);
    gone = false;
    await reading.pass();
    expect(received.sort()).toEqual(
      some(100)
        .map(({ id }) => id)
        .sort(),
    );
    expect(segments()).toEqual([]);
  });
});
