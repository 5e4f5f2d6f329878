/**
 * Records calls as metrics. What a call needs is looked up once, when it starts, by walking maps; from then
 * on recording touches plain objects.
 */
import type { ErrorType } from "../core/errors.ts";
import { BoundedLabels, OTHER } from "../metrics/bounded-labels.ts";
import { catalogue } from "../metrics/catalogue.ts";
import { LabelTree } from "../metrics/label-tree.ts";
import type { Registry } from "../metrics/registry.ts";
import type { Counter } from "../metrics/series.ts";
import { CallSeries, type Families, familiesOf } from "./call-series.ts";
import type { Call, Endpoint, Usage } from "./usage.ts";

export type { CallSeries } from "./call-series.ts";

const METHODS: ReadonlySet<string> = new Set(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]);
const MS_PER_SECOND = 1000;

/** Why Bellwether itself refused a call. */
export type RejectionReason =
  | "rate"
  | "tokens"
  | "concurrency"
  | "budget"
  | "auth"
  | "unpriced"
  | "unavailable"
  | "ledger";

export interface TrafficMetricsOptions {
  /** How many different model names that answers give may become labels: `metrics.maxModels`. */
  readonly maxModels: number;
}

/** How a second attempt beside another went: it was answered first, or second, or failed, or the client left. */
export type HedgeOutcome = "won" | "lost" | "failed" | "gone";

/** What `prepare` makes series for: every combination of these. */
export interface Expected {
  readonly upstream: string;
  /** Values of the `model` label. Name the few that are configured, not a whole price list. */
  readonly models: readonly string[];
  readonly endpoints: readonly Endpoint[];
  readonly apps: readonly string[];
}

export class TrafficMetrics {
  readonly #families: Families;
  readonly #calls = new LabelTree<CallSeries>();
  readonly #answered: BoundedLabels;

  constructor(registry: Registry, options: TrafficMetricsOptions) {
    this.#families = familiesOf(registry);
    this.#answered = new BoundedLabels(
      options.maxModels,
      registry.counter(catalogue.labelOverflow).with(["response_model"]),
    );
    this.#rejections("anonymous", "auth");
  }

  /** Makes the series of the calls that are to be expected, at zero. */
  prepare(expected: Expected): void {
    for (const model of expected.models) {
      for (const endpoint of expected.endpoints) {
        const method = endpoint === "models" ? "GET" : "POST";
        for (const app of expected.apps) this.#series(expected.upstream, model, endpoint, app, method);
      }
    }
  }

  /** Counts a call as in flight. Give what it returns to `settled`, once. */
  started(call: Call): CallSeries {
    const method = METHODS.has(call.method) ? call.method : OTHER;
    const series = this.#series(call.upstream, call.modelLabel, call.endpoint, call.app, method);
    series.inFlight.inc();
    series.concurrency.observe(series.inFlight.read());
    return series;
  }

  /** Counts everything else of a call that `started`. */
  settled(series: CallSeries, usage: Usage): void {
    series.inFlight.dec();
    const status = statusLabel(usage.status);
    series.requests(status).inc();
    if (usage.errorType !== undefined) series.error(usage.errorType, status).inc();
    if (usage.billable) series.usageRecords(usage.source).inc();
    series.overhead.observe(usage.overheadMs / MS_PER_SECOND);

    const answered = series.answered(this.#answeredLabel(usage));
    answered.duration(usage.errorType).observe(usage.durationMs / MS_PER_SECOND);
    if (usage.streaming && usage.firstTokenMs !== undefined) {
      answered.firstToken.observe(usage.firstTokenMs / MS_PER_SECOND);
      const perToken = perOutputTokenMs(usage, usage.firstTokenMs);
      if (perToken !== undefined) answered.perOutputToken.observe(perToken / MS_PER_SECOND);
    }
    const { inputTokens, outputTokens } = usage.quantities;
    if (inputTokens !== undefined) answered.inputTokens.observe(inputTokens);
    if (outputTokens !== undefined) answered.outputTokens.observe(outputTokens);
    countTokens(series, usage);
    countCost(series, usage);
  }

  /** Counts a call that a rule of Bellwether's own refused. */
  rejected(app: string, reason: RejectionReason): void {
    this.#rejections(app, reason).inc();
  }

  /** Counts where the rules sent a call. `model` is the bounded label. */
  decided(route: string, upstream: string, model: string): void {
    this.#families.routeDecisions.with([route, upstream, model]).inc();
  }

  /** Counts an attempt after the first; `reason` is what the attempt before it had failed with. */
  retried(upstream: string, reason: ErrorType): void {
    this.#families.retries.with([upstream, reason]).inc();
  }

  /** Counts a call that goes on at another upstream; `reason` is what it had failed with at the one before. */
  fellBack(from: string, to: string, reason: ErrorType | "breaker"): void {
    this.#families.fallbacks.with([from, to, reason]).inc();
  }

  /** Counts a second attempt that was made beside one `from` an upstream. */
  hedged(from: string, to: string, outcome: HedgeOutcome): void {
    this.#families.hedges.with([from, to, outcome]).inc();
  }

  /** Takes back that a call `started`, which will be counted elsewhere. */
  moved(series: CallSeries): void {
    series.inFlight.dec();
  }

  /** Notes what an answer told of the upstream's rate limit. `model` is the bounded label. */
  rateLimit(
    upstream: string,
    model: string,
    resource: "requests" | "tokens",
    told: { readonly remaining: number | undefined; readonly limit: number | undefined },
  ): void {
    const labels = [upstream, model, resource];
    if (told.remaining !== undefined) this.#families.rateLimitRemaining.with(labels).set(told.remaining);
    if (told.limit !== undefined) this.#families.rateLimitLimit.with(labels).set(told.limit);
  }

  #rejections(app: string, reason: RejectionReason): Counter {
    return this.#families.rejected.with([app, reason]);
  }

  #series(upstream: string, model: string, endpoint: Endpoint, app: string, method: string): CallSeries {
    return this.#calls.get([upstream, model, endpoint, app, method], this.#create);
  }

  readonly #create = ([upstream = "", model = "", endpoint = "", app = "", method = ""]: readonly string[]) =>
    new CallSeries(this.#families, { upstream, model, endpoint, app, method });

  /**
   * The bounded label of the model that answered. An upstream often names a dated version of the model it was
   * asked for; that name is learned while there is room, provided the model asked for is a known one.
   */
  #answeredLabel({ modelAnswered, modelSent, modelLabel }: Usage): string {
    if (modelAnswered === modelSent) return modelLabel;
    if (
      modelLabel !== OTHER &&
      !this.#answered.full &&
      !this.#answered.allows(modelAnswered) &&
      isVersionOf(modelAnswered, modelSent)
    ) {
      this.#answered.allow([modelAnswered]);
    }
    return this.#answered.value(modelAnswered);
  }
}

/** 100 to 599 as text; whatever else an upstream invents is `other`. */
function statusLabel(status: number): string {
  return Number.isInteger(status) && status >= 100 && status <= 599 ? String(status) : OTHER;
}

/** `gpt-4.1-2025-04-14` of `gpt-4.1` or `openai/gpt-4.1`: the same name, or with a date or number at its end. */
function isVersionOf(answered: string, sent: string): boolean {
  const base = sent.slice(sent.lastIndexOf("/") + 1);
  const name = answered.slice(answered.lastIndexOf("/") + 1);
  return base !== "" && name.startsWith(base) && /^([-@]\d[\d-]{0,11})?$/.test(name.slice(base.length));
}

/** (duration − time to first token) ÷ (output tokens − 1), where the upstream itself counted the tokens. */
function perOutputTokenMs(usage: Usage, firstTokenMs: number): number | undefined {
  const output = usage.quantities.outputTokens ?? 0;
  if (usage.source !== "reported" || output < 2) return undefined;
  return (usage.durationMs - firstTokenMs) / (output - 1);
}

function countTokens(series: CallSeries, { quantities }: Usage): void {
  series.inputTokens.inc(quantities.inputTokens ?? 0);
  series.outputTokens.inc(quantities.outputTokens ?? 0);
  series.cachedInputTokens.inc(quantities.cachedInputTokens ?? 0);
  const { cacheWrite5mTokens, cacheWrite1hTokens } = quantities;
  series.cacheWriteInputTokens.inc((cacheWrite5mTokens ?? 0) + (cacheWrite1hTokens ?? 0));
  series.reasoningOutputTokens.inc(quantities.reasoningTokens ?? 0);
  series.audioTokens.inc((quantities.audioInputTokens ?? 0) + (quantities.audioOutputTokens ?? 0));
}

function countCost(series: CallSeries, { cost, listCost, quantities }: Usage): void {
  if (cost !== undefined) series.cost.inc(cost);
  else series.unpricedTokens.inc((quantities.inputTokens ?? 0) + (quantities.outputTokens ?? 0));
  if (listCost !== undefined) series.listCost.inc(listCost);
}
