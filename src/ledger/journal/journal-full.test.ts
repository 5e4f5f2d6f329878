/** What becomes of records when there is no space for them: too many of them, or nowhere to write. */
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { arbitraryUsage } from "../../../test/helpers/arbitrary-usage.ts";
import { until } from "../../../test/helpers/until.ts";
import type { Logger } from "../../core/log.ts";
import { Ingest } from "../ingest.ts";
import { Journal, type JournalOptions } from "./journal.ts";

let root: string;
let folder: string;
let lines: string[];
let dropped: number;
let journal: Journal | undefined;
const log: Logger = {
  info: (_, message) => lines.push(message),
  warn: (_, message) => lines.push(message),
  error: (_, message) => lines.push(message),
  debug: () => undefined,
};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "bellwether-full-"));
  folder = join(root, "journal");
  lines = [];
  dropped = 0;
});
afterEach(() => {
  journal?.close();
  journal = undefined;
  rmSync(root, { recursive: true, force: true });
});

function open(options: Partial<JournalOptions> = {}): Journal {
  const onDropped = (calls: number): void => {
    dropped += calls;
  };
  journal = new Journal({ folder, maxBytes: 2 ** 30, whenFull: "drop-oldest", log, onDropped, ...options });
  return journal;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** Calls that are all different, from a fixed seed. */
const calls = fc.sample(arbitraryUsage, { seed: 5, numRuns: 400 }).map((usage, index) => {
  return { ...usage, id: `0193e4c0-0000-7000-8000-${String(index).padStart(12, "0")}`, upstream: "relay" };
});

async function record(to: Journal, from: number, until: number): Promise<void> {
  for (const call of calls.slice(from, until)) {
    to.started(call);
    to.settled(call);
    await turn();
  }
}

/** The ids that a reader finds, those of interrupted calls with a mark. */
async function idsInJournal(): Promise<string[]> {
  const ids: string[] = [];
  const ingest = new Ingest({
    folder,
    alive: () => false,
    insert: (calls) => {
      ids.push(...calls.rows().map(({ id, interrupted }) => (interrupted ? `interrupted ${id}` : id)));
      return Promise.resolve();
    },
  });
  await ingest.pass();
  await ingest.pass();
  await ingest.close();
  return ids;
}

test("`drop-oldest`: the oldest go, every one counted, and all others stay", async () => {
  const full = open({ maxBytes: 32 * 1024, segmentBytes: 4 * 1024 });
  await record(full, 0, calls.length);
  await until(() => lines.some((line) => line === "journal full: oldest segment dropped"), true);
  await until(() => lines.at(-1), "journal below its limit again");
  full.close();
  const ids = await idsInJournal();
  expect(dropped).toBeGreaterThan(0);
  expect(ids).toEqual(calls.slice(dropped).map(({ id }) => id));
  expect(full.refuses).toBe(false);
});

test("`reject`: calls are refused until there is space, and none that was taken is lost", async () => {
  const full = open({ maxBytes: 32 * 1024, segmentBytes: 4 * 1024, whenFull: "reject" });
  await record(full, 0, 200);
  await until(() => full.refuses, true);
  // One that is refused is settled without having been sent: it must not fill the journal further.
  const bytes = full.bytes;
  const [refused] = calls.slice(300);
  if (refused !== undefined) {
    full.started({ ...refused, upstream: "none" });
    full.settled({ ...refused, upstream: "none" });
    await turn();
  }
  expect(full.bytes).toBe(bytes);
  expect(dropped).toBe(0);
  for (const name of readdirSync(folder).slice(0, -1)) renameSync(join(folder, name), join(root, name));
  await until(() => full.refuses, false);
  expect(lines).toEqual([
    "journal full: new calls are refused until the ledger has caught up",
    "journal below its limit again",
  ]);
  await record(full, 200, 210);
  full.close();
  for (const name of readdirSync(root).filter((each) => each.endsWith(".journal"))) {
    renameSync(join(root, name), join(folder, name));
  }
  expect(await idsInJournal()).toEqual(calls.slice(0, 210).map(({ id }) => id));
});

test("a folder that cannot be made: records wait in memory, and are written once it can be", async () => {
  writeFileSync(folder, "a file is in its place");
  const waiting = open();
  await record(waiting, 0, 50);
  rmSync(folder);
  await until(() => lines.at(-1), "journal writable again");
  waiting.close();
  expect(lines.length).toBe(2);
  expect(await idsInJournal()).toEqual(calls.slice(0, 50).map(({ id }) => id));
});

test("what cannot wait any longer is dropped and counted, and what comes later is whole", async () => {
  writeFileSync(folder, "a file is in its place");
  const waiting = open();
  const [long, ...rest] = calls;
  if (long === undefined) return;
  waiting.started(long);
  const large = "x".repeat(64 * 1024);
  for (const call of rest.slice(0, 300)) {
    waiting.started({ ...call, path: large });
    waiting.settled({ ...call, path: large });
  }
  await turn();
  expect(dropped).toBeGreaterThan(100);
  const kept = 300 - dropped;
  rmSync(folder);
  await until(() => lines.at(-1), "journal writable again");
  waiting.settled(long);
  await turn();
  waiting.close();
  const ids = await idsInJournal();
  expect(ids).toContain(long.id);
  expect(ids.length).toBe(kept + 1);
});

test("a folder that somebody removes is made again, with the calls that are open", async () => {
  const removed = open();
  const [long] = calls;
  if (long === undefined) return;
  removed.started(long);
  rmSync(folder, { recursive: true });
  await until(() => existsSync(folder), true);
  removed.settled(long);
  await turn();
  removed.close();
  expect(await idsInJournal()).toEqual([long.id]);
});

test("a process in which no call was made leaves no file", () => {
  open().close();
  expect(readdirSync(folder)).toEqual([]);
});
