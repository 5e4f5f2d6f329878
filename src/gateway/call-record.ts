/**
 * The record of one call while it runs: its clock, its series, and in the end its Usage. Settles exactly
 * once, whatever happened; a failing observer never fails the call.
 */
import type { BellwetherError, ErrorType } from "../core/errors.ts";
import { uuidv7 } from "../core/ids.ts";
import { bill } from "../prices/bill.ts";
import type { Operation, RequestFacts } from "../usage/dialect.ts";
import {
  type Evidence,
  estimateMissing,
  KEPT_BODY_BYTES,
  outcomeOf,
  type SeenAnswer,
} from "../usage/evidence.ts";
import type { CallSeries } from "../usage/traffic-metrics.ts";
import { ANONYMOUS, type Call, type Endpoint, type Usage } from "../usage/usage.ts";
import { routeByFallback } from "./places.ts";
import { type AnswerHead, traceIdOf } from "./request-head.ts";
import { addRouteHeaders, type Routed, UNROUTED } from "./route-headers.ts";
import type { Settings, Surroundings } from "./state.ts";

/** What is known when the call has been routed. */
interface Start {
  readonly operation: Operation;
  readonly facts: RequestFacts;
  /** Bytes, or the text they are of, together with `bytesIn`. */
  readonly body: Uint8Array | string | undefined;
  readonly bytesIn?: number;
  readonly asked: string;
  readonly upstream: { readonly name: string };
  readonly model: string;
}

/** Where an attempt goes. */
interface Going {
  readonly upstream: { readonly name: string };
  readonly model: string;
  readonly fallbackOf?: string;
}

interface Settling {
  settle(usage: Usage): void;
}

interface End {
  readonly error: BellwetherError | undefined;
  readonly clientGone: boolean;
  /** Of an answer that Bellwether gave by itself, where it is no error. */
  readonly status?: number;
  /** False where the call was never sent, though it was clear where to. */
  readonly sent?: false;
}

/** `upstream` of a call that was refused before one was chosen. */
const NONE = "none";
/** How often the rate limits that answers tell of are read, per series of calls. */
const RATE_LIMIT_INTERVAL_MS = 1_000;

/** What a record needs of the surroundings: the meter library has these too, and nothing more. */
export type RecordSurroundings = Pick<Surroundings, "clock" | "metrics" | "recorder" | "estimator" | "log">;
export type RecordSettings = Pick<Settings, "prices" | "modelLabel" | "probe">;

export class CallRecord {
  readonly id: string;
  app = ANONYMOUS;
  team = "";
  traceparent = "";
  /** Of a call that is refused before it has been routed. */
  endpoint: Endpoint = "other";
  bytesOut = 0;
  /** The client is gone. */
  left = false;
  /** Attempts after the first. */
  retries = 0;
  /** What limits and budgets have reserved for it; a second one where it went on at another upstream. */
  #admissions: Settling[] | undefined;
  readonly #around: RecordSurroundings;
  readonly #settings: RecordSettings;
  readonly #method: string;
  readonly #path: string;
  /** Wall-clock milliseconds at which the request's head arrived. */
  readonly startedAt: number;
  readonly #began: number;
  #start: Start | undefined;
  #call: Call | undefined;
  #series: CallSeries | undefined;
  #answer: SeenAnswer | undefined;
  #answerBeganAt: number | undefined;
  #sentAt: number | undefined;
  #routed: Routed | undefined;
  #settled = false;
  /** Milliseconds worked so far, and since when we are working now (undefined while we wait). */
  #worked = 0;
  #workingSince: number | undefined;

  constructor(around: RecordSurroundings, settings: RecordSettings, method: string, path: string) {
    this.#around = around;
    this.#settings = settings;
    this.#method = method;
    this.#path = path;
    this.startedAt = around.clock.wall();
    this.#began = around.clock.monotonic();
    this.#workingSince = this.#began;
    this.id = uuidv7(this.startedAt);
  }

  /** Rules have decided where it goes, or found that none is for it (`route` is ""). */
  routed(route: string, model: string, upstream: string): void {
    this.#routed = { route, model, upstream };
  }

  /** Adds the headers that say where the call went and why; they replace those of a Bellwether further up. */
  addRoute(headers: string[]): void {
    if (this.#routed !== undefined) addRouteHeaders(headers, this.#routed);
  }

  /** To be told what the call used when it has ended. */
  admit(admission: Settling): void {
    if (this.#admissions === undefined) this.#admissions = [admission];
    else this.#admissions.push(admission);
  }

  /** From here on the client or the upstream is waited for. */
  pause(): void {
    if (this.#workingSince !== undefined) this.#pauseAt(this.#around.clock.monotonic());
  }

  #pauseAt(now: number): void {
    if (this.#workingSince === undefined) return;
    this.#worked += now - this.#workingSince;
    this.#workingSince = undefined;
  }

  /** From here on Bellwether works. */
  resume(): void {
    this.#workingSince ??= this.#around.clock.monotonic();
  }

  /** The value of a `Server-Timing` header: Bellwether's own share so far, and the call's id. */
  serverTiming(): string {
    const since = this.#workingSince;
    const worked = this.#worked + (since === undefined ? 0 : this.#around.clock.monotonic() - since);
    return `bellwether;dur=${Math.round(worked * 1000) / 1000};desc="${this.id}"`;
  }

  start(start: Start): void {
    const { body } = start;
    this.#start = body !== undefined && body.length > KEPT_BODY_BYTES ? { ...start, body: undefined } : start;
    this.#open(
      start.upstream.name,
      start.operation.endpoint,
      start.asked,
      start.model,
      this.#settings.modelLabel(start.model),
      start.facts.streaming,
      start.bytesIn ?? body?.length ?? 0,
    );
  }

  /** The call goes on at another upstream or for another model, and is counted there from here on. */
  moveTo(upstream: string, model = this.#call?.modelSent ?? ""): void {
    if (this.#call === undefined) return;
    const modelLabel = this.#settings.modelLabel(model);
    const route = this.#routed?.route ?? this.#call.route;
    const call = { ...this.#call, upstream, modelSent: model, modelLabel, route };
    if (this.#start !== undefined) this.#start = { ...this.#start, model };
    if (this.#routed !== undefined) {
      this.#routed.upstream = upstream;
      this.#routed.model = model;
    }
    this.#call = call;
    this.#observe(() => {
      if (this.#series !== undefined) this.#around.metrics.moved(this.#series);
      this.#series = this.#around.metrics.started(call);
    });
  }

  /** An attempt after the first begins, at the same place or at another. */
  again({ upstream: { name: upstream }, model, fallbackOf }: Going, reason: ErrorType): void {
    this.retries++;
    const from = this.#call?.upstream ?? upstream;
    const { metrics, recorder } = this.#around;
    const call = this.#call;
    if (call !== undefined) this.#observe(() => recorder.attemptFailed?.(call, reason));
    if (from === upstream && model === call?.modelSent) {
      return this.#observe(() => metrics.retried(upstream, reason));
    }
    this.#observe(() => metrics.fellBack(from, upstream, reason));
    if (fallbackOf !== undefined) {
      this.#routed = { route: routeByFallback(this.#routed?.route ?? "", fallbackOf), model, upstream };
    }
    this.moveTo(upstream, model);
  }

  /** One of two attempts that were made at a time has failed, and the other goes on. */
  attemptFailed(reason: ErrorType, { upstream, model }: Going): void {
    const call = this.#call;
    if (call === undefined) return;
    const at = { ...call, upstream: upstream.name, modelSent: model };
    this.#observe(() => this.#around.recorder.attemptFailed?.(at, reason));
  }

  /**
   * Changes places with the record of a second attempt, which has become the call's own. What limits have reserved for
   * the first is used by the one that is given up, but only freed when the call itself ends.
   */
  trade(other: CallRecord): void {
    const [here, there] = [this.#call, other.#call];
    if (here === undefined || there === undefined) return;
    this.moveTo(there.upstream, there.modelSent);
    other.moveTo(here.upstream, here.modelSent);
    [this.#sentAt, other.#sentAt] = [other.#sentAt, this.#sentAt];
    const mine = this.#admissions ?? [];
    const spent = new Promise<Usage>((resolve) => {
      this.#admissions = other.#admissions ?? [];
      other.#admissions = [{ settle: resolve }];
    });
    for (const admission of mine)
      this.admit({ settle: () => void spent.then((usage) => admission.settle(usage)) });
  }

  /** An attempt is sent to the upstream. */
  sent(): void {
    this.#sentAt = this.#around.clock.monotonic();
  }

  /** The same, where the upstream is waited for from here on. */
  sentAndWaiting(): void {
    const now = this.#around.clock.monotonic();
    this.#sentAt = now;
    this.#pauseAt(now);
  }

  answerBegan(answer: SeenAnswer, head: Pick<AnswerHead, "rateLimits">): void {
    this.#answer = answer;
    // Work on it began when it came.
    const now = this.#workingSince ?? this.#around.clock.monotonic();
    this.#answerBeganAt = now;
    const series = this.#series;
    // These are gauges: looking at them once a second is enough, and reading them is not free.
    if (series === undefined || now < series.rateLimitsDueAt) return;
    series.rateLimitsDueAt = now + RATE_LIMIT_INTERVAL_MS;
    this.#observe(() => this.#noteRateLimits(head));
  }

  #noteRateLimits(head: Pick<AnswerHead, "rateLimits">): void {
    const { upstream, modelLabel } = this.#call as Call;
    for (const { resource, kind, value } of head.rateLimits()) {
      const remaining = kind === "remaining" ? value : undefined;
      const limit = kind === "limit" ? value : undefined;
      this.#around.metrics.rateLimit(upstream, modelLabel, resource, { remaining, limit });
    }
  }

  /** Ends the record; everything after the first time is ignored. */
  settle(end: End): void {
    if (this.#settled) return;
    this.#settled = true;
    const now = this.#around.clock.monotonic();
    this.#pauseAt(now);
    const durationMs = now - this.#began;
    const start = this.#start;
    if (this.#call === undefined) {
      this.#open(NONE, this.endpoint, "", "", NONE, false, 0);
    }
    const evidence: Evidence = {
      operation: start?.operation,
      facts: start?.facts,
      body: start?.body,
      bytesIn: this.#call?.bytesIn ?? 0,
      answer: this.#answer,
      sent: start !== undefined && end.sent !== false,
      error: end.error,
      status: end.status,
      clientGone: end.clientGone,
      model: start?.model ?? "",
    };
    const missing = estimateMissing(evidence, this.#around.estimator);
    if (missing === undefined) this.#close(evidence, durationMs, 0, 0);
    else {
      missing.then(
        ({ input, output }) => this.#close(evidence, durationMs, input, output),
        (error: unknown) => {
          this.#around.log.error({ id: this.id, err: error }, "estimate failed");
          this.#close(evidence, durationMs, 0, 0);
        },
      );
    }
  }

  #open(
    upstream: string,
    endpoint: Endpoint,
    modelRequested: string,
    modelSent: string,
    modelLabel: string,
    streaming: boolean,
    bytesIn: number,
  ): void {
    const call: Call = {
      id: this.id,
      startedAt: this.startedAt,
      app: this.app,
      team: this.team,
      probe: this.#settings.probe === true,
      upstream,
      endpoint,
      modelRequested,
      route: this.#routed?.route ?? "",
      modelSent,
      modelLabel,
      streaming,
      method: this.#method,
      path: this.#path,
      traceId: traceIdOf(this.traceparent),
      bytesIn,
    };
    this.#call = call;
    try {
      this.#series = this.#around.metrics.started(call);
      if (this.#routed !== undefined) {
        this.#around.metrics.decided(this.#routed.route || UNROUTED, call.upstream, call.modelLabel);
      }
      this.#around.recorder.started(call);
    } catch (error) {
      this.#observerFailed(error);
    }
  }

  /** Observers must not throw; should one do so, the call goes on. What every call tells makes no function for it. */
  #observe(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#observerFailed(error);
    }
  }

  #observerFailed(error: unknown): void {
    this.#around.log.error({ id: this.id, err: error }, "an observer failed");
  }

  /** Every field is written out: this runs for each call, and copying objects field by field is slow. */
  #close(evidence: Evidence, durationMs: number, estimatedInput: number, estimatedOutput: number): void {
    const call = this.#call as Call;
    const answer = this.#answer;
    const outcome = outcomeOf(evidence, estimatedInput, estimatedOutput);
    const firstOutputAt = answer?.meter.firstOutputAt;
    const modelAnswered = answer?.meter.reading.model ?? "";
    const billed = bill(this.#settings.prices, call, outcome, modelAnswered, evidence.facts?.image);
    const usage: Usage = {
      id: call.id,
      startedAt: call.startedAt,
      app: call.app,
      team: call.team,
      probe: call.probe,
      upstream: call.upstream,
      endpoint: call.endpoint,
      modelRequested: call.modelRequested,
      route: call.route,
      modelSent: call.modelSent,
      modelLabel: call.modelLabel,
      streaming: call.streaming,
      method: call.method,
      path: call.path,
      traceId: call.traceId,
      bytesIn: call.bytesIn,
      status: outcome.status,
      errorType: outcome.errorType,
      errorCode: outcome.errorCode,
      modelAnswered,
      upstreamRequestId: answer?.requestId ?? "",
      serviceTier: outcome.serviceTier,
      quantities: outcome.quantities,
      source: outcome.source,
      billable: outcome.billable,
      cost: billed.cost,
      listCost: billed.listCost,
      durationMs,
      firstTokenMs: firstOutputAt === undefined ? undefined : firstOutputAt - this.#began,
      sentMs: this.#sentAt === undefined ? undefined : this.#sentAt - this.#began,
      firstByteMs: this.#answerBeganAt === undefined ? undefined : this.#answerBeganAt - this.#began,
      overheadMs: this.#worked,
      bytesOut: this.bytesOut,
      retries: this.retries,
    };
    try {
      if (this.#series !== undefined) this.#around.metrics.settled(this.#series, usage);
      this.#around.recorder.settled(usage);
    } catch (error) {
      this.#observerFailed(error);
    }
    if (this.#admissions === undefined) return;
    for (const admission of this.#admissions) this.#observe(() => admission.settle(usage));
  }
}
