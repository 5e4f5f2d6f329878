/**
 * Decides when what runs: each job on its own beat, never two runs of one job at a time, never more than so many
 * jobs at once. Beats are counted from the start on the monotonic clock, so that they neither drift nor follow a wall
 * clock that jumps; a beat that was slept through is not made up for.
 */
import { hash } from "./phase.ts";

export interface Timers {
  /** Milliseconds that only ever grow. */
  monotonic(): number;
  /** Calls `ring` after so many milliseconds; what it returns goes to `clear`. It must not keep the process alive. */
  set(ring: () => void, ms: number): unknown;
  clear(timer: unknown): void;
}

/** What a run says of the next one. */
export interface RunReport {
  /** The other side asked to be left alone; it is, for this long or longer each time. */
  readonly backOffMs?: number | undefined;
}

export interface Job {
  /** Unique; decides the phase of its beat. */
  readonly name: string;
  readonly intervalMs: number;
  /** Each run is put off by a random time up to this. */
  readonly jitterMs: number;
  /** What it rejects with is ignored. */
  run(): Promise<RunReport>;
  /** A run was due and could not be made: the one before still runs, or it was slept through. */
  missed(runs: number): void;
}

export interface SchedulerOptions {
  readonly timers: Timers;
  readonly concurrency: number;
  /** From 0 to 1, exclusive. */
  readonly random: () => number;
}

/** No job is left alone for longer than this, whatever it was asked for. */
const MAX_BACK_OFF_MS = 3_600_000;
/** The longest delay that timers can hold. */
const MAX_DELAY_MS = 2_147_483_647;

interface Entry {
  job: Job;
  /** Monotonic time of beat 0. */
  base: number;
  /** The beat that is due next, and when, with its jitter. */
  beat: number;
  dueAt: number;
  running: boolean;
  waiting: boolean;
  /** Not before this. */
  restUntil: number;
  /** Times in a row that it was asked to rest. */
  rests: number;
}

export class Scheduler {
  readonly #options: SchedulerOptions;
  #concurrency: number;
  #jobs = new Map<string, Entry>();
  /** Jobs that are due and wait for others to end, in order. */
  #queue: Entry[] = [];
  #running = 0;
  #timer: unknown;
  #ringsAt = Number.POSITIVE_INFINITY;
  #stopped = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#concurrency = options.concurrency;
  }

  set concurrency(most: number) {
    this.#concurrency = most;
    this.#fill();
  }

  /** Jobs that run at this moment. */
  get running(): number {
    return this.#running;
  }

  /** Makes these the jobs. One that was there before keeps its run and, unless its interval is new, its beat. */
  replace(jobs: readonly Job[]): void {
    const now = this.#options.timers.monotonic();
    const next = new Map<string, Entry>();
    for (const job of jobs) {
      const entry = this.#jobs.get(job.name) ?? newEntry(job, now);
      if (entry.job.intervalMs !== job.intervalMs) Object.assign(entry, beatOf(job, now));
      entry.job = job;
      next.set(job.name, entry);
    }
    this.#queue = this.#queue.filter(({ job }) => next.has(job.name));
    this.#jobs = next;
    this.#arm();
  }

  /** Runs a job as soon as there is room, unless it runs already or is to be left alone. Its beat stays as it is. */
  hurry(name: string): void {
    const entry = this.#jobs.get(name);
    if (entry === undefined || entry.running || entry.waiting) return;
    if (entry.restUntil > this.#options.timers.monotonic()) return;
    this.#enqueue(entry);
    this.#fill();
  }

  /** No further run begins. */
  stop(): void {
    this.#stopped = true;
    this.#queue = [];
    this.#options.timers.clear(this.#timer);
  }

  #arm(): void {
    if (this.#stopped) return;
    let earliest = Number.POSITIVE_INFINITY;
    for (const { dueAt } of this.#jobs.values()) earliest = Math.min(earliest, dueAt);
    if (earliest === this.#ringsAt) return;
    const { timers } = this.#options;
    timers.clear(this.#timer);
    this.#ringsAt = earliest;
    if (earliest === Number.POSITIVE_INFINITY) return;
    const delay = Math.min(Math.max(0, Math.ceil(earliest - timers.monotonic())), MAX_DELAY_MS);
    this.#timer = timers.set(() => this.#ring(), delay);
  }

  #ring(): void {
    this.#ringsAt = Number.POSITIVE_INFINITY;
    const now = this.#options.timers.monotonic();
    for (const entry of this.#jobs.values()) {
      if (entry.dueAt > now) continue;
      const late = entry.running || entry.waiting;
      if (!late && entry.restUntil <= now) this.#enqueue(entry);
      else if (late) entry.job.missed(1);
      this.#advance(entry, now);
    }
    this.#fill();
    this.#arm();
  }

  /** To the next beat that is still to come. */
  #advance(entry: Entry, now: number): void {
    const { job, base } = entry;
    const { intervalMs, jitterMs } = job;
    const passed = Math.floor((now - base) / intervalMs);
    // One run, now, stands for the beat that was due and for those slept through after it.
    const skipped = passed - entry.beat + 1;
    if (skipped > 0) job.missed(skipped);
    const next = Math.max(entry.beat, passed + 1);
    entry.beat = next + 1;
    const jitter = Math.min(jitterMs, intervalMs / 2) * this.#options.random();
    entry.dueAt = base + next * intervalMs + jitter;
  }

  #enqueue(entry: Entry): void {
    entry.waiting = true;
    this.#queue.push(entry);
  }

  #fill(): void {
    while (!this.#stopped && this.#running < this.#concurrency) {
      const entry = this.#queue.shift();
      if (entry === undefined) return;
      entry.waiting = false;
      entry.running = true;
      this.#running++;
      void this.#run(entry);
    }
  }

  async #run(entry: Entry): Promise<void> {
    let report: RunReport = {};
    try {
      report = await entry.job.run();
    } catch {
      // The job tells of its own faults; the beat goes on.
    }
    entry.running = false;
    this.#running--;
    this.#rest(entry, report.backOffMs);
    this.#fill();
  }

  #rest(entry: Entry, backOffMs: number | undefined): void {
    if (backOffMs === undefined) {
      entry.rests = 0;
      return;
    }
    const doubled = entry.job.intervalMs * 2 ** Math.min(entry.rests, 16);
    entry.rests++;
    const rest = Math.min(Math.max(backOffMs, doubled), MAX_BACK_OFF_MS);
    entry.restUntil = this.#options.timers.monotonic() + rest;
  }
}

function newEntry(job: Job, now: number): Entry {
  return { job, ...beatOf(job, now), running: false, waiting: false, restUntil: 0, rests: 0 };
}

/** The first run comes at once; the beat is somewhere in the interval, by the job's name. */
function beatOf({ name, intervalMs }: Job, now: number): Pick<Entry, "base" | "beat" | "dueAt"> {
  const phase = Math.floor((hash(name) / 2 ** 32) * intervalMs);
  // The first beat is at least half an interval away from the first run.
  return { base: now + phase, beat: phase * 2 >= intervalMs ? 0 : 1, dueAt: now };
}
