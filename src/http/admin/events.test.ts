import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Events } from "./events.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Watcher {
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  /** The numbers of the snapshots in the next piece; undefined at the end. */
  read(): Promise<number[] | undefined>;
}

function watch(events: Events): Watcher {
  const reader = (events.response().body as ReadableStream<Uint8Array>).getReader();
  return {
    reader,
    async read() {
      const { done, value } = await reader.read();
      if (done) return undefined;
      return [...new TextDecoder().decode(value).matchAll(/"n":(\d+)/g)].map(([, n]) => Number(n));
    },
  };
}

/** Events of numbered snapshots. */
function numbered() {
  const state = { made: 0, failures: [] as Error[], broken: false };
  const events = new Events({
    snapshot: async () => {
      state.made++;
      if (state.broken) throw new Error("no figures");
      return { n: state.made };
    },
    failed: (error) => state.failures.push(error),
  });
  return { state, events };
}

it("one snapshot a second is made for all, and none for those who come meanwhile", async () => {
  const { state, events } = numbered();
  const watchers = [watch(events), watch(events)];
  await vi.advanceTimersByTimeAsync(10);
  const late = watch(events);
  expect(await Promise.all([...watchers, late].map((each) => each.read()))).toEqual([[1], [1], [1]]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await Promise.all([...watchers, late].map((each) => each.read()))).toEqual([[2], [2], [2]]);
  for (const { reader } of [...watchers, late]) await reader.cancel();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(state.made).toBe(2);
});

it("who reads slowly gets what waited and then the newest, never all there was; who reads nothing is let go", async () => {
  const { state, events } = numbered();
  const slow = watch(events);
  await vi.advanceTimersByTimeAsync(20_500);
  expect(state.made).toBe(21);
  expect(await slow.read()).toEqual([1]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await slow.read()).toEqual([22]);
  await vi.advanceTimersByTimeAsync(40_000);
  await expect(slow.read()).rejects.toThrow("it reads nothing");
  const made = state.made;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(state.made).toBe(made);
});

it("a snapshot that cannot be made is told once, and ends nothing", async () => {
  const { state, events } = numbered();
  state.broken = true;
  const watcher = watch(events);
  await vi.advanceTimersByTimeAsync(5_500);
  expect(state.failures.map(({ message }) => message)).toEqual(["no figures"]);
  state.broken = false;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await watcher.read()).toEqual([7]);
  events.close();
  expect(await watcher.read()).toBe(undefined);
});
