/**
 * The meter's families as metrics of prom-client, for apps whose page that package makes. Each is read when
 * the registry is scraped; nothing is counted twice.
 */
import type { Family, HistogramPoint } from "../metrics/family.ts";
import type { Metrics } from "../metrics/metrics.ts";

const PICO_PER_USD = 1e12;

/** What of prom-client's `Registry` is used. */
export interface PromRegistry {
  /** Its metrics are classes, which a collector need not be. */
  registerMetric(metric: never): void;
}

interface PromValue {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName: string;
}

/** What prom-client asks a metric for. */
export interface PromCollector {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: "sum";
  get(): Promise<{ name: string; help: string; type: string; aggregator: "sum"; values: PromValue[] }>;
  /** Does nothing: these counters are the meter's. */
  reset(): void;
}

/** Adds one metric for each family of a profile. @throws UnknownProfileError */
export function registerWith(registry: PromRegistry, metrics: Metrics, profile?: string): void {
  for (const { name } of metrics.families(profile)) {
    registry.registerMetric(collector(name, metrics, profile) as never);
  }
}

function collector(name: string, metrics: Metrics, profile: string | undefined): PromCollector {
  // Families are made anew when an upstream becomes known, so the one to read is looked for each time.
  const read = () => metrics.families(profile).find((family) => family.name === name);
  const family = read();
  // prom-client knows no untyped metrics.
  const type = family === undefined || family.type === "unknown" ? "gauge" : family.type;
  const about = { name, help: family?.help ?? "", type, aggregator: "sum" } as const;
  return {
    ...about,
    get() {
      const now = read();
      return Promise.resolve({ ...about, values: now === undefined ? [] : [...valuesOf(now)] });
    },
    reset() {},
  };
}

function* valuesOf(family: Family): Generator<PromValue> {
  for (const sample of family.samples()) {
    if (sample === undefined) continue;
    const { names, values } = sample.labels;
    const labels = Object.fromEntries(names.map((label, at) => [label, values[at] ?? ""]));
    const { value } = sample;
    if (typeof value === "object") yield* buckets(family, labels, value);
    else {
      const number = typeof value === "bigint" ? Number(value) / PICO_PER_USD : value;
      yield { labels, value: number, metricName: family.name };
    }
  }
}

function* buckets(
  family: Family,
  labels: Record<string, string>,
  point: HistogramPoint,
): Generator<PromValue> {
  const { name, bounds } = family;
  let count = 0;
  for (let at = 0; at <= bounds.length; at++) {
    count += point.counts[at] ?? 0;
    yield { labels: { ...labels, le: bounds[at] ?? "+Inf" }, value: count, metricName: `${name}_bucket` };
  }
  yield { labels, value: point.sum, metricName: `${name}_sum` };
  yield { labels, value: count, metricName: `${name}_count` };
}
