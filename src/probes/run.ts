/** Runs one probe once: takes the time, decides on success, keeps the money in bounds, and survives whatever it does. */

import type { Clock } from "../core/clock.ts";
import type { Pico } from "../core/money.ts";
import type { Settings, Surroundings } from "../gateway/state.ts";
import { withKey } from "../upstreams/one-key.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import type { Usage } from "../usage/usage.ts";
import { callUpstream } from "./call.ts";
import { measureConnection } from "./connection.ts";
import {
  type Finding,
  type KeyState,
  type Outcome,
  type Probe,
  type ProbeContext,
  ProbeFailure,
} from "./probe.ts";
import { readJson } from "./read.ts";
import type { Spend } from "./spend.ts";
import { tidy } from "./verdict.ts";

/** The transport keeps a call's limits, and tells which one was reached; this much later the runner ends the rest. */
const MARGIN_MS = 250;
/** A probe that has not ended this long after it was told to is left behind. */
const GRACE_MS = 1_000;
/** Waiting for one part of an answer may take this share of the time, so that it is told from the whole. */
const PART = 0.8;

/** What is to be run. */
export interface Task {
  readonly upstream: Upstream;
  readonly probe: Probe;
  /** The model to ask, or "". */
  readonly model: string;
  readonly timeoutMs: number;
  /** Which of the upstream's keys it is asked with, counted from 1. Those after the first are asked about the key alone. */
  readonly key: number;
}

export interface Result {
  readonly task: Task;
  readonly outcome: Outcome;
  readonly success: boolean;
  /** Why not, for people; "" on success. Holds no secret. */
  readonly message: string;
  /** HTTP status, where there was one. */
  readonly status: number | undefined;
  readonly durationMs: number;
  /** Wall-clock milliseconds at which it began. */
  readonly startedAt: number;
  readonly finding: Finding;
  readonly key: KeyState | undefined;
  readonly retryAfterMs: number | undefined;
  /** Of the calls it made, in order. */
  readonly usages: readonly Usage[];
  /** What they cost; undefined where the model has no price. */
  readonly cost: Pico | undefined;
}

export interface RunSurroundings {
  readonly around: Surroundings;
  readonly settings: () => Settings;
  readonly spend: Spend;
}

/** Never rejects. `signal` ends it early, as its own timeout does. */
export async function runProbe(task: Task, from: RunSurroundings, signal?: AbortSignal): Promise<Result> {
  const { clock } = from.around;
  const { probe } = task;
  const upstream = withKey(task.upstream, task.key);
  const refusal = await refusalOf(task, from, clock.wall());
  const startedAt = clock.wall();
  const began = clock.monotonic();
  const name = taskName(task);
  const usages: Usage[] = [];
  const result = (outcome: Outcome, message: string, more: Partial<Result> = {}): Result => ({
    task,
    outcome,
    success: outcome === "success",
    message,
    status: statusOf(usages),
    durationMs: clock.monotonic() - began,
    startedAt,
    finding: {},
    key: undefined,
    retryAfterMs: undefined,
    usages,
    cost: probe.costs ? costOf(usages) : undefined,
    ...more,
  });
  if (refusal !== undefined) return result("spend_cap", refusal);
  try {
    const finding = await inTime(task, from, usages, clock, signal);
    return result("success", "", { finding, key: finding.key });
  } catch (error) {
    if (error instanceof ProbeFailure) {
      const { outcome, status = statusOf(usages), key, retryAfterMs } = error;
      const message = tidy(error.message, [upstream.apiKey]);
      return result(outcome, message, { status, key, retryAfterMs });
    }
    from.around.log.error({ upstream: upstream.name, probe: probe.name, err: error }, "a probe failed");
    return result("exception", `a fault of Bellwether's own: ${tidy(String(error), [upstream.apiKey])}`);
  } finally {
    if (probe.costs) await from.spend.settle(name, costOf(usages), clock.wall());
  }
}

/** The upstream's status; undefined where the answer was Bellwether's own. */
function statusOf(usages: readonly Usage[]): number | undefined {
  const usage = usages.at(-1);
  return usage?.errorCode === undefined ? usage?.status : undefined;
}

/** What a task is called: the same for the same upstream, probe, model and key. */
export function taskName({ upstream, probe, model, key }: Task): string {
  return `${upstream.name} ${probe.name} ${model}${key > 1 ? ` key ${key}` : ""}`;
}

/** Why it may not be run; undefined when it may, and its cost is then set aside. */
async function refusalOf(
  task: Task,
  { spend, settings }: RunSurroundings,
  now: number,
): Promise<string | undefined> {
  const { probe, upstream, model } = task;
  if (!probe.costs) return undefined;
  if (probe.needsPrice === true && settings().prices.price(upstream.name, model, now) === undefined) {
    return `${model} has no price at ${upstream.name}, and this probe is not run without one: add it under \`prices\``;
  }
  if (await spend.reserve(taskName(task), now)) return undefined;
  return `probes may cost ${spend.limitUsd} USD a day, and that is spent: raise \`probes.spendPerDay.usd\``;
}

function costOf(usages: readonly Usage[]): Pico | undefined {
  let sum: Pico | undefined;
  for (const { cost } of usages) if (cost !== undefined) sum = (sum ?? 0n) + cost;
  return sum;
}

/** The probe's finding, or a failure with outcome `timeout` when its time, or the caller's, is over first. */
async function inTime(
  task: Task,
  from: RunSurroundings,
  usages: Usage[],
  clock: Clock,
  outer: AbortSignal | undefined,
): Promise<Finding> {
  const { probe, model, timeoutMs } = task;
  const upstream = withKey(task.upstream, task.key);
  const { around, settings } = from;
  const controller = new AbortController();
  const { signal } = controller;
  const patient = patienceOf(upstream, timeoutMs);
  const context: ProbeContext = {
    upstream,
    model,
    signal,
    timeoutMs,
    clock,
    async call(request) {
      const answer = await callUpstream(patient, request, settings(), around, signal);
      usages.push(answer.usage);
      if (answer.usage.errorType === "client_gone") throw timedOut(timeoutMs);
      return answer;
    },
    read: (url, key) => readJson(around.transport, patient, url, key, signal),
    connect: () => measureConnection(upstream, clock, signal),
  };
  return new Promise<Finding>((resolve, reject) => {
    let late: NodeJS.Timeout | undefined;
    let over = false;
    const abort = (): void => {
      if (over) return;
      controller.abort();
      // Whoever does not mind the signal is not waited for for ever.
      late = setTimeout(() => reject(timedOut(timeoutMs)), GRACE_MS);
    };
    // What has come by then is read first: a process that did not run for a while has no silent upstream.
    const timer = setTimeout(() => setImmediate(abort), timeoutMs + MARGIN_MS);
    outer?.addEventListener("abort", abort, { once: true });
    const work = outer?.aborted === true ? Promise.reject(timedOut(timeoutMs)) : start(probe, context);
    work
      .catch((error: unknown) => {
        throw signal.aborted && !(error instanceof ProbeFailure) ? timedOut(timeoutMs) : error;
      })
      .then(resolve, reject)
      .finally(() => {
        over = true;
        clearTimeout(timer);
        clearTimeout(late);
        outer?.removeEventListener("abort", abort);
      });
  });
}

/** A probe that throws before its first wait rejects like any other. */
async function start(probe: Probe, context: ProbeContext): Promise<Finding> {
  return probe.run(context);
}

function timedOut(timeoutMs: number): ProbeFailure {
  return new ProbeFailure("timeout", `no whole answer within ${timeoutMs} ms`);
}

const patient = new WeakMap<Upstream, Map<number, Upstream>>();

/**
 * The upstream with limits no longer than the probe's. It is one object for each limit, because connections belong
 * to such an object; so probes have connections of their own, and never take one from traffic.
 */
function patienceOf(upstream: Upstream, timeoutMs: number): Upstream {
  let byLimit = patient.get(upstream);
  if (byLimit === undefined) {
    byLimit = new Map();
    patient.set(upstream, byLimit);
  }
  let limited = byLimit.get(timeoutMs);
  if (limited === undefined) {
    const { connect, firstByte, idle, total } = upstream.timeouts;
    const part = Math.ceil(timeoutMs * PART);
    const timeouts = {
      connect: Math.min(connect, part),
      firstByte: Math.min(firstByte, part),
      idle: Math.min(idle, part),
      total: Math.min(total, timeoutMs),
    };
    limited = { ...upstream, timeouts, onClientGone: "cancel" };
    byLimit.set(timeoutMs, limited);
  }
  return limited;
}
