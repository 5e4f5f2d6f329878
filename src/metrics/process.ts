/**
 * The usual metrics of the process and of Node.js, which prom-client knows how to collect. It is loaded at
 * the first scrape, so that starting up does not wait for it, and used for nothing else.
 */
import type { Registry } from "prom-client";
import { type Family, LabelSet, type Sample } from "./family.ts";

/** A metric as prom-client tells it. */
interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: unknown;
  readonly values: readonly Value[];
}

interface Value {
  readonly labels: Readonly<Record<string, string | number | undefined>>;
  readonly value: number;
  /** Of a histogram's values: its name with `_bucket`, `_sum` or `_count`. */
  readonly metricName?: string;
}

export class ProcessMetrics {
  #registry: Promise<Registry> | undefined;

  async families(): Promise<Family[]> {
    this.#registry ??= load();
    const registry = await this.#registry;
    const metrics = await registry.getMetricsAsJSON();
    return metrics.map(toFamily);
  }
}

async function load(): Promise<Registry> {
  const { collectDefaultMetrics, Registry } = await import("prom-client");
  const register = new Registry();
  collectDefaultMetrics({ register });
  return register;
}

/** A family of ours from one of prom-client's; exported for its test. */
export function toFamily({ name, help, type, values }: Metric): Family {
  const kind = String(type);
  if (kind === "histogram") return histogram(name, help, values);
  // Of what has not been measured yet it says NaN, as the mean of no delays.
  const measured = values.filter(({ value }) => !Number.isNaN(value));
  const samples = measured.map(({ labels, value }) => ({ labels: labelSet(labels), value }));
  // A gauge must not end in `_total` (nodejs_active_handles_total); dashboards use the name all the same.
  const known = (kind === "gauge" && !name.endsWith("_total")) || kind === "counter";
  return { name, help, type: known ? kind : "unknown", bounds: [], samples: () => samples };
}

/** Turns the cumulative buckets of each label set back into counts per bucket. */
function histogram(name: string, help: string, values: readonly Value[]): Family {
  const bounds = [
    ...new Set(values.map(({ labels }) => Number(labels.le)).filter((bound) => Number.isFinite(bound))),
  ].sort((a, b) => a - b);
  const points = new Map<string, { labels: LabelSet; counts: number[]; sum: number; below: number }>();
  for (const { labels, metricName, value } of values) {
    const { le, ...rest } = labels;
    const key = JSON.stringify(rest);
    const point = points.get(key) ?? { labels: labelSet(rest), counts: [], sum: 0, below: 0 };
    points.set(key, point);
    if (le !== undefined) {
      point.counts.push(value - point.below);
      point.below = value;
    } else if (metricName === `${name}_sum`) {
      point.sum = value;
    }
  }
  const samples: Sample[] = [...points.values()].map(({ labels, counts, sum }) => ({
    labels,
    value: { counts, sum },
  }));
  return { name, help, type: "histogram", bounds, samples: () => samples };
}

function labelSet(labels: Readonly<Record<string, string | number | undefined>>): LabelSet {
  return new LabelSet(
    Object.keys(labels),
    Object.values(labels).map((value) => String(value)),
  );
}
