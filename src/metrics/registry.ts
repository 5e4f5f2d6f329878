/**
 * The registry: holds every series of the catalogue's metrics. Traffic asks it for a series once and keeps
 * the handle; scrapes read the series through a profile.
 */

import {
  definitions as all,
  type CounterDefinition,
  type Definition,
  type GaugeDefinition,
  type HistogramDefinition,
  type MoneyDefinition,
} from "./catalogue.ts";
import { LabelSet, type SampleValue } from "./family.ts";
import { LabelTree } from "./label-tree.ts";
import { Counter, Gauge, Histogram, MoneyCounter, type Readable } from "./series.ts";

/** One series as a profile sees it. */
export interface Series {
  readonly labels: LabelSet;
  read(): SampleValue;
}

/** A kept family as a profile sees it. */
export interface Source {
  readonly name: string;
  /** Shown labels, then detail labels. */
  readonly labelNames: readonly string[];
  readonly bounds: readonly number[];
  /** Only ever appended to; `clear` puts a new array in its place. */
  readonly series: readonly Series[];
}

/** All series of one metric. */
export class SeriesFamily<S extends Readable> implements Source {
  readonly name: string;
  readonly labelNames: readonly string[];
  readonly bounds: readonly number[];
  readonly #make: (bounds: readonly number[]) => S;
  #series: Series[] = [];
  #tree = new LabelTree<S>();

  constructor(definition: Definition, bounds: readonly number[], make: (bounds: readonly number[]) => S) {
    this.name = definition.name;
    this.labelNames = [...definition.labels, ...(definition.detail ?? [])];
    this.bounds = bounds;
    this.#make = make;
  }

  get series(): readonly Series[] {
    return this.#series;
  }

  /**
   * The handle for these label values, made at zero when it is new. The values follow `labelNames`.
   * @throws RangeError when there are too few or too many.
   */
  with(values: readonly string[]): S {
    if (values.length !== this.labelNames.length) {
      throw new RangeError(
        `${this.name} has the labels (${this.labelNames.join(", ")}): give a value for each.`,
      );
    }
    return this.#tree.get(values, this.#create);
  }

  /** Forgets all series, for gauges whose set of series is replaced as a whole. Old handles are dead. */
  clear(): void {
    this.#series = [];
    this.#tree = new LabelTree();
  }

  readonly #create = (values: readonly string[]): S => {
    const encodable = values.map(wellFormed);
    if (encodable.some((value, i) => value !== values[i])) return this.with(encodable);
    const handle = this.#make(this.bounds);
    const labels = new LabelSet(this.labelNames, encodable);
    this.#series.push({ labels, read: () => handle.read() });
    return handle;
  };
}

/** Half a surrogate pair has no UTF-8 form and becomes U+FFFD, here already, so that no series is written twice. */
function wellFormed(value: string): string {
  return value.replace(/\p{Surrogate}/gu, "\uFFFD");
}

export class Registry {
  readonly #counters = new Map<string, SeriesFamily<Counter>>();
  readonly #money = new Map<string, SeriesFamily<MoneyCounter>>();
  readonly #gauges = new Map<string, SeriesFamily<Gauge>>();
  readonly #histograms = new Map<string, SeriesFamily<Histogram>>();
  readonly #hooks: (() => void)[] = [];

  /** `bounds` tells the buckets to keep for a histogram; the catalogue's own by default. */
  constructor(
    definitions: readonly Definition[] = all,
    bounds: (definition: Definition) => readonly number[] = (definition) => definition.bounds ?? [],
  ) {
    for (const definition of definitions) {
      const { name, type } = definition;
      switch (type) {
        case "counter":
          this.#counters.set(name, new SeriesFamily(definition, [], () => new Counter()));
          break;
        case "money":
          this.#money.set(name, new SeriesFamily(definition, [], () => new MoneyCounter()));
          break;
        case "gauge":
          this.#gauges.set(name, new SeriesFamily(definition, [], () => new Gauge()));
          break;
        case "histogram":
          this.#histograms.set(
            name,
            new SeriesFamily(definition, bounds(definition), (kept) => new Histogram(kept)),
          );
          break;
      }
    }
  }

  counter(definition: CounterDefinition): SeriesFamily<Counter> {
    return found(this.#counters.get(definition.name), definition);
  }

  money(definition: MoneyDefinition): SeriesFamily<MoneyCounter> {
    return found(this.#money.get(definition.name), definition);
  }

  gauge(definition: GaugeDefinition): SeriesFamily<Gauge> {
    return found(this.#gauges.get(definition.name), definition);
  }

  histogram(definition: HistogramDefinition): SeriesFamily<Histogram> {
    return found(this.#histograms.get(definition.name), definition);
  }

  /** A family by name, as profiles look for it; undefined when nothing keeps that metric. */
  source(name: string): Source | undefined {
    return (
      this.#counters.get(name) ??
      this.#money.get(name) ??
      this.#gauges.get(name) ??
      this.#histograms.get(name)
    );
  }

  /** Calls `hook` before each scrape, to bring gauges up to date. It must be quick and must not throw. */
  beforeScrape(hook: () => void): void {
    this.#hooks.push(hook);
  }

  runHooks(): void {
    for (const hook of this.#hooks) hook();
  }
}

function found<T>(family: T | undefined, definition: Definition): T {
  if (family === undefined) throw new RangeError(`${definition.name} is not in this registry's catalogue.`);
  return family;
}
