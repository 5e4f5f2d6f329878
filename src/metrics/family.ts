/**
 * Metric families as plain data: what profiles make and encoders read. Nothing here knows how a value was
 * counted or in which format it will be written, so that either side can change alone.
 */
import type { Pico } from "../core/money.ts";

/** `unknown` is what Prometheus' text format calls `untyped`. */
export type FamilyType = "counter" | "gauge" | "histogram" | "unknown";

/** A histogram at one moment. Native histograms would be another shape beside this one. */
export interface HistogramPoint {
  /** Observations per bucket, not cumulative; one more than there are bounds: the last has no upper bound. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** A bigint is money in pico-dollars, written as exact dollars. */
export type SampleValue = number | Pico | HistogramPoint;

export interface Sample {
  readonly labels: LabelSet;
  readonly value: SampleValue;
}

export interface Family {
  /** As a dashboard asks for it: counters end in `_total`. */
  readonly name: string;
  readonly type: FamilyType;
  readonly help: string;
  /** Upper bucket bounds (inclusive), ascending, without infinity; empty unless a histogram. */
  readonly bounds: readonly number[];
  /**
   * The samples, no two with the same labels. `undefined` comes in between, in long computations, as a good
   * place for the reader to let other work run.
   */
  samples(): Iterable<Sample | undefined>;
}

/** Label names and values of one series. The text is made once, since it is written at every scrape. */
export class LabelSet {
  readonly names: readonly string[];
  readonly values: readonly string[];
  #text: string | undefined;

  constructor(names: readonly string[], values: readonly string[]) {
    this.names = names;
    this.values = values;
  }

  /** `a="1",b="2"`, escaped, without braces; the two text formats write labels alike. */
  get text(): string {
    this.#text ??= this.names
      .map((name, i) => `${name}="${escapeLabelValue(this.values[i] ?? "")}"`)
      .join(",");
    return this.#text;
  }
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n" };

function escapeLabelValue(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => ESCAPES[character] ?? character);
}
