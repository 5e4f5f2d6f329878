/** The metrics of one process, put together: a registry that keeps enough for every profile, and its page. */
import { type Definition, definitions } from "./catalogue.ts";
import { negotiate } from "./expose/negotiate.ts";
import { encoders, render } from "./expose/render.ts";
import type { Family } from "./family.ts";
import type { Buckets } from "./profiles/bellwether.ts";
import { keptBounds, profiles, UnknownProfileError } from "./profiles/index.ts";
import type { Profile, UpstreamIdentity } from "./profiles/profile.ts";
import { view } from "./profiles/view.ts";
import { Registry } from "./registry.ts";

export interface MetricsOptions {
  /** Bounds by metric name, with or without `bellwether_`, in place of the catalogue's. */
  readonly buckets?: Buckets;
  /** Families of the process that the default profile shows besides: process.ts has Node.js's. */
  readonly process?: ProcessFamilies;
}

/** Collects families at each scrape. */
export interface ProcessFamilies {
  families(): Promise<readonly Family[]>;
}

/** A metrics page, made while it is read. */
export interface Page {
  readonly contentType: string;
  readonly body: AsyncGenerator<string>;
}

export class Metrics {
  readonly registry: Registry;
  readonly #profiles: readonly Profile[];
  readonly #process: ProcessFamilies | undefined;
  #identities: ReadonlyMap<string, UpstreamIdentity> = new Map();
  #views = new Map<string, readonly Family[]>();

  /** @throws RangeError when `buckets` name no histogram, or do not ascend. */
  constructor(options: MetricsOptions = {}) {
    const buckets = checkedBuckets(options.buckets ?? {});
    this.#profiles = profiles(buckets);
    this.registry = new Registry(definitions, (definition) => keptBounds(this.#profiles, definition));
    this.#process = options.process;
  }

  /** Tells the profiles who the upstreams are, by configured name; again whenever the configuration changes. */
  setUpstreams(identities: ReadonlyMap<string, UpstreamIdentity>): void {
    this.#identities = identities;
    this.#views = new Map();
  }

  /**
   * The page for the profiles asked for (none: the default one), each once, in the format that `accept`
   * prefers.
   * @throws UnknownProfileError
   */
  async page(names: readonly string[] = [], accept?: string): Promise<Page> {
    const wanted = names.length === 0 ? this.#profiles.slice(0, 1) : this.#find(names);
    this.registry.runHooks();
    const families = wanted.flatMap((profile) => this.#viewsOf(profile));
    if (this.#process !== undefined && wanted.some((profile) => profile.process === true)) {
      families.push(...(await this.#process.families()));
    }
    const format = negotiate(accept);
    return { contentType: encoders[format].contentType, body: render(families, format) };
  }

  /** The families of one profile (the default one unless named), which can be read again and again. */
  families(name?: string): readonly Family[] {
    const [profile] = name === undefined ? this.#profiles : this.#find([name]);
    return profile === undefined ? [] : this.#viewsOf(profile);
  }

  #find(names: readonly string[]): Profile[] {
    return [...new Set(names)].map((name) => {
      const profile = this.#profiles.find((each) => each.name === name);
      if (profile !== undefined) return profile;
      throw new UnknownProfileError(
        name,
        this.#profiles.map((known) => known.name),
      );
    });
  }

  #viewsOf(profile: Profile): readonly Family[] {
    let families = this.#views.get(profile.name);
    if (families === undefined) {
      const find = (name: string) => this.registry.source(name);
      families = profile.metrics.flatMap((mapping) => view(mapping, find, this.#identities) ?? []);
      this.#views.set(profile.name, families);
    }
    return families;
  }
}

const PREFIX = "bellwether_";

/** The same buckets under their metrics' full names. */
function checkedBuckets(buckets: Buckets): Buckets {
  const histograms = definitions.filter(isShownHistogram).map(({ name }) => name);
  const checked: Record<string, readonly number[]> = {};
  for (const [key, bounds] of Object.entries(buckets)) {
    const name = key.startsWith(PREFIX) ? key : `${PREFIX}${key}`;
    if (!histograms.includes(name)) {
      throw new RangeError(
        `metrics.buckets: ${key} is not a histogram. Use one of: ${histograms.join(", ")}.`,
      );
    }
    const ascending = bounds.every(
      (bound, i) => Number.isFinite(bound) && bound > (bounds[i - 1] ?? Number.NEGATIVE_INFINITY),
    );
    if (!ascending || bounds.length === 0) {
      throw new RangeError(
        `metrics.buckets: the bounds of ${key} must be numbers, each above the one before.`,
      );
    }
    checked[name] = bounds;
  }
  return checked;
}

function isShownHistogram(definition: Definition): boolean {
  return definition.type === "histogram" && definition.hidden !== true;
}
