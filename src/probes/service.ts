/** Probes, put together: runs them on their beat or when asked, and keeps what they find for the metrics. */
import { setMaxListeners } from "node:events";
import type { ProbesConfig } from "../config/schema.ts";
import type { Settings, Surroundings } from "../gateway/state.ts";
import { catalogue } from "../metrics/catalogue.ts";
import type { Registry } from "../metrics/registry.ts";
import { keyCount } from "../upstreams/one-key.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import { Board } from "./board.ts";
import { KeyHealth } from "./key-health.ts";
import type { Probe, ProbeName } from "./probe.ts";
import { type Result, runProbe, taskName } from "./run.ts";
import { type RunReport, Scheduler, type Timers } from "./scheduler.ts";
import { canBeAsked, keyProbe, type Scheduled, scheduled, taskOf } from "./settings.ts";
import { Spend, type SpendMemory } from "./spend.ts";

export interface ProbeServiceOptions {
  readonly registry: Registry;
  /** What calls go through. Asked for when they are made: this service is a part of it (`recorder`). */
  around(): Surroundings;
  settings(): Settings;
  /** Keeps what probes have cost today over a restart; without it every process begins at nothing. */
  readonly spendMemory?: SpendMemory;
  readonly timers?: Timers;
  readonly random?: () => number;
}

/** What is in force; replaced as a whole at a reload. */
export interface ProbePlan {
  readonly config: ProbesConfig;
  readonly upstreams: readonly Upstream[];
  /** Clients send keys of their own. */
  readonly passthrough: boolean;
  /** False when nothing runs on its own, but only when asked. */
  readonly scheduled: boolean;
  /** The models that the configuration says each upstream serves, by its name. */
  readonly models: ReadonlyMap<string, readonly string[]>;
}

/** Live traffic that is refused makes a probe of its upstream run at once, but not more often than this. */
const DOUBT_INTERVAL_MS = 5_000;

export class ProbeService {
  /** To be told of all calls. */
  readonly recorder: KeyHealth;
  readonly board: Board;
  readonly #options: ProbeServiceOptions;
  readonly #scheduler: Scheduler;
  readonly #spend: Spend;
  readonly #running = new Map<string, Promise<Result>>();
  readonly #doubtedAt = new Map<string, number>();
  readonly #stopping = new AbortController();
  #plan: ProbePlan | undefined;
  #tasks: readonly Scheduled[] = [];

  constructor(options: ProbeServiceOptions) {
    this.#options = options;
    this.#spend = new Spend(0, options.spendMemory);
    const { registry } = options;
    this.recorder = new KeyHealth({
      isOurs: (upstream) =>
        this.#plan?.passthrough === false && this.#upstream(upstream)?.apiKey !== undefined,
      hasSeveral: (upstream) => this.#upstream(upstream)?.apiKeys !== undefined,
      doubt: (upstream, key) => this.#doubt(upstream, key),
      changed: (upstream, before, after, key) => {
        const { log } = options.around();
        const of = this.#upstream(upstream)?.apiKeys?.length;
        const fields = { upstream, ...(of !== undefined && { key: `${key} of ${of}` }), before, after };
        if (after === "valid") log.info(fields, "the upstream's key is good");
        else log.warn(fields, `the upstream's key is ${after.replace("_", " ")}`);
      },
    });
    // Asked for late: the clock is a part of what this service is a part of.
    const clock = {
      wall: () => options.around().clock.wall(),
      monotonic: () => options.around().clock.monotonic(),
    };
    // As many listeners as there are probes under way.
    setMaxListeners(0, this.#stopping.signal);
    this.board = new Board(registry, clock, this.recorder);
    this.#scheduler = new Scheduler({
      timers: options.timers ?? systemTimers,
      concurrency: 1,
      random: options.random ?? Math.random,
    });
    registry.beforeScrape(() => {
      if (this.#plan === undefined) return;
      registry.gauge(catalogue.probeSpentToday).with([]).set(this.#spend.spentToday(clock.wall()));
      registry.gauge(catalogue.probeSpendLimit).with([]).set(this.#spend.limitUsd);
    });
  }

  /** What runs on its own, in order. */
  get tasks(): readonly Scheduled[] {
    return this.#tasks;
  }

  /** The names of the upstreams that can be probed. */
  get upstreams(): readonly string[] {
    return this.#plan?.upstreams.map(({ name }) => name) ?? [];
  }

  /** The models that the configuration says an upstream serves. */
  modelsOf(upstream: string): readonly string[] {
    return this.#plan?.models.get(upstream) ?? [];
  }

  /** Puts a plan into force. Whatever runs goes on; a probe that stays keeps its beat. */
  configure(plan: ProbePlan): void {
    const { config, upstreams, passthrough } = plan;
    const keys = new Map(this.#plan?.upstreams.map((upstream) => [upstream.name, keysOf(upstream)]));
    this.#plan = plan;
    this.#spend.limitUsd = config.spendPerDay.usd;
    this.#tasks = plan.scheduled ? scheduled(config, upstreams, passthrough) : [];
    this.#spend.retain(new Set(this.#tasks.map(taskName)));
    if (this.#tasks.some(({ probe }) => probe.costs)) {
      void this.#spend.load(this.#options.around().clock.wall());
    }
    // Of a key that is another now nothing is known.
    const same = upstreams.filter((upstream) => keys.get(upstream.name) === keysOf(upstream));
    this.recorder.retain(new Set(same.map(({ name }) => name)));
    const watched = new Map(
      upstreams.map((upstream) => {
        const { name } = upstream;
        return [name, { models: plan.models.get(name) ?? [], keys: keyCount(upstream) }];
      }),
    );
    this.board.watch(watched);
    this.board.retainTasks(this.#tasks);
    this.#scheduler.concurrency = config.concurrency;
    this.#scheduler.replace(
      this.#tasks.map((task) => ({
        name: taskName(task),
        intervalMs: task.intervalMs,
        jitterMs: task.jitterMs,
        run: () => this.#beat(task),
        missed: (runs) => {
          const labels = [task.upstream.name, task.probe.name];
          this.#options.registry.counter(catalogue.probesMissed).with(labels).inc(runs);
        },
      })),
    );
  }

  /**
   * Runs a probe now, or waits for the run that is under way.
   * @throws ProbeRefused when there is no such upstream, or it cannot be asked this.
   */
  async ask(upstreamName: string, probe: Probe, timeoutMs?: number, key = 1): Promise<Result> {
    const plan = this.#plan;
    const upstream = this.#upstream(upstreamName);
    if (plan === undefined || upstream === undefined) {
      throw new ProbeRefused(
        `There is no upstream of this name. Configured: ${this.upstreams.join(", ") || "none"}.`,
      );
    }
    if (!canBeAsked(probe, upstream, plan.passthrough)) {
      throw new ProbeRefused(
        `Upstream ${upstream.name} cannot be probed with \`${probe.name}\`: ${WHY[probe.name]}.`,
      );
    }
    const task = taskOf(plan.config, upstream, probe, key);
    return this.#run(
      timeoutMs === undefined ? task : { ...task, timeoutMs: Math.min(timeoutMs, task.timeoutMs) },
    );
  }

  /** No probe begins any more, and those under way are given up: nobody waits for them. */
  async stop(): Promise<void> {
    this.#scheduler.stop();
    this.#stopping.abort();
    await this.#spend.close();
  }

  #upstream(name: string): Upstream | undefined {
    return this.#plan?.upstreams.find((upstream) => upstream.name === name);
  }

  async #beat(task: Scheduled): Promise<RunReport> {
    const { outcome, retryAfterMs } = await this.#run(task);
    return { backOffMs: outcome === "rate_limit" ? (retryAfterMs ?? 0) : retryAfterMs };
  }

  /** One run of a probe at a time: whoever comes meanwhile gets its result. */
  #run(task: Scheduled): Promise<Result> {
    const name = taskName(task);
    const under = this.#running.get(name);
    if (under !== undefined) return under;
    const around = this.#options.around();
    const from = { around, settings: this.#options.settings, spend: this.#spend };
    const running = runProbe(task, from, this.#stopping.signal).then((result) => {
      this.#running.delete(name);
      // What was given up tells nothing of the upstream.
      if (!this.#stopping.signal.aborted) this.#note(task, result);
      return result;
    });
    this.#running.set(name, running);
    return running;
  }

  #note(task: Scheduled, result: Result): void {
    // It may have been reloaded away meanwhile.
    if (this.#upstream(task.upstream.name) === undefined) return;
    const { log } = this.#options.around();
    const before = this.board.resultsOf(task.upstream.name).find((ran) => ran.task.probe === task.probe);
    this.board.note(result, task.intervalMs);
    // Of a further key only its state is of interest, and is told where it changes.
    if (task.key > 1) return;
    if (before?.outcome === result.outcome || (before === undefined && result.success)) return;
    const fields = { upstream: task.upstream.name, probe: task.probe.name, outcome: result.outcome };
    if (result.success) log.info(fields, "the probe succeeds again");
    else log.warn({ ...fields, why: result.message }, "a probe found the upstream unwell");
  }

  #doubt(upstream: string, key: number): boolean {
    const tasks = this.#tasks.filter((each) => each.upstream.name === upstream && each.key === key);
    const [first] = tasks;
    const proof =
      first &&
      keyProbe(
        tasks.map(({ probe }) => probe.name),
        first.upstream,
      );
    const task = tasks.find(({ probe }) => probe.name === proof);
    if (task === undefined) return false;
    const name = taskName(task);
    const now = this.#options.around().clock.monotonic();
    const last = this.#doubtedAt.get(name);
    if (last === undefined || now - last >= DOUBT_INTERVAL_MS) {
      this.#doubtedAt.set(name, now);
      this.#scheduler.hurry(name);
    }
    return true;
  }
}

/** Whoever asked for a probe asked for something that there is not. */
export class ProbeRefused extends Error {
  override readonly name = "ProbeRefused";
}

/** Why a probe may not apply, and what to do. */
const WHY: Readonly<Record<ProbeName, string>> = {
  models: "it has no `openai-models` dialect, or no key",
  chat: "it has no chat dialect, or no key",
  embeddings: "it has no `openai-embeddings` dialect, or no key",
  images: "it has no `openai-images` dialect, or no key",
  balance: "nobody knows how to read its account; say so under its `balance`",
  tls: "it has no address",
  dns: "it has no address",
};

/** What has to stay the same for what is known of an upstream's keys to hold. */
function keysOf({ apiKey, apiKeys = [] }: Upstream): string {
  return JSON.stringify([apiKey, ...apiKeys]);
}

const systemTimers: Timers = {
  monotonic: () => performance.now(),
  set: (ring, ms) => setTimeout(ring, ms).unref(),
  clear: (timer) => clearTimeout(timer as NodeJS.Timeout | undefined),
};
