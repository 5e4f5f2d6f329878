/**
 * The past of the sums that alerts look at. Each track keeps the totals of one selection of series, thinned with age to
 * what its alerts need: 15 seconds apart where they look at minutes, minutes apart where they look at weeks.
 */
import { matchesWildcard } from "../core/wildcard.ts";
import type { LabelSet } from "../metrics/family.ts";
import type { Registry, Series } from "../metrics/registry.ts";
import { type Leaf, reachOf, type Selection, type Where } from "./expression.ts";

/** Of a counter or gauge its value; of a histogram the observations of each bucket, not cumulative. */
export type Total = number | readonly number[];

/** Totals at one moment, by the values of the track's labels (see `keyOf`). */
export interface Snapshot {
  /** Seconds, by a clock that does not jump. */
  readonly at: number;
  readonly totals: ReadonlyMap<string, Total>;
}

const SEPARATOR = "\u0000";
/** A window is looked at as finely as a twelfth of it. */
const FINENESS = 12;
const FINEST_S = 15;
/** Looking through all snapshots at every sample would cost more than keeping a few too many. */
const THIN_GROWTH = 1.1;
const THIN_LEAST = 16;
const PICO_PER_USD = 1e12;

/** The values of labels as one key, and back. */
export function keyOf(values: readonly string[]): string {
  return values.join(SEPARATOR);
}

export function valuesOf(key: string, by: readonly string[]): string[] {
  return by.length === 0 ? [] : key.split(SEPARATOR);
}

/** What is put together, as text: leaves with the same text share a track. */
export function trackName(leaf: Leaf): string {
  const { metric, where = {}, by } = leaf;
  return JSON.stringify([metric, Object.entries(where).sort(), by, levelOf(leaf)]);
}

/** How a gauge's series are put together; undefined for what is counted. */
function levelOf({ op }: Leaf): "max" | "min" | "sum" | undefined {
  return op === "max" || op === "min" || op === "sum" ? op : undefined;
}

interface Need {
  readonly agoS: number;
  readonly windowS: number;
}

export class Track {
  readonly name: string;
  readonly by: readonly string[];
  readonly #selection: Selection;
  readonly #level: "max" | "min" | "sum" | undefined;
  readonly #needs: Need[] = [];
  #snapshots: Snapshot[] = [];
  /** So many snapshots are looked through for those that are not needed any more. */
  #thinFrom = THIN_LEAST;
  /** Totals that a process before this one had counted. */
  #base: ReadonlyMap<string, Total> = new Map();
  /** The group of each series, as far as they are known. */
  #series: readonly Series[] = [];
  #groups: (string | undefined)[] = [];

  constructor(leaf: Leaf) {
    this.name = trackName(leaf);
    this.by = leaf.by;
    this.#selection = leaf;
    this.#level = levelOf(leaf);
  }

  /** A leaf will look here. */
  need(leaf: Leaf): void {
    this.#needs.push(reachOf(leaf));
  }

  /** The newest totals; undefined before the first sample. */
  get newest(): Snapshot | undefined {
    return this.#snapshots.at(-1);
  }

  /**
   * The total of a group at a time: between two samples in proportion, so that thinning does not move windows; before
   * the first one as it was then. A series that was not there yet had counted nothing.
   */
  at(time: number, key: string): Total {
    const snapshots = this.#snapshots;
    let low = 0;
    let high = snapshots.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((snapshots[middle]?.at ?? 0) <= time) low = middle + 1;
      else high = middle;
    }
    const newer = snapshots[low];
    const older = snapshots[low - 1];
    if (older === undefined || newer === undefined) return (older ?? newer)?.totals.get(key) ?? 0;
    const share = (time - older.at) / (newer.at - older.at);
    return between(older.totals.get(key) ?? 0, newer.totals.get(key) ?? 0, share);
  }

  /** Whether the past reaches back to `at`, but for one sample. */
  reaches(at: number): boolean {
    return (this.#snapshots[0]?.at ?? Number.POSITIVE_INFINITY) <= at + FINEST_S;
  }

  /** Adds up the registry's series as they are now. */
  sample(registry: Registry, now: number): void {
    const source = registry.source(this.#selection.metric);
    const totals = new Map<string, Total>();
    if (source !== undefined) {
      this.#learn(source.series);
      for (const [index, series] of source.series.entries()) {
        const group = this.#groups[index];
        if (group !== undefined) totals.set(group, this.#put(totals.get(group), totalOf(series)));
      }
    }
    for (const [group, base] of this.#base) totals.set(group, added(totals.get(group), base));
    this.#snapshots.push({ at: now, totals });
    if (this.#snapshots.length >= this.#thinFrom) {
      this.#thin(now);
      this.#thinFrom = this.#snapshots.length * THIN_GROWTH + THIN_LEAST;
    }
  }

  /** The past, to be written down. */
  state(): readonly (readonly [number, readonly (readonly [string, Total])[]])[] {
    return this.#snapshots.map(({ at, totals }) => [at, [...totals]]);
  }

  /**
   * Takes over the past of a process before this one; its times are seconds before now. Counters go on where they were:
   * this process began at zero. Gauges do not.
   */
  restore(state: ReturnType<Track["state"]>): void {
    this.#snapshots = state.map(([at, totals]) => ({ at, totals: new Map(totals) }));
    this.#base = this.#level === undefined ? (this.newest?.totals ?? new Map()) : new Map();
  }

  #put(before: Total | undefined, total: Total): Total {
    if (typeof before !== "number" || typeof total !== "number") return added(before, total);
    return this.#level === "max" || this.#level === "min" ? Math[this.#level](before, total) : before + total;
  }

  #learn(series: readonly Series[]): void {
    if (this.#series !== series) {
      this.#series = series;
      this.#groups = [];
    }
    for (let index = this.#groups.length; index < series.length; index++) {
      this.#groups.push(this.#groupOf((series[index] as Series).labels));
    }
  }

  /** The group a series belongs to; undefined when it is not selected. */
  #groupOf(labels: LabelSet): string | undefined {
    const value = (name: string): string => labels.values[labels.names.indexOf(name)] ?? "";
    const { where = {} } = this.#selection;
    for (const [name, wanted] of Object.entries(where)) if (!isWanted(value(name), wanted)) return undefined;
    return keyOf(this.by.map(value));
  }

  /** Forgets what no alert looks at any more. */
  #thin(now: number): void {
    const kept: Snapshot[] = [];
    let last = Number.NEGATIVE_INFINITY;
    for (const snapshot of this.#snapshots) {
      const gap = this.#gapAt(now - snapshot.at);
      if (snapshot === this.newest || (gap !== undefined && snapshot.at - last >= gap - 1)) {
        kept.push(snapshot);
        last = snapshot.at;
      }
    }
    this.#snapshots = kept;
  }

  /** How far apart snapshots of that age may be; undefined when none is needed any more. */
  #gapAt(ageS: number): number | undefined {
    let gap: number | undefined;
    for (const { agoS, windowS } of this.#needs) {
      const finest = Math.max(FINEST_S, windowS / FINENESS);
      if (ageS <= agoS + windowS + finest + FINEST_S) gap = Math.min(gap ?? finest, finest);
    }
    return gap;
  }
}

/** Whether a value is one of those wanted; see `Where`. */
export function isWanted(value: string, wanted: Where[string]): boolean {
  if (wanted[0] === "!") return !isWanted(value, wanted.slice(1));
  return wanted.some((pattern) => matchesWildcard(value, pattern));
}

function totalOf(series: Series): Total {
  const value = series.read();
  if (typeof value === "bigint") return Number(value) / PICO_PER_USD;
  return typeof value === "number" ? value : [...value.counts];
}

function added(a: Total | undefined, b: Total): Total {
  if (a === undefined) return b;
  if (typeof a === "number" || typeof b === "number") return Number(a) + Number(b);
  return b.map((count, index) => count + (a[index] ?? 0));
}

function between(older: Total, newer: Total, share: number): Total {
  if (typeof newer === "number") return Number(older) + (newer - Number(older)) * share;
  const before: readonly number[] = typeof older === "number" ? [] : older;
  return newer.map((count, index) => (before[index] ?? 0) + (count - (before[index] ?? 0)) * share);
}
