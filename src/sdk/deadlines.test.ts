/** Limits that pass while the app does not run. */
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { socketPair } from "../../test/helpers/socket-pair.ts";
import { soon } from "../../test/helpers/until.ts";
import { Deadlines } from "./deadlines.ts";

const LIMIT = 1_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

it("a limit that passes while the app stands still does not strike what has arrived meanwhile", async () => {
  const { near, far, close } = await socketPair();
  const deadlines = new Deadlines({ firstByte: LIMIT }, undefined);
  let heard = false;
  near.on("data", () => {
    heard = true;
    deadlines.heard();
  });
  const silent = new Deadlines({ firstByte: LIMIT }, undefined);
  const waiting = (each: Deadlines) =>
    each.attempt(
      "relay",
      (signal) =>
        new Promise<string>((resolve) => signal?.addEventListener("abort", () => resolve("struck"))),
    );
  void waiting(deadlines);
  const struck = waiting(silent);
  // In one turn of the event loop, after which timers come before sockets.
  setImmediate(() => {
    far.write("here");
    vi.advanceTimersByTime(LIMIT);
  });
  await soon(() => heard, true);
  expect(await struck).toBe("struck");
  expect([silent.expired?.code, deadlines.expired]).toEqual(["upstream_first_byte_timeout", undefined]);
  deadlines.over();
  close();
});
