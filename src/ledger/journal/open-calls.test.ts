/** Open calls keep their bytes, whatever comes and goes beside them. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { arbitraryUsage } from "../../../test/helpers/arbitrary-usage.ts";
import type { Usage } from "../../usage/usage.ts";
import { type Payload, RecordError, scanFrames } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { JournalledCalls } from "./journalled-calls.ts";
import { OpenCalls } from "./open-calls.ts";
import { RecordBlocks } from "./record-blocks.ts";
import { writeSettled, writeStarted } from "./records.ts";

/** Calls `take` with a record's payload, behind its kind and number. */
function read(write: (out: FrameWriter) => void, take: (payload: Payload) => void): void {
  const out = new FrameWriter();
  write(out);
  scanFrames(Buffer.from(out.bytes), true, (payload) => {
    payload.byte();
    payload.uint();
    take(payload);
  });
}

const begin = (open: OpenCalls, number: number, usage: Usage): void =>
  read(
    (out) => writeStarted(out, number, usage),
    (payload) => open.add(number, payload),
  );

test("calls that are settled in any order, while others begin, are those that began", () => {
  const open = new OpenCalls();
  const calls = new JournalledCalls(new RecordBlocks());
  const expected: string[] = [];
  // Some 300 KB of starts, where the first buffer has room for 64.
  const samples = fc.sample(arbitraryUsage, { seed: 11, numRuns: 75 });
  const usages = Array.from({ length: 1_500 }, (_, number) => samples[number % 75] as Usage);
  const running = new Map<number, Usage>();
  const end = (number: number): void => {
    const usage = running.get(number);
    if (usage === undefined) return;
    running.delete(number);
    expected.push(usage.id);
    read(
      (out) => writeSettled(out, number, usage),
      (payload) => expect(open.settle(number, payload, calls)).toBe(true),
    );
  };
  for (const [number, usage] of usages.entries()) {
    const id = `${number}-${usage.id}`;
    running.set(number, { ...usage, id });
    begin(open, number, { ...usage, id });
    // One in 50 runs for long; a start that comes again, as at a segment's beginning, is the same call.
    if (number % 50 !== 0) end(number - 7);
    else begin(open, number, { ...usage, id });
  }
  expect(open.numbers).toEqual([...running.keys()]);
  for (const number of [...running.keys()].reverse()) end(number);
  expect(open.numbers).toEqual([]);
  expect(Array.from({ length: calls.length }, (_, at) => calls.id(at))).toEqual(expected);
  expect(calls.rows().map(({ id }) => id)).toEqual(expected);
  expect(calls.unreadable).toBe(0);
});

test("a call that is not open is not settled, and one without its fields does not open", () => {
  const open = new OpenCalls();
  const calls = new JournalledCalls(new RecordBlocks());
  const [usage] = fc.sample(arbitraryUsage, { seed: 12, numRuns: 1 }) as [Usage];
  const settle = (): void =>
    read(
      (out) => writeSettled(out, 1, usage),
      (payload) => expect(open.settle(1, payload, calls)).toBe(false),
    );
  settle();
  read(
    (out) => writeStarted(out, 1, usage),
    (payload) => {
      payload.end = payload.at + 3;
      expect(() => open.add(1, payload)).toThrow(RecordError);
    },
  );
  settle();
  expect(calls.length).toBe(0);
});
