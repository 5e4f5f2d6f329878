/** When the ledger's service takes over what is in the journal. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { arbitraryUsage } from "../../test/helpers/arbitrary-usage.ts";
import { soon } from "../../test/helpers/until.ts";
import { uuidv7 } from "../core/ids.ts";
import type { Logger } from "../core/log.ts";
import type { LedgerStore } from "../store/ledger-store.ts";
import { Journal } from "./journal/journal.ts";
import type { Told } from "./ledger-protocol.ts";
import { LedgerService } from "./ledger-service.ts";

const silent = (): undefined => undefined;
const log: Logger = { info: silent, warn: silent, error: silent, debug: silent };
const [usage] = fc.sample(arbitraryUsage, { seed: 11, numRuns: 1 });

let folder: string;
let journal: Journal;
let service: LedgerService;
/** How many calls each insert brought. */
let inserts: number[];
let told: Told[];
/** What an insert waits for. */
let database: Promise<void>;

/** Only what the service itself asks of a database. */
const store = {
  migrate: () => Promise.resolve(),
  insertCalls: async ({ length }: { length: number }) => {
    await database;
    inserts.push(length);
    return length;
  },
  query: () => Promise.resolve([{ calls: inserts.reduce((sum, calls) => sum + calls, 0) }]),
  close: () => Promise.resolve(),
} as unknown as LedgerStore;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  folder = mkdtempSync(join(tmpdir(), "bellwether-service-"));
  inserts = [];
  told = [];
  database = Promise.resolve();
  journal = new Journal({ folder, maxBytes: 2 ** 20, whenFull: "reject", log });
  service = new LedgerService({
    settings: { journal: folder, store: { path: join(folder, "none", "ledger"), memoryBytes: 0 } },
    open: () => Promise.resolve(store),
    tell: (message) => told.push(message),
  });
  service.start();
  await soon(() => lags().length, 1);
});
afterEach(async () => {
  const stopped = service.stop();
  await vi.advanceTimersByTimeAsync(1_000);
  await stopped;
  journal.close();
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

function lags(): number[] {
  return told.flatMap((message) => ("state" in message ? [message.state.lagMs] : []));
}

async function call(count = 1): Promise<void> {
  for (let at = 0; at < count; at++) {
    const one = { ...usage, id: uuidv7(Date.now()), upstream: "relay" } as typeof usage & { id: string };
    journal.started(one as never);
    journal.settled(one as never);
  }
  await new Promise((resolve) => setImmediate(resolve));
}

/** The journal is looked at once a second. */
async function second(): Promise<void> {
  const before = lags().length;
  await soon(() => vi.getTimerCount(), 1);
  await vi.advanceTimersByTimeAsync(1_000);
  await soon(() => lags().length > before, true);
}

function ask(): Promise<void> {
  return service.answer({ id: told.length, kind: "query", ask: { text: "", params: [] } });
}

function answers(): unknown[] {
  return told.flatMap((message) => ("answer" in message ? [message.answer.value] : []));
}

describe("what is in the journal", () => {
  it("goes to the database every five seconds, together", async () => {
    for (let round = 0; round < 2; round++) {
      for (let at = 0; at < 5; at++) {
        await call();
        await second();
      }
    }
    expect(inserts).toEqual([5, 5]);
    expect(lags().slice(-4)).toEqual([2_000, 3_000, 4_000, 0]);
  });

  it("is no longer behind when there is nothing", async () => {
    for (let at = 0; at < 3; at++) await second();
    expect(lags()).toEqual([0, 0, 0, 0]);
    expect(inserts).toEqual([]);
  });

  it("goes at once when there is a file that could be deleted", async () => {
    // Files are an eighth of what the journal may have.
    await call(1_000);
    await second();
    expect(inserts).toEqual([1_000]);
  });

  it("is in what is answered, but for the last second's", async () => {
    await vi.advanceTimersByTimeAsync(999);
    await call();
    await ask();
    expect(answers()).toEqual([[{ calls: 0 }]]);
    await vi.advanceTimersByTimeAsync(1);
    await ask();
    expect(answers()).toEqual([[{ calls: 0 }], [{ calls: 1 }]]);
    expect(inserts).toEqual([1]);
  });

  it("is not waited for longer than two seconds", async () => {
    let commit = silent as () => void;
    database = new Promise((resolve) => {
      commit = resolve;
    });
    await second();
    await call();
    const asked = ask();
    await vi.advanceTimersByTimeAsync(1_999);
    expect(answers()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    await asked;
    expect(answers()).toEqual([[{ calls: 0 }]]);
    commit();
    await soon(() => inserts, [1]);
  });
});
