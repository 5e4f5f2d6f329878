/**
 * The engine behind every profile: shows kept families under other names, labels, bounds and units. Which
 * kept series fall together is worked out once per series, when a scrape first meets it; a profile that
 * nobody asks for costs nothing.
 */
import type { Family, FamilyType, HistogramPoint, Sample, SampleValue } from "../family.ts";
import { LabelSet } from "../family.ts";
import { LabelTree } from "../label-tree.ts";
import type { Series, Source } from "../registry.ts";
import type { Input, LabelRule, Mapping, UpstreamIdentity } from "./profile.ts";

/** Steps between two offers to pause; a step takes less than a microsecond or two. */
const STEPS = 128;

type Identities = ReadonlyMap<string, UpstreamIdentity>;
type Find = (name: string) => Source | undefined;

/** The family that `mapping` describes, or undefined while none of its inputs is kept. */
export function view(mapping: Mapping, find: Find, identities: Identities): Family | undefined {
  const inputs = mapping.inputs.flatMap((input) => {
    const source = find(input.from);
    return source === undefined ? [] : [new BoundInput(input, mapping, source, identities)];
  });
  return inputs.length === 0 ? undefined : new View(mapping, inputs);
}

interface Group {
  readonly labels: LabelSet;
  readonly members: Series[];
  readonly total: () => Total;
}

/** The grouping so far; replaced as a whole when a source has been cleared. */
interface Grouping {
  readonly groups: Group[];
  readonly tree: LabelTree<Group>;
  readonly progress: { readonly input: BoundInput; readonly series: readonly Series[]; done: number }[];
}

class View implements Family {
  readonly name: string;
  readonly type: FamilyType;
  readonly help: string;
  readonly bounds: readonly number[];
  readonly #inputs: readonly BoundInput[];
  readonly #labelNames: readonly string[];
  #grouping: Grouping;

  constructor(mapping: Mapping, inputs: readonly BoundInput[]) {
    this.name = mapping.to;
    this.type = mapping.type;
    this.help = mapping.help;
    this.bounds = mapping.bounds ?? [];
    this.#inputs = inputs;
    this.#labelNames = Object.keys(mapping.inputs[0]?.labels ?? {});
    this.#grouping = this.#fresh();
  }

  *samples(): Generator<Sample | undefined> {
    if (this.#grouping.progress.some(({ input, series }) => input.source.series !== series)) {
      this.#grouping = this.#fresh();
    }
    const grouping = this.#grouping;
    let steps = 0;
    for (const each of grouping.progress) {
      while (each.done < each.series.length) {
        const series = each.series[each.done++];
        if (series !== undefined && each.input.wants(series.labels))
          this.#place(grouping, series, each.input);
        if (++steps % STEPS === 0) yield undefined;
      }
    }
    for (const { labels, members, total } of grouping.groups) {
      const sum = total();
      for (const member of members) {
        sum.add(member.read());
        if (++steps % STEPS === 0) yield undefined;
      }
      yield { labels, value: sum.value() };
    }
  }

  #fresh(): Grouping {
    const progress = this.#inputs.map((input) => ({ input, series: input.source.series, done: 0 }));
    return { groups: [], tree: new LabelTree(), progress };
  }

  #place({ groups, tree }: Grouping, series: Series, input: BoundInput): void {
    let isNew = false;
    const group = tree.get(input.output(series.labels), (values) => {
      isNew = true;
      return { labels: new LabelSet(this.#labelNames, values), members: [series], total: input.total };
    });
    if (isNew) groups.push(group);
    else group.members.push(series);
  }
}

/** An input whose rules have been resolved to positions in its source's labels. */
class BoundInput {
  readonly source: Source;
  /** Makes what combines the series of a group that begins with one of this input's. */
  readonly total: () => Total;
  readonly #rules: readonly ((values: readonly string[]) => string)[];
  readonly #conditions: readonly { readonly at: number; readonly among: readonly string[] }[];

  constructor(input: Input, mapping: Mapping, source: Source, identities: Identities) {
    this.source = source;
    this.total = totals(mapping, source.bounds);
    this.#rules = Object.values(input.labels).map((rule) => resolve(rule, source, identities));
    this.#conditions = Object.entries(input.where ?? {}).map(([label, among]) => ({
      at: position(source, label),
      among,
    }));
  }

  wants(labels: LabelSet): boolean {
    return this.#conditions.every(({ at, among }) => among.includes(labels.values[at] ?? ""));
  }

  output(labels: LabelSet): string[] {
    return this.#rules.map((rule) => rule(labels.values));
  }
}

function resolve(
  rule: LabelRule,
  source: Source,
  identities: Identities,
): (values: readonly string[]) => string {
  if (typeof rule === "string") {
    const at = position(source, rule);
    return (values) => values[at] ?? "";
  }
  if ("value" in rule) return () => rule.value;
  if ("upstream" in rule) {
    const at = position(source, "upstream");
    // A call that no upstream took, or whose upstream is gone from the configuration, has only the name.
    return (values) => {
      const name = values[at] ?? "";
      return identities.get(name)?.[rule.upstream] ?? (rule.upstream === "provider" ? name : "");
    };
  }
  const at = position(source, rule.from);
  const map = new Map(Object.entries(rule.map));
  return (values) => {
    const value = values[at] ?? "";
    const text = map.get(value) ?? value;
    if (!map.has(value)) return text;
    return text.replace(/\{(\w+)\}/g, (_, label: string) => values[position(source, label)] ?? "");
  };
}

function position(source: Source, label: string): number {
  const at = source.labelNames.indexOf(label);
  if (at < 0) throw new RangeError(`${source.name} has no label ${label}.`);
  return at;
}

/** Combines the values of one group. */
interface Total {
  add(value: SampleValue): void;
  value(): SampleValue;
}

function totals(mapping: Mapping, keptBounds: readonly number[]): () => Total {
  const { bounds, combine = "sum", scale = 1 } = mapping;
  if (bounds === undefined) return () => (combine === "max" ? new Maximum(scale) : new Sum(scale));
  const fold = folding(keptBounds, bounds, scale);
  return () => new HistogramSum(fold, bounds.length + 1, scale);
}

/** For each kept bucket, the bucket of `bounds` that contains it. */
function folding(kept: readonly number[], bounds: readonly number[], scale: number): readonly number[] {
  const ends = [...kept, Number.POSITIVE_INFINITY];
  return ends.map((end) => {
    const at = bounds.findIndex((bound) => bound / scale >= end);
    return at < 0 ? bounds.length : at;
  });
}

/** Plain numbers are added as numbers, money as exact integers; one group never has both. */
class Sum implements Total {
  readonly #scale: number;
  #number = 0;
  #pico: bigint | undefined;

  constructor(scale: number) {
    this.#scale = scale;
  }

  add(value: SampleValue): void {
    if (typeof value === "bigint") this.#pico = (this.#pico ?? 0n) + value;
    else if (typeof value === "number") this.#number += value;
  }

  value(): SampleValue {
    return this.#pico === undefined ? this.#number * this.#scale : this.#pico * BigInt(this.#scale);
  }
}

class Maximum implements Total {
  readonly #scale: number;
  #maximum = Number.NEGATIVE_INFINITY;

  constructor(scale: number) {
    this.#scale = scale;
  }

  add(value: SampleValue): void {
    if (typeof value === "number") this.#maximum = Math.max(this.#maximum, value);
  }

  value(): SampleValue {
    return this.#maximum * this.#scale;
  }
}

class HistogramSum implements Total {
  readonly #fold: readonly number[];
  readonly #scale: number;
  readonly #counts: number[];
  #sum = 0;

  constructor(fold: readonly number[], buckets: number, scale: number) {
    this.#fold = fold;
    this.#scale = scale;
    this.#counts = Array.from({ length: buckets }, () => 0);
  }

  add(value: SampleValue): void {
    if (typeof value !== "object") return;
    const { counts, sum } = value;
    for (let i = 0; i < counts.length; i++) {
      const bucket = this.#fold[i] ?? 0;
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + (counts[i] ?? 0);
    }
    this.#sum += sum;
  }

  value(): HistogramPoint {
    return { counts: this.#counts, sum: this.#sum * this.#scale };
  }
}
