/**
 * Upstreams that fare far worse than the others of the same model: more of their calls fail, or their answers begin much
 * later. Such a one is taken out for a while by opening its circuit breaker, for longer each time, and never more than a
 * share of those that serve the model.
 */
import type { Clock } from "../core/clock.ts";
import { RollingWindow } from "../core/rolling-window.ts";
import type { OutlierSettings, Upstream } from "./upstream.ts";

/** What is far off the others'. */
export type OutlierReason = "errors" | "latency";

export interface Ejection {
  readonly upstream: string;
  readonly model: string;
  readonly reason: OutlierReason;
  readonly why: string;
  readonly ms: number;
}

export interface OutlierOptions {
  readonly clock: Pick<Clock, "monotonic">;
  /** Whether the upstream takes calls for the model as usual. */
  isIn(upstream: string, model: string): boolean;
  eject(ejection: Ejection): void;
}

/** Calls are looked at for so long. */
const WINDOW_MS = 60_000;
/** A model's upstreams are compared at most this often. */
const PAUSE_MS = 250;
/** Nobody is taken out for being later than the others by less. */
const LEAST_DIFFERENCE_MS = 50;
/** It is taken out for at most so many times as long as the first time. */
const MOST_TIMES = 20;
/** What it was taken out for before is forgotten after so many times as long without it. */
const FORGET_TIMES = 4;
/** Clients may invent models: at most so many are compared. */
const MOST_MODELS = 500;

/** One upstream of a model. */
interface Member {
  /** Answers that come whole begin when they are complete, and streams much sooner: they are never compared. */
  whole: RollingWindow;
  streams: RollingWindow;
  settings: OutlierSettings | undefined;
  times: number;
  /** Monotonic milliseconds: until when it was taken out last, and for how long. */
  until: number;
  lasted: number;
}

interface Pool {
  readonly members: Map<string, Member>;
  comparedAt: number;
}

export class Outliers {
  readonly #options: OutlierOptions;
  readonly #pools = new Map<string, Pool>();
  #active = false;

  constructor(options: OutlierOptions) {
    this.#options = options;
  }

  /** Whether any upstream is compared with others; where none is, nothing is noted. */
  get active(): boolean {
    return this.#active;
  }

  /** The upstreams in force. */
  configure(upstreams: readonly Upstream[]): void {
    this.#active = upstreams.some(({ breaker }) => breaker?.outlier !== undefined);
    if (!this.#active) this.#pools.clear();
    const names = new Set(upstreams.map(({ name }) => name));
    for (const { members } of this.#pools.values()) {
      for (const name of members.keys()) if (!names.has(name)) members.delete(name);
    }
  }

  /** An attempt has failed, or its answer has begun after `ms`; undefined where that says nothing of its speed. */
  note({ name, breaker }: Upstream, model: string, streaming: boolean, failed: boolean, ms?: number): void {
    const pool = this.#pool(model);
    if (pool === undefined) return;
    let member = pool.members.get(name);
    if (member === undefined) {
      const history = { settings: undefined, times: 0, until: Number.NEGATIVE_INFINITY, lasted: 0 };
      member = { whole: new RollingWindow(WINDOW_MS), streams: new RollingWindow(WINDOW_MS), ...history };
      pool.members.set(name, member);
    }
    member.settings = breaker?.outlier;
    const now = this.#options.clock.monotonic();
    (streaming ? member.streams : member.whole).add(now, ms, failed);
    if (now - pool.comparedAt < PAUSE_MS) return;
    pool.comparedAt = now;
    for (const [upstream, { settings }] of pool.members) {
      if (settings !== undefined) this.#judge(upstream, model, settings, pool, now);
    }
  }

  #pool(model: string): Pool | undefined {
    let pool = this.#pools.get(model);
    if (pool === undefined && this.#pools.size < MOST_MODELS) {
      pool = { members: new Map(), comparedAt: Number.NEGATIVE_INFINITY };
      this.#pools.set(model, pool);
    }
    return pool;
  }

  #judge(upstream: string, model: string, settings: OutlierSettings, { members }: Pool, now: number): void {
    const { isIn, eject } = this.#options;
    const own = members.get(upstream);
    if (own === undefined || !isIn(upstream, model)) return;
    const others = [...members].filter(([name]) => name !== upstream);
    const found = tooManyErrors(own, others, settings, now) ?? tooLate(own, others, settings, now);
    if (found === undefined) return;
    const out = others.filter(([name]) => !isIn(name, model)).length;
    const serving = others.filter(
      ([name, each]) => isIn(name, model) && failures(each, now).calls > 0,
    ).length;
    // At least one stays, whatever the share.
    if (serving === 0 || out + 1 > (out + serving + 1) * settings.share) return;
    if (now - own.until > own.lasted * FORGET_TIMES) own.times = 0;
    own.times++;
    own.lasted = settings.ejectFor * Math.min(MOST_TIMES, own.times);
    own.until = now + own.lasted;
    own.whole = new RollingWindow(WINDOW_MS);
    own.streams = new RollingWindow(WINDOW_MS);
    eject({ upstream, model, ms: own.lasted, ...found });
  }
}

type Others = readonly (readonly [string, Member])[];
type Found = Pick<Ejection, "reason" | "why"> | undefined;

function tooManyErrors(
  own: Member,
  others: Others,
  { errors, minCalls }: OutlierSettings,
  now: number,
): Found {
  const mine = failures(own, now);
  const theirs = others.map(([, each]) => failures(each, now)).filter(({ calls }) => calls >= minCalls);
  if (mine.calls < minCalls || theirs.length === 0) return undefined;
  const calls = theirs.reduce((sum, each) => sum + each.calls, 0);
  const failed = theirs.reduce((sum, each) => sum + each.failed, 0);
  const [here, there] = [mine.failed / mine.calls, failed / calls];
  if (here - there < errors) return undefined;
  return { reason: "errors", why: `${percent(here)} of its calls failed, of the others' ${percent(there)}` };
}

function tooLate(own: Member, others: Others, settings: OutlierSettings, now: number): Found {
  for (const kind of ["streams", "whole"] as const) {
    const mine = own[kind].quantile(now, 0.5);
    if (mine.calls < settings.minCalls) continue;
    const theirs = others
      .map(([, each]) => each[kind].quantile(now, 0.5))
      .filter(({ calls }) => calls >= settings.minCalls)
      .map(({ ms }) => ms)
      .sort((a, b) => a - b);
    const usual = theirs[Math.floor(theirs.length / 2)];
    if (usual === undefined || mine.ms - usual < LEAST_DIFFERENCE_MS) continue;
    if (mine.ms < usual * settings.slower) continue;
    const [here, there] = [Math.round(mine.ms), Math.round(usual)];
    return {
      reason: "latency",
      why: `its ${kind === "streams" ? "streams" : "answers"} began after ${here} ms, the others' after ${there} ms (median)`,
    };
  }
  return undefined;
}

function failures({ whole, streams }: Member, now: number): { calls: number; failed: number } {
  const [a, b] = [whole.errors(now), streams.errors(now)];
  return { calls: a.calls + b.calls, failed: Math.round(a.share * a.calls + b.share * b.calls) };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
