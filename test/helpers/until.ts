/** Waiting for what happens in its own time, as a settlement after a stream's end. */
import { isDeepStrictEqual } from "node:util";
import { expect, vi } from "vitest";

/** Generous: a machine that is busy must not fail a test. Nothing waits longer than it has to. */
const DEADLINE_MS = 45_000;

/** Resolves once `read` gives `wanted`; past the deadline the difference is the test's failure. */
export async function until<T>(read: () => T | Promise<T>, wanted: T): Promise<void> {
  await vi.waitFor(async () => expect(await read()).toEqual(wanted), { timeout: DEADLINE_MS, interval: 10 });
}

/** As `until` where a test has timers of its own (`vi.useFakeTimers`), which vitest's waits would move: no time passes. */
export async function soon<T>(read: () => T, wanted: T): Promise<void> {
  const lastly = process.hrtime.bigint() + BigInt(DEADLINE_MS) * 1_000_000n;
  while (!isDeepStrictEqual(read(), wanted) && process.hrtime.bigint() < lastly) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(read()).toEqual(wanted);
}
