import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Linger } from "./linger.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Lets so many milliseconds pass, and what is due then be done. */
async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms);
  await turn();
}

it("ends once the client has been quiet for two seconds", async () => {
  const end = vi.fn();
  const linger = new Linger(end);
  for (let seconds = 0; seconds < 10; seconds++) {
    await pass(1_000);
    linger.heard();
  }
  await pass(1_900);
  expect(end).not.toHaveBeenCalled();
  await pass(200);
  expect(end).toHaveBeenCalledTimes(1);
});

it("ends after half a minute, however much still comes", async () => {
  const end = vi.fn();
  const linger = new Linger(end);
  for (let seconds = 0; seconds < 29; seconds++) {
    await pass(1_000);
    linger.heard();
  }
  expect(end).not.toHaveBeenCalled();
  for (let seconds = 0; seconds < 4; seconds++) {
    await pass(1_000);
    linger.heard();
  }
  expect(end).toHaveBeenCalledTimes(1);
});

it("does not end when bytes had come that were not read yet", async () => {
  const end = vi.fn();
  const linger = new Linger(end);
  vi.advanceTimersByTime(2_000);
  linger.heard();
  await turn();
  await pass(1_900);
  expect(end).not.toHaveBeenCalled();
  await pass(200);
  expect(end).toHaveBeenCalledTimes(1);
});

it("does not end what has been stopped", async () => {
  const end = vi.fn();
  new Linger(end).stop();
  await pass(60_000);
  expect(end).not.toHaveBeenCalled();
});

it("ends only once, whatever comes between the end and the closing", async () => {
  const end = vi.fn();
  const linger = new Linger(end);
  await pass(2_000);
  linger.heard();
  await pass(2_000);
  expect(end).toHaveBeenCalledTimes(1);
});
