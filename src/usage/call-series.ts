/**
 * The series that calls of one kind are counted on, found once and kept: upstream, model, endpoint, app and
 * method are the same for all calls that share one of these.
 */
import { type ErrorType, errorTypes } from "../core/errors.ts";
import { catalogue } from "../metrics/catalogue.ts";
import type { Registry } from "../metrics/registry.ts";
import type { Counter, Gauge, Histogram, MoneyCounter } from "../metrics/series.ts";
import type { Provenance } from "./usage.ts";

/** Statuses whose series exist before the first such call, so that alerts see it as an increase. */
const FORESEEN_STATUSES = [200, 429, 500];

/** The statuses that each type of error foreseeably comes with; the same holds for their series. */
const FORESEEN_ERRORS: Readonly<Record<ErrorType, readonly number[]>> = {
  timeout_connect: [504],
  timeout_first_byte: [504],
  timeout_idle: [504],
  unreachable: [502],
  reset: [502],
  auth: [401],
  rate_limit: [429],
  bad_request: [400],
  not_found: [404],
  upstream_5xx: [500, 502, 503, 504],
  malformed: [502],
  client_gone: [499],
  rejected: [413],
};

/** What calls have in common that are counted on the same series. */
export interface CallKind {
  readonly upstream: string;
  readonly model: string;
  readonly endpoint: string;
  readonly app: string;
  readonly method: string;
}

/** The families that calls are counted in. */
export type Families = ReturnType<typeof familiesOf>;

export function familiesOf(registry: Registry) {
  return {
    requests: registry.counter(catalogue.requests),
    errors: registry.counter(catalogue.errors),
    duration: registry.histogram(catalogue.duration),
    firstToken: registry.histogram(catalogue.firstToken),
    perOutputToken: registry.histogram(catalogue.perOutputToken),
    overhead: registry.histogram(catalogue.overhead),
    inFlight: registry.gauge(catalogue.inFlight),
    concurrency: registry.histogram(catalogue.concurrency),
    inputTokens: registry.counter(catalogue.inputTokens),
    outputTokens: registry.counter(catalogue.outputTokens),
    cachedInputTokens: registry.counter(catalogue.cachedInputTokens),
    cacheWriteInputTokens: registry.counter(catalogue.cacheWriteInputTokens),
    reasoningOutputTokens: registry.counter(catalogue.reasoningOutputTokens),
    audioTokens: registry.counter(catalogue.audioTokens),
    tokensPerCall: registry.histogram(catalogue.tokensPerCall),
    usageRecords: registry.counter(catalogue.usageRecords),
    cost: registry.money(catalogue.cost),
    listCost: registry.money(catalogue.listCost),
    unpricedTokens: registry.counter(catalogue.unpricedTokens),
    retries: registry.counter(catalogue.retries),
    fallbacks: registry.counter(catalogue.fallbacks),
    hedges: registry.counter(catalogue.hedges),
    routeDecisions: registry.counter(catalogue.routeDecisions),
    rejected: registry.counter(catalogue.rejected),
    rateLimitRemaining: registry.gauge(catalogue.rateLimitRemaining),
    rateLimitLimit: registry.gauge(catalogue.rateLimitLimit),
  };
}

export class CallSeries {
  /** When answers' rate-limit headers are to be read again, in monotonic milliseconds. */
  rateLimitsDueAt = 0;
  readonly inFlight: Gauge;
  readonly concurrency: Histogram;
  readonly overhead: Histogram;
  readonly inputTokens: Counter;
  readonly outputTokens: Counter;
  readonly cachedInputTokens: Counter;
  readonly cacheWriteInputTokens: Counter;
  readonly reasoningOutputTokens: Counter;
  readonly audioTokens: Counter;
  readonly unpricedTokens: Counter;
  readonly cost: MoneyCounter;
  readonly listCost: MoneyCounter;
  readonly #families: Families;
  readonly #kind: CallKind;
  readonly #requests = new Map<string, Counter>();
  readonly #sources = new Map<Provenance, Counter>();
  readonly #answered = new Map<string, AnsweredSeries>();

  /** Makes all series that a first fault must not be missed on, at zero. */
  constructor(families: Families, kind: CallKind) {
    const { upstream, model, app } = kind;
    const spender = [upstream, model, app];
    this.#families = families;
    this.#kind = kind;
    this.inFlight = families.inFlight.with([upstream, model]);
    this.concurrency = families.concurrency.with([upstream, model]);
    this.overhead = families.overhead.with([kind.endpoint]);
    this.inputTokens = families.inputTokens.with(spender);
    this.outputTokens = families.outputTokens.with(spender);
    this.cachedInputTokens = families.cachedInputTokens.with(spender);
    this.cacheWriteInputTokens = families.cacheWriteInputTokens.with(spender);
    this.reasoningOutputTokens = families.reasoningOutputTokens.with(spender);
    this.audioTokens = families.audioTokens.with(spender);
    this.unpricedTokens = families.unpricedTokens.with([upstream, model]);
    this.cost = families.cost.with(spender);
    this.listCost = families.listCost.with(spender);
    for (const status of FORESEEN_STATUSES) this.requests(String(status));
    for (const type of errorTypes) {
      for (const status of FORESEEN_ERRORS[type]) this.error(type, String(status));
    }
    this.answered("").duration(undefined);
  }

  requests(status: string): Counter {
    let counter = this.#requests.get(status);
    if (counter === undefined) {
      const { upstream, model, endpoint, app, method } = this.#kind;
      counter = this.#families.requests.with([upstream, model, endpoint, app, status, method]);
      this.#requests.set(status, counter);
    }
    return counter;
  }

  error(type: ErrorType, status: string): Counter {
    const { upstream, model, endpoint } = this.#kind;
    return this.#families.errors.with([upstream, model, endpoint, type, status]);
  }

  usageRecords(source: Provenance): Counter {
    let counter = this.#sources.get(source);
    if (counter === undefined) {
      counter = this.#families.usageRecords.with([this.#kind.upstream, this.#kind.model, source]);
      this.#sources.set(source, counter);
    }
    return counter;
  }

  /** The series that also depend on the model that answered; its name must be bounded, "" when it gave none. */
  answered(model: string): AnsweredSeries {
    let series = this.#answered.get(model);
    if (series === undefined) {
      series = new AnsweredSeries(this.#families, this.#kind, model);
      this.#answered.set(model, series);
    }
    return series;
  }
}

/** Histograms appear with their first observation: most models never stream, or never embed. */
class AnsweredSeries {
  readonly #families: Families;
  readonly #kind: CallKind;
  readonly #model: string;
  readonly #durations = new Map<ErrorType | undefined, Histogram>();
  #firstToken: Histogram | undefined;
  #perOutputToken: Histogram | undefined;
  #inputTokens: Histogram | undefined;
  #outputTokens: Histogram | undefined;

  constructor(families: Families, kind: CallKind, model: string) {
    this.#families = families;
    this.#kind = kind;
    this.#model = model;
  }

  duration(error: ErrorType | undefined): Histogram {
    let histogram = this.#durations.get(error);
    if (histogram === undefined) {
      const { upstream, model, endpoint, method } = this.#kind;
      const labels = [upstream, model, endpoint, this.#model, error ?? "", method];
      histogram = this.#families.duration.with(labels);
      this.#durations.set(error, histogram);
    }
    return histogram;
  }

  get firstToken(): Histogram {
    const { upstream, model, endpoint } = this.#kind;
    this.#firstToken ??= this.#families.firstToken.with([upstream, model, endpoint, this.#model]);
    return this.#firstToken;
  }

  get perOutputToken(): Histogram {
    const { upstream, model, endpoint } = this.#kind;
    this.#perOutputToken ??= this.#families.perOutputToken.with([upstream, model, endpoint, this.#model]);
    return this.#perOutputToken;
  }

  get inputTokens(): Histogram {
    this.#inputTokens ??= this.#tokensPerCall("input");
    return this.#inputTokens;
  }

  get outputTokens(): Histogram {
    this.#outputTokens ??= this.#tokensPerCall("output");
    return this.#outputTokens;
  }

  #tokensPerCall(kind: "input" | "output"): Histogram {
    const { upstream, model, endpoint } = this.#kind;
    return this.#families.tokensPerCall.with([upstream, model, endpoint, kind, this.#model]);
  }
}
