/** What the two text formats share: the order of things and the sample lines. */
import { formatUsd } from "../../core/money.ts";
import type { Family, HistogramPoint, Sample } from "../family.ts";

/**
 * Writes families piece by piece, each under its `head`; an empty piece is a good place to pause. A family
 * without samples is not written at all.
 */
export function* lines(families: Iterable<Family>, head: (family: Family) => string): Generator<string> {
  for (const family of families) {
    const writer = new SampleWriter(family.name, family.bounds);
    let start = head(family);
    for (const sample of family.samples()) {
      if (sample === undefined) {
        yield "";
      } else {
        yield start + writer.write(sample);
        start = "";
      }
    }
  }
}

/** Writes the samples of one family. */
class SampleWriter {
  readonly #name: string;
  /** What follows the labels of a bucket's line: `le="0.5"} `. */
  readonly #bucketEnds: readonly string[];

  constructor(name: string, bounds: readonly number[]) {
    this.#name = name;
    this.#bucketEnds = [...bounds.map(formatBound), "+Inf"].map((bound) => `le="${bound}"} `);
  }

  write(sample: Sample): string {
    const { labels, value } = sample;
    if (typeof value === "object") return this.#histogram(labels.text, value);
    const number = typeof value === "bigint" ? formatUsd(value) : formatNumber(value);
    return `${this.#name}${braces(labels.text)} ${number}\n`;
  }

  #histogram(labels: string, point: HistogramPoint): string {
    const start = `${this.#name}_bucket{${labels}${labels === "" ? "" : ","}`;
    let lines = "";
    let count = 0;
    for (let i = 0; i < this.#bucketEnds.length; i++) {
      count += point.counts[i] ?? 0;
      lines += `${start}${this.#bucketEnds[i] ?? ""}${count}\n`;
    }
    const tail = braces(labels);
    return `${lines}${this.#name}_sum${tail} ${formatNumber(point.sum)}\n${this.#name}_count${tail} ${count}\n`;
  }
}

function braces(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}

function formatNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}

/**
 * `1.0`, not `1`, in both formats: OpenMetrics asks for it and Prometheus 3 rewrites other forms to it, so
 * that one spelling of `le` works in every query.
 */
function formatBound(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : String(bound);
}
