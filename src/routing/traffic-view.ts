/**
 * How calls fare, as far as rules ask: how fast each model is at each upstream, how many calls are in flight there,
 * and what watches want to know. Lives as long as the process; the rules of a new configuration find it as it is.
 */
import type { Clock } from "../core/clock.ts";
import { faultTypes } from "../core/errors.ts";
import { RollingWindow } from "../core/rolling-window.ts";
import { OTHER } from "../metrics/bounded-labels.ts";
import type { Call, Recorder, Usage } from "../usage/usage.ts";
import { type Figure, Watch, type WatchBounds } from "./watch.ts";

export type Measure = "firstToken" | "total";

/** What a watch watches. */
export interface WatchSubject {
  readonly model: string | undefined;
  readonly upstream: string | undefined;
  readonly figure: "errors" | "p50" | "p95" | "p99" | "firstToken";
}

interface Watched {
  readonly subject: WatchSubject;
  readonly window: RollingWindow;
  readonly watch: Watch;
}

interface Place {
  total: number | undefined;
  firstToken: number | undefined;
  /** Share of calls that succeed. */
  success: number;
  /** Monotonic milliseconds of the last sample. */
  totalAt: number;
  firstTokenAt: number;
  inFlight: number;
}

/** The newest sample counts at least so much. */
const NEWEST_SHARE = 0.2;
/** After so long without a sample the newest one counts for about two thirds. */
const FORGET_MS = 60_000;
/** A speed that was measured longer ago says nothing. */
export const STALE_MS = 300_000;
/** Never divides by less: a model that always fails is twenty times slower than it looks. */
const LEAST_SUCCESS = 0.05;
/** What a place is taken to need of which only failures are known. */
const FAILED_MS = 60_000;
const MOST_PLACES = 2_000;

const FAULTS: ReadonlySet<string> = new Set(faultTypes);
const QUANTILES = { p50: 0.5, p95: 0.95, p99: 0.99, firstToken: 0.95 } as const;

export class TrafficView implements Recorder {
  readonly #clock: Pick<Clock, "monotonic">;
  #active = false;
  readonly #places = new Map<string, Place>();
  /** Where calls in flight are counted. */
  readonly #calls = new Map<string, Place>();
  #watched = new Map<string, Watched>();

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** Whether anything is noted at all: only where rules ask. What is in flight then is not counted. */
  set active(active: boolean) {
    this.#active = active;
    if (active) return;
    this.#places.clear();
    this.#calls.clear();
    this.#watched.clear();
  }

  started(call: Call): void {
    if (!this.#active || call.probe || call.modelLabel === OTHER) return;
    const place = this.#place(call.upstream, call.modelSent);
    if (place === undefined) return;
    place.inFlight++;
    this.#calls.set(call.id, place);
  }

  settled(usage: Usage): void {
    if (!this.#active) return;
    const started = this.#calls.get(usage.id);
    if (started === undefined) return;
    this.#calls.delete(usage.id);
    started.inFlight--;
    const failed = usage.errorType !== undefined && FAULTS.has(usage.errorType);
    // A client that left, or asked for nonsense, tells nothing of the upstream.
    if (usage.errorType !== undefined && !failed) return;
    const now = this.#clock.monotonic();
    const { upstream, modelSent, durationMs, firstTokenMs } = usage;
    const place = this.#place(upstream, modelSent);
    if (place !== undefined) note(place, now, durationMs, firstTokenMs, failed);
    for (const { subject, window } of this.#watched.values()) {
      if (subject.model !== undefined && subject.model !== modelSent) continue;
      if (subject.upstream !== undefined && subject.upstream !== upstream) continue;
      window.add(now, subject.figure === "firstToken" ? firstTokenMs : durationMs, failed);
    }
  }

  /** Milliseconds that a call takes there lately, by how often it has to be tried; undefined when that is not known. */
  speed(upstream: string, model: string, measure: Measure): number | undefined {
    const place = this.#places.get(keyOf(upstream, model));
    if (place === undefined) return undefined;
    const since = measure === "total" ? place.totalAt : place.firstTokenAt;
    if (this.#clock.monotonic() - since > STALE_MS) return undefined;
    const ms = place[measure];
    return ms === undefined ? undefined : ms / Math.max(LEAST_SUCCESS, place.success);
  }

  inFlight(upstream: string, model: string): number {
    return this.#places.get(keyOf(upstream, model))?.inFlight ?? 0;
  }

  /** The watch over a figure: the one there is, when there is one with these bounds. */
  watch(subject: WatchSubject, bounds: WatchBounds): Watch {
    const key = JSON.stringify([subject, bounds]);
    let watched = this.#watched.get(key);
    if (watched === undefined) {
      watched = { subject, window: new RollingWindow(), watch: new Watch(bounds) };
      this.#watched.set(key, watched);
    }
    return watched.watch;
  }

  /** Forgets all watches but these. */
  retain(watches: ReadonlySet<Watch>): void {
    this.#watched = new Map([...this.#watched].filter(([, { watch }]) => watches.has(watch)));
  }

  get watches(): number {
    return this.#watched.size;
  }

  /** Looks at every figure that is watched. To be called about once a second. */
  tick(): void {
    const now = this.#clock.monotonic();
    for (const { subject, window, watch } of this.#watched.values())
      watch.tick(now, figure(subject, window, now));
  }

  #place(upstream: string, model: string): Place | undefined {
    const key = keyOf(upstream, model);
    let place = this.#places.get(key);
    if (place === undefined && this.#places.size < MOST_PLACES) {
      place = {
        ...{ total: undefined, firstToken: undefined, success: 1, inFlight: 0 },
        ...{ totalAt: Number.NEGATIVE_INFINITY, firstTokenAt: Number.NEGATIVE_INFINITY },
      };
      this.#places.set(key, place);
    }
    return place;
  }
}

function keyOf(upstream: string, model: string): string {
  return `${upstream}\n${model}`;
}

function figure({ figure: name }: WatchSubject, window: RollingWindow, now: number): Figure {
  if (name === "errors") {
    const { share, calls } = window.errors(now);
    return { value: share, calls };
  }
  const { ms, calls } = window.quantile(now, QUANTILES[name]);
  return { value: ms, calls };
}

function note(
  place: Place,
  now: number,
  total: number,
  firstToken: number | undefined,
  failed: boolean,
): void {
  place.success = moved(place.success, failed ? 0 : 1, NEWEST_SHARE);
  if (failed && place.total !== undefined) return;
  place.total = moved(place.total, failed ? FAILED_MS : total, shareOf(now - place.totalAt));
  place.totalAt = now;
  if (firstToken === undefined) return;
  place.firstToken = moved(place.firstToken, firstToken, shareOf(now - place.firstTokenAt));
  place.firstTokenAt = now;
}

function moved(before: number | undefined, value: number, share: number): number {
  return before === undefined ? value : before + share * (value - before);
}

function shareOf(gapMs: number): number {
  return Math.max(NEWEST_SHARE, 1 - Math.exp(-gapMs / FORGET_MS));
}
