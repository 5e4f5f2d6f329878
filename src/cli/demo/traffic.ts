/** Sends the demo's calls as applications would, and keeps count of how they went. */
import type { Random } from "../../sandbox/random.ts";
import { chosen, DEMO_APPS, drawn, type Workload } from "./workloads.ts";

export interface TrafficOptions {
  /** Where to, without path. */
  readonly url: string;
  readonly workloads: readonly Workload[];
  readonly random: Random;
  /** The key of an app. */
  key(app: string): string;
  /** Calls a second, now. */
  rate(): number;
  /** What the simulated relay is to do, as its header `x-sandbox` says; undefined where nothing is simulated. */
  knobs(): string | undefined;
  /** Most tokens that a call may ask for. */
  readonly maxTokens: number;
}

/** How the calls of one app and model went. */
export interface Tally {
  readonly app: string;
  readonly endpoint: string;
  readonly model: string;
  calls: number;
  /** Answered with an error, or not at all. */
  failed: number;
  /** Left by the client amid the answer. */
  left: number;
  /** Answers by status; 0 stands for no answer. */
  readonly statuses: Record<string, number>;
  /** Milliseconds of the last calls that succeeded. */
  readonly durations: number[];
}

/** However slow the upstream is, no more calls than this are under way. */
const MOST_AT_ONCE = 200;
const LEAST_RATE = 0.05;
/** Share of streams that their client leaves. */
const LEAVERS = 0.015;
const MOST_DURATIONS = 1_000;
const LONGEST_CALL_MS = 60_000;

export class Traffic {
  readonly #options: TrafficOptions;
  readonly #tallies = new Map<Workload, Tally>();
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TrafficOptions) {
    this.#options = options;
  }

  get tallies(): readonly Tally[] {
    return [...this.#tallies.values()];
  }

  get underWay(): number {
    return this.#running.size;
  }

  /** Begins with one call of each kind, so that all are seen at once. */
  start(): void {
    for (const workload of this.#options.workloads) this.#send(workload);
    this.#next();
  }

  /** Sends nothing more; resolves when the calls under way have ended, or were cut after `patienceMs`. */
  async stop(patienceMs: number): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const cut = setTimeout(() => this.#stopping.abort(), patienceMs);
    await Promise.all(this.#running);
    clearTimeout(cut);
  }

  /** Calls of many independent people come at random: the time between two is exponentially distributed. */
  #next(): void {
    const { random, rate } = this.#options;
    const waitMs = (-Math.log(1 - random.fraction()) * 1_000) / Math.max(LEAST_RATE, rate());
    this.#timer = setTimeout(
      () => {
        if (this.#running.size < MOST_AT_ONCE) this.#send(chosen(this.#options.workloads, random));
        this.#next();
      },
      Math.min(waitMs, 5_000),
    );
  }

  #send(workload: Workload): void {
    const call = this.#call(workload).catch(() => undefined);
    const running: Promise<void> = call.then(() => {
      this.#running.delete(running);
    });
    this.#running.add(running);
  }

  async #call(workload: Workload): Promise<void> {
    const { url, random, key, knobs, maxTokens } = this.#options;
    const { app, keyHeader } = workload;
    const prompts = DEMO_APPS[app]?.prompts ?? [];
    const prompt = prompts[random.between(0, prompts.length - 1)] ?? "Hello";
    const stream = random.fraction() < workload.streamed;
    const input = drawn(workload.input, random);
    const output = Math.min(maxTokens, drawn(workload.output, random));
    const request = workload.request(prompt, stream, Math.max(16, output));
    const simulated = knobs();
    const headers: Record<string, string> = {
      ...request.headers,
      [keyHeader]: keyHeader === "authorization" ? `Bearer ${key(app)}` : key(app),
      ...(simulated === undefined ? {} : { "x-sandbox": `input=${input}; output=${output}; ${simulated}` }),
    };
    const leaving = new AbortController();
    const leaves = stream && random.fraction() < LEAVERS;
    const timer = leaves ? setTimeout(() => leaving.abort(), random.between(150, 1_500)) : undefined;
    const tally = this.#tally(workload);
    const began = performance.now();
    const signals = [this.#stopping.signal, leaving.signal, AbortSignal.timeout(LONGEST_CALL_MS)];
    let status = 0;
    tally.calls++;
    try {
      const response = await fetch(url + request.path, {
        method: "POST",
        headers,
        body: request.body,
        signal: AbortSignal.any(signals),
      });
      status = response.status;
      for await (const _piece of response.body ?? []) void _piece;
      if (!response.ok) tally.failed++;
      else note(tally.durations, performance.now() - began);
    } catch {
      if (leaving.signal.aborted) tally.left++;
      else if (!this.#stopping.signal.aborted) tally.failed++;
    } finally {
      clearTimeout(timer);
      tally.statuses[status] = (tally.statuses[status] ?? 0) + 1;
    }
  }

  #tally(workload: Workload): Tally {
    let tally = this.#tallies.get(workload);
    if (tally === undefined) {
      const { app, endpoint, model } = workload;
      tally = { app, endpoint, model, calls: 0, failed: 0, left: 0, statuses: {}, durations: [] };
      this.#tallies.set(workload, tally);
    }
    return tally;
  }
}

function note(durations: number[], ms: number): void {
  if (durations.length >= MOST_DURATIONS) durations.shift();
  durations.push(ms);
}

/** Milliseconds; undefined of nothing. */
export function median(values: readonly number[]): number | undefined {
  const ascending = Float64Array.from(values).sort();
  return ascending[Math.floor((ascending.length - 1) / 2)];
}
