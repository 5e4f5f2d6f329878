import { expect, it } from "vitest";
import { type Job, type RunReport, Scheduler, type Timers } from "./scheduler.ts";

/** Time that passes only when it is told to; promises get their turn at each step. */
class FakeTime implements Timers {
  now = 1_000;
  readonly #timers = new Map<number, { readonly at: number; readonly ring: () => void }>();
  #next = 0;
  most = 0;

  monotonic(): number {
    return this.now;
  }

  set(ring: () => void, ms: number): number {
    this.#timers.set(++this.#next, { at: this.now + ms, ring });
    this.most = Math.max(this.most, this.#timers.size);
    return this.#next;
  }

  clear(timer: unknown): void {
    this.#timers.delete(timer as number);
  }

  get size(): number {
    return this.#timers.size;
  }

  /** Lets time pass; `jumps` makes all of it pass at once, as a suspended machine does. */
  async pass(ms: number, { jumps = false } = {}): Promise<void> {
    const end = this.now + ms;
    if (jumps) this.now = end;
    for (;;) {
      await settled();
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      const [id, { at, ring }] = due;
      this.#timers.delete(id);
      this.now = Math.max(this.now, at);
      ring();
    }
    this.now = end;
    await settled();
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await Promise.resolve();
}

const MINUTE = 60_000;

interface Watched extends Job {
  readonly starts: number[];
  overlaps: number;
  missedRuns: number;
}

function watched(
  time: FakeTime,
  name: string,
  more: { intervalMs?: number; jitterMs?: number; takes?: () => number; report?: () => RunReport } = {},
): Watched {
  let running = 0;
  const job: Watched = {
    name,
    intervalMs: more.intervalMs ?? MINUTE,
    jitterMs: more.jitterMs ?? 0,
    starts: [],
    overlaps: 0,
    missedRuns: 0,
    async run() {
      job.starts.push(time.now);
      if (++running > 1) job.overlaps++;
      await new Promise<void>((resolve) => time.set(resolve, more.takes?.() ?? 100));
      running--;
      return more.report?.() ?? {};
    },
    missed(runs) {
      job.missedRuns += runs;
    },
  };
  return job;
}

function scheduler(time: FakeTime, concurrency = 8, random = () => 0): Scheduler {
  return new Scheduler({ timers: time, concurrency, random });
}

/** A small generator, so that a failure can be seen again. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

it("an hour of 20 upstreams with 10 probes each: no drift, no overlap, bounded concurrency and memory", async () => {
  const time = new FakeTime();
  const random = seeded(7);
  const began = time.now;
  let most = 0;
  const beats = scheduler(time, 16, random);
  const jobs = Array.from({ length: 200 }, (_, at) =>
    watched(time, `upstream-${at % 20} probe-${Math.floor(at / 20)}`, {
      jitterMs: 2_000,
      takes: () => {
        most = Math.max(most, beats.running);
        return 20 + random() * 3_000;
      },
      report: () => {
        if (random() < 0.05) throw new Error("a fault of the probe");
        return {};
      },
    }),
  );
  beats.replace(jobs);
  await time.pass(60 * MINUTE);

  for (const job of jobs) {
    expect(job.overlaps).toBe(0);
    expect(job.missedRuns).toBe(0);
    // The first run, and one on each beat of the hour; which of the two the half-interval rule may save one of.
    expect([60, 61]).toContain(job.starts.length);
    // Each start is on its own beat, counted from the start of the hour, but for jitter and the wait for a place.
    const beatsOf = job.starts.slice(1).map((start) => (start - began) % MINUTE);
    const [first = 0] = beatsOf;
    for (const at of beatsOf) expect(Math.abs(around(at - first))).toBeLessThan(2_000 + 3_000);
  }
  expect(most).toBe(16);
  // One timer for the beat, and those that stand for the runs under way.
  expect(time.most).toBeLessThanOrEqual(1 + 16);
  // The phases are spread over the interval: no sixth of it has less than half or more than twice its share.
  const sixths = [0, 0, 0, 0, 0, 0];
  for (const { starts } of jobs) {
    const sixth = Math.floor((((starts[1] ?? 0) - began) % MINUTE) / 10_000);
    sixths[sixth] = (sixths[sixth] ?? 0) + 1;
  }
  for (const share of sixths) expect(share).toBeGreaterThan(16);
  for (const share of sixths) expect(share).toBeLessThan(67);

  beats.stop();
  await time.pass(MINUTE);
  expect(time.size).toBe(0);
});

/** A difference of phases, from minus to plus half an interval. */
function around(ms: number): number {
  return ((ms + 1.5 * MINUTE) % MINUTE) - MINUTE / 2;
}

it("a run that takes longer than its interval is not overtaken, and what it missed is told", async () => {
  const time = new FakeTime();
  const job = watched(time, "slow", { takes: () => 150_000 });
  const beats = scheduler(time);
  beats.replace([job]);
  await time.pass(10 * MINUTE);
  expect(job.overlaps).toBe(0);
  expect(job.starts.length).toBeLessThan(6);
  expect(job.missedRuns).toBeGreaterThan(4);
});

it("a machine that slept for hours runs each job once, and says what it missed", async () => {
  const time = new FakeTime();
  const job = watched(time, "sleeper");
  const beats = scheduler(time);
  beats.replace([job]);
  await time.pass(5 * MINUTE);
  const before = job.starts.length;
  await time.pass(120 * MINUTE, { jumps: true });
  expect(job.starts.length).toBe(before + 1);
  expect(job.missedRuns).toBe(119);
  await time.pass(5 * MINUTE);
  expect(job.starts.length).toBe(before + 1 + 5);
});

it("a job that is asked to rest does, at least as long as asked, and longer each time, up to an hour", async () => {
  const time = new FakeTime();
  let limited = true;
  const job = watched(time, "limited", { report: () => (limited ? { backOffMs: 90_000 } : {}) });
  scheduler(time).replace([job]);
  await time.pass(6 * 60 * MINUTE);
  const gaps = job.starts.slice(1).map((start, at) => start - (job.starts[at] ?? 0));
  expect(gaps[0]).toBeGreaterThanOrEqual(90_000);
  for (const [at, gap] of gaps.entries()) {
    // The next beat after its rest: never sooner than the rest, at most a beat later.
    const rest = Math.min(Math.max(90_000, MINUTE * 2 ** at), 60 * MINUTE);
    expect(gap).toBeGreaterThanOrEqual(rest);
    expect(gap).toBeLessThanOrEqual(rest + 2 * MINUTE);
  }
  limited = false;
  await time.pass(2 * 60 * MINUTE);
  const [last = 0, next = 0] = job.starts.slice(-2);
  expect(next - last).toBe(MINUTE);
});

it("a hurried job runs at once, but not twice, and not while it rests", async () => {
  const time = new FakeTime();
  let report: RunReport = {};
  const job = watched(time, "hurried", { report: () => report });
  const beats = scheduler(time);
  beats.replace([job]);
  await time.pass(200);
  expect(job.starts.length).toBe(1);
  beats.hurry("hurried");
  beats.hurry("hurried");
  report = { backOffMs: 1_000 };
  await time.pass(200);
  expect(job.starts.length).toBe(2);
  expect(job.overlaps).toBe(0);
  beats.hurry("hurried");
  beats.hurry("nobody");
  await time.pass(50);
  expect(job.starts.length).toBe(2);
});

it("a job that stays at a reload keeps its beat and its run; one that goes runs no more", async () => {
  const time = new FakeTime();
  const [stays, goes] = [watched(time, "stays", { takes: () => 5_000 }), watched(time, "goes")];
  const beats = scheduler(time);
  beats.replace([stays, goes]);
  await time.pass(3 * MINUTE);
  const phase = (stays.starts.at(-1) ?? 0) % MINUTE;
  const ended = goes.starts.length;
  beats.hurry("stays");
  beats.replace([stays]);
  beats.hurry("stays");
  await time.pass(3 * MINUTE);
  expect(stays.overlaps).toBe(0);
  expect((stays.starts.at(-1) ?? 0) % MINUTE).toBe(phase);
  expect(goes.starts.length).toBe(ended);
});
