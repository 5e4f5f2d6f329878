/** What a reader makes of failures while it takes records: damage is skipped, anything else is no record's fault. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RecordError } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { RECORD } from "./records.ts";
import { JOURNAL_VERSION } from "./segment-output.ts";
import {
  LostPlaceError,
  NewerJournalError,
  ReadBuffer,
  type RecordSink,
  SegmentReader,
} from "./segment-reader.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bellwether-segment-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A segment with this head and starts with these numbers. */
function segment(head: unknown, numbers: readonly number[]): string {
  const out = new FrameWriter();
  out.begin(RECORD.head);
  out.text(typeof head === "string" ? head : JSON.stringify(head));
  out.end();
  for (const number of numbers) {
    out.begin(RECORD.started);
    out.uint(number);
    out.end();
  }
  const path = join(folder, "one.journal");
  writeFileSync(path, out.bytes);
  return path;
}

const HEAD = { version: JOURNAL_VERSION, writer: "one", pid: 1, scope: "", startedAt: "" };

/** Fails with what is thrown for the number 2. */
function sinkFailing(error: unknown, taken: number[]): RecordSink {
  return {
    started: (number) => {
      if (number === 2) throw error;
      taken.push(number);
    },
    settled: () => undefined,
  };
}

test("a record that cannot be read is damage, and those behind it are taken", async () => {
  const taken: number[] = [];
  const reader = new SegmentReader(segment(HEAD, [1, 2, 3]), new ReadBuffer());
  await reader.read(true, sinkFailing(new RecordError("too short"), taken));
  await reader.close();
  expect(taken).toEqual([1, 3]);
  expect(reader.damages).toBe(1);
});

test.each([
  ["memory that is used up", new RangeError("Array buffer allocation failed")],
  ["a bug", new TypeError("undefined is not a function")],
])("%s is thrown, and is no damage", async (_, error) => {
  const taken: number[] = [];
  const reader = new SegmentReader(segment(HEAD, [1, 2, 3]), new ReadBuffer());
  const failed = await reader.read(true, sinkFailing(error, taken)).catch((thrown: unknown) => thrown);
  await reader.close();
  expect(failed).toBeInstanceOf(LostPlaceError);
  expect(failed).toMatchObject({ cause: error, message: expect.stringContaining(error.message) });
  expect(taken).toEqual([1]);
  expect(reader.damages).toBe(0);
});

test.each(["{", "null", "7"])("a head that is %s is damage", async (head) => {
  const taken: number[] = [];
  const reader = new SegmentReader(segment(head, [1]), new ReadBuffer());
  await reader.read(true, sinkFailing(undefined, taken));
  await reader.close();
  expect(taken).toEqual([1]);
  expect(reader.damages).toBe(1);
  expect(reader.identity).toBeUndefined();
});

test("a segment of a newer version is refused each time, and nothing behind its head is taken", async () => {
  const taken: number[] = [];
  const reader = new SegmentReader(
    segment({ ...HEAD, version: JOURNAL_VERSION + 1 }, [1, 3]),
    new ReadBuffer(),
  );
  for (let time = 0; time < 3; time++) {
    await expect(reader.read(true, sinkFailing(undefined, taken))).rejects.toThrow(NewerJournalError);
  }
  await reader.close();
  expect(taken).toEqual([]);
});
