/** What all calls of one meter share: prices, metrics, limits, and who hears of each call. */
import { systemClock } from "../core/clock.ts";
import type { RecordSettings, RecordSurroundings } from "../gateway/call-record.ts";
import { PriceGauges } from "../gateway/price-gauges.ts";
import { BoundedLabels } from "../metrics/bounded-labels.ts";
import { catalogue } from "../metrics/catalogue.ts";
import { Metrics } from "../metrics/metrics.ts";
import { PriceBook } from "../prices/book.ts";
import { PriceLists } from "../prices/lists.ts";
import { modelLabels } from "../prices/model-labels.ts";
import { type Estimator, roughTokens } from "../usage/estimate.ts";
import { Recorders } from "../usage/recorders.ts";
import { TrafficMetrics } from "../usage/traffic-metrics.ts";
import { ANONYMOUS, type Recorder, type Usage } from "../usage/usage.ts";
import { Concurrency } from "./concurrency.ts";
import { OpenTelemetry } from "./open-telemetry.ts";
import { checkOptions, type Fetch, loggerOf, type MeterOptions } from "./options.ts";
import { RateLimit } from "./rate-limit.ts";
import { type Retry, retryOf } from "./retry.ts";
import { CallStats } from "./stats.ts";
import { type Fallback, Targets } from "./targets.ts";

const DEFAULT_MAX_MODELS = 200;

export class Core {
  readonly options: MeterOptions;
  readonly app: string;
  readonly metrics: Metrics;
  readonly traffic: TrafficMetrics;
  readonly stats: CallStats;
  readonly targets: Targets;
  readonly around: RecordSurroundings;
  readonly fetch: Fetch;
  readonly retry: Retry;
  readonly concurrency: Concurrency | undefined;
  readonly rateLimit: RateLimit | undefined;
  /** Prices and labels as they are now known. */
  settings: RecordSettings;
  readonly #labels: BoundedLabels;
  readonly #priceGauges: PriceGauges;
  #lists = new PriceLists([]);
  #loading: Promise<void> | undefined;
  #loaded = false;

  /** @throws RangeError or Error when an option is wrong. */
  constructor(options: MeterOptions) {
    checkOptions(options);
    this.options = options;
    this.app = options.app ?? ANONYMOUS;
    // Called as a function: some platforms refuse a `fetch` that is somebody's method.
    this.fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.retry = retryOf(options.retries);
    this.concurrency = options.concurrency === undefined ? undefined : new Concurrency(options.concurrency);
    this.rateLimit = options.rateLimit && new RateLimit(options.rateLimit, systemClock);
    this.metrics = new Metrics(options.buckets === undefined ? {} : { buckets: options.buckets });
    const { registry } = this.metrics;
    const maxModels = options.maxModels ?? DEFAULT_MAX_MODELS;
    this.#labels = new BoundedLabels(maxModels, registry.counter(catalogue.labelOverflow).with(["model"]));
    this.traffic = new TrafficMetrics(registry, { maxModels });
    this.stats = new CallStats(options.stats, systemClock);
    this.#priceGauges = new PriceGauges(registry, () => this.settings.prices);
    const log = loggerOf(options.onError);
    const recorders: Recorder[] = [this.#priceGauges, this.stats];
    this.targets = new Targets(options, () => this.#refresh());
    this.settings = this.#settingsNow();
    if (options.openTelemetry !== undefined) {
      recorders.push(new OpenTelemetry(options.openTelemetry, (name) => this.targets.named(name)));
    }
    if (options.onUsage !== undefined) recorders.push(new Listener(options.onUsage));
    this.around = {
      clock: systemClock,
      metrics: this.traffic,
      recorder: new Recorders(recorders),
      estimator: options.estimator ?? roughEstimator,
      log,
    };
    if (Array.isArray(options.priceFiles)) this.#use(new PriceLists(options.priceFiles));
    else this.#refresh();
    this.#expect();
  }

  /** Calls may have to wait, or be refused. */
  get limited(): boolean {
    return this.concurrency !== undefined || this.rateLimit !== undefined;
  }

  /** One attempt may be followed by another. */
  get persistent(): boolean {
    return this.retry.attempts > 0 || this.fallbacks.length > 0;
  }

  get fallbacks(): readonly Fallback[] {
    return this.targets.fallbacks;
  }

  /** Whether prices are there, so that no call has to wait for them. */
  get ready(): boolean {
    return this.#loaded;
  }

  /** Fetches the price lists, once. Should that fail, calls are unpriced and `onError` is told. */
  load(): Promise<void> {
    this.#loading ??= this.#loaded ? Promise.resolve() : this.#loadPrices();
    return this.#loading;
  }

  async #loadPrices(): Promise<void> {
    const { priceFiles } = this.options;
    try {
      const load = typeof priceFiles === "function" ? priceFiles : bundledPrices;
      this.#use(new PriceLists(await load()));
    } catch (error) {
      this.around.log.error({ err: error }, "price lists could not be loaded");
      this.#use(new PriceLists([]));
    }
  }

  #use(lists: PriceLists): void {
    this.#lists = lists;
    this.#loaded = true;
    this.#refresh();
  }

  /** Takes new upstreams or new prices into account. */
  #refresh(): void {
    this.settings = this.#settingsNow();
    this.metrics.setUpstreams(
      new Map(
        [...this.targets.upstreams].map(({ name, provider, host }) => [name, { provider, address: host }]),
      ),
    );
  }

  #settingsNow(): RecordSettings {
    // A preset's list that the given price files lack is no reason to fail.
    const known = this.#lists.listNames();
    const priced = [...this.targets.upstreams].map(({ name, pricing }) => {
      const { list } = pricing;
      return {
        name,
        pricing: list !== undefined && known.has(list) ? pricing : { ...pricing, list: undefined },
      };
    });
    const prices = new PriceBook(this.#lists, priced);
    return { prices, modelLabel: modelLabels(this.#labels, prices, this.options.models ?? []) };
  }

  /** The series of an upstream that is known beforehand exist from the start. */
  #expect(): void {
    const { upstream, prices = {}, models = [] } = this.options;
    if (upstream === undefined) return;
    const names = [...new Set([...Object.keys(prices), ...models])].map((name) =>
      this.settings.modelLabel(name),
    );
    this.traffic.prepare({
      upstream,
      models: names.length > 0 ? names : ["other"],
      endpoints: ["chat"],
      apps: [this.app],
    });
  }
}

/** The lists that come with Bellwether, in a file of their own that is read when it is needed. */
async function bundledPrices() {
  const { priceFiles } = await import("./price-data.ts");
  return priceFiles;
}

/** By length and script: exact counting takes tables of 60 MB, which an app has to want. */
const roughEstimator: Estimator = {
  tokens: (text, totalCharacters) => Promise.resolve(roughTokens(text, totalCharacters)),
  close() {},
};

/** Gives the app each record. */
class Listener implements Recorder {
  readonly #tell: (record: Usage) => void;

  constructor(tell: (record: Usage) => void) {
    this.#tell = tell;
  }

  started(): void {
    // The app is told when a call has ended.
  }

  settled(usage: Usage): void {
    this.#tell(usage);
  }
}
