/** What becomes of a journal whose bytes are not what was written: cut, changed, foreign. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { arbitraryUsage } from "../../test/helpers/arbitrary-usage.ts";
import type { Logger } from "../core/log.ts";
import type { Calls } from "../store/calls.ts";
import type { LedgerRow } from "../store/ledger-row.ts";
import { Ingest } from "./ingest.ts";
import { FrameWriter, HEADER_BYTES } from "./journal/frame-writer.ts";
import { Journal } from "./journal/journal.ts";
import { RECORD } from "./journal/records.ts";
import { JOURNAL_VERSION } from "./journal/segment-output.ts";
import { STALE_MS } from "./journal/writer-identity.ts";

const SEGMENT = "0193e4c0-0000-7000-8000-000000000000.00000001.journal";
const silent = (): undefined => undefined;
const log: Logger = { info: silent, warn: silent, error: silent, debug: silent };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bellwether-damage-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A database that holds rows by id. */
class Rows {
  readonly byId = new Map<string, LedgerRow>();

  insert = (calls: Calls): Promise<void> => {
    for (const row of calls.rows()) if (!this.byId.has(row.id)) this.byId.set(row.id, row);
    return Promise.resolve();
  };

  get settled(): LedgerRow[] {
    return [...this.byId.values()].filter(({ interrupted }) => !interrupted);
  }
}

/** Of writers that are dead, which the second pass sees: the first one reads who they are. */
async function passes(reading: Ingest): Promise<void> {
  await reading.pass();
  await reading.pass();
}
const ingest = (rows: Rows): Ingest => new Ingest({ folder, insert: rows.insert, alive: () => false });

/** Calls that are all different, from a fixed seed. */
const calls = fc.sample(arbitraryUsage, { seed: 7, numRuns: 20 }).map((usage, index) => {
  return { ...usage, id: `0193e4c0-0000-7000-8000-${String(index).padStart(12, "0")}`, upstream: "relay" };
});

/** Where each frame ends, by the lengths that are written in them. */
function endsOfFrames(bytes: Buffer): number[] {
  const ends: number[] = [];
  for (let at = 0; at < bytes.length; at = ends.at(-1) ?? 0) {
    ends.push(at + HEADER_BYTES + bytes.readUInt32LE(at + 6));
  }
  return ends;
}

describe("damage", () => {
  /** The bytes of the one segment that so many calls are in, without its file. */
  function written(count: number): Buffer {
    const journal = new Journal({ folder, maxBytes: 2 ** 30, whenFull: "drop-oldest", log });
    for (const call of calls.slice(0, count)) {
      journal.started(call);
      journal.settled(call);
    }
    journal.close();
    const [file = ""] = readdirSync(folder);
    const bytes = readFileSync(join(folder, file));
    rmSync(join(folder, file));
    return bytes;
  }

  test("at the end: a segment cut anywhere gives every call whose records are whole", async () => {
    const bytes = written(3);
    const ends = endsOfFrames(bytes);
    for (let length = 0; length <= bytes.length; length += 3) {
      writeFileSync(join(folder, SEGMENT), bytes.subarray(0, length));
      const rows = new Rows();
      const reading = ingest(rows);
      await passes(reading);
      await reading.close();
      const whole = ends.filter((end) => end <= length).length;
      // Head, then start and settlement of each call.
      expect(rows.byId.size).toBe(Math.max(0, Math.min(3, Math.ceil((whole - 1) / 2))));
      expect(rows.settled.length).toBe(Math.max(0, Math.min(3, Math.floor((whole - 1) / 2))));
      const torn = length > 0 && !ends.includes(length) ? 1 : 0;
      if (whole > 0) expect(reading.progress.damages).toBe(torn);
      rmSync(join(folder, SEGMENT), { force: true });
    }
  });

  test("anywhere: changed bytes cost at most the records they are in, and are counted", async () => {
    const bytes = written(20);
    const ends = endsOfFrames(bytes);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: ends[0] ?? 0, max: bytes.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, xor) => {
          const damaged = Buffer.from(bytes);
          damaged[at] = (damaged[at] ?? 0) ^ xor;
          writeFileSync(join(folder, SEGMENT), damaged);
          const rows = new Rows();
          const reading = ingest(rows);
          await passes(reading);
          const isEnd = at >= (ends.at(-2) ?? 0);
          expect(rows.byId.size).toBeGreaterThanOrEqual(isEnd ? 20 : 19);
          expect(reading.progress.damages).toBeGreaterThan(0);
          for (const row of rows.settled) {
            expect(row).toEqual({ ...calls.find(({ id }) => id === row.id), interrupted: false });
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test("of any kind never stops the rest: garbage, zeros, a folder in its place, an empty file", async () => {
    const bytes = written(5);
    const name = (digit: string): string => `0193e4c0-0000-7000-8000-00000000000${digit}.00000001.journal`;
    writeFileSync(join(folder, name("1")), Buffer.alloc(5_000, 0xb3));
    writeFileSync(join(folder, name("2")), Buffer.alloc(5_000));
    writeFileSync(join(folder, name("3")), "");
    writeFileSync(join(folder, "notes.txt"), "not ours");
    writeFileSync(join(folder, name("4")), Buffer.concat([Buffer.from([0xb3, 0x57, 1, 2]), bytes]));
    const rows = new Rows();
    const reading = ingest(rows);
    await passes(reading);
    expect(rows.settled.length).toBe(5);
    await reading.close();
    expect(existsSync(join(folder, "notes.txt"))).toBe(true);
  });

  test("a newer version's segment is left where it is, and told of once", async () => {
    const frames = new FrameWriter();
    frames.begin(RECORD.head);
    frames.text(
      JSON.stringify({ version: JOURNAL_VERSION + 1, writer: "", pid: 1, scope: "", startedAt: "" }),
    );
    frames.end();
    writeFileSync(join(folder, SEGMENT), frames.bytes);
    const problems: string[] = [];
    const reading = new Ingest({
      folder,
      insert: () => Promise.resolve(),
      alive: () => false,
      onProblem: (_, error) => problems.push(String(error)),
    });
    await passes(reading);
    // Nobody knows who wrote it: after two minutes without a change its writer would count as dead.
    const later = performance.now() + 2 * STALE_MS;
    const clock = vi.spyOn(performance, "now").mockReturnValue(later);
    await passes(reading);
    clock.mockRestore();
    await reading.close();
    expect(problems).toEqual([expect.stringContaining("newer Bellwether")]);
    expect(readdirSync(folder)).toEqual([SEGMENT]);
  });

  test("is not what a segment has that cannot be read just then: no call of it counts as interrupted", async () => {
    const bytes = written(5);
    const [head = 0, first = 0] = endsOfFrames(bytes);
    const second = SEGMENT.replace("1.journal", "2.journal");
    // The first has a start; how that ended is in the second, which is a folder for now.
    writeFileSync(join(folder, SEGMENT), bytes.subarray(0, first));
    mkdirSync(join(folder, second));
    const rows = new Rows();
    const reading = ingest(rows);
    await passes(reading);
    expect(rows.byId.size).toBe(0);
    rmSync(join(folder, second), { recursive: true });
    writeFileSync(join(folder, second), Buffer.concat([bytes.subarray(0, head), bytes.subarray(first)]));
    await passes(reading);
    await reading.close();
    expect(rows.settled.length).toBe(5);
    expect(readdirSync(folder)).toEqual([]);
  });
});
