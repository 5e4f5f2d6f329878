/**
 * One metered call: admission, attempts, answer. What it does to `fetch` is only what the options ask for;
 * with none, the app's own request goes out once and its answer comes back, with the body read along.
 */
import { BellwetherError, type ErrorType, errorTypeOfStatus } from "../core/errors.ts";
import { CallRecord } from "../gateway/call-record.ts";
import { AnswerHead } from "../gateway/request-head.ts";
import { credentials } from "../upstreams/credentials.ts";
import { errorBody } from "../usage/error-shape.ts";
import type { SeenAnswer } from "../usage/evidence.ts";
import { AnswerMeter } from "../usage/meter.ts";
import type { Core } from "./core.ts";
import { Deadlines } from "./deadlines.ts";
import { Ending } from "./ending.ts";
import { failureOf } from "./failure.ts";
import { meteredResponse } from "./metered-response.ts";
import type { Grant } from "./rate-limit.ts";
import type { AppRequest, FetchInit } from "./request.ts";
import { pauseBefore } from "./retry.ts";
import { Tap } from "./tap.ts";
import type { Fallback, Target } from "./targets.ts";

/** Bytes of JSON a token takes, to take a call's input out of the limit before it is known. */
const BYTES_PER_TOKEN = 4;

/** How one attempt went: an answer, or what `fetch` threw and what that means. */
type Attempt = { readonly response: Response } | FailedAttempt;

interface FailedAttempt {
  readonly response: undefined;
  readonly thrown: unknown;
  readonly failure: BellwetherError;
}

/** Where attempts go. */
interface Destination {
  readonly upstream: string;
  send(signal: AbortSignal | undefined): Promise<Response>;
}

export class MeteredCall {
  readonly #core: Core;
  readonly #target: Target;
  readonly #request: AppRequest;
  readonly #record: CallRecord;
  readonly #deadlines: Deadlines;
  #upstream: string;
  #grant: Grant | undefined;

  constructor(core: Core, target: Target, method: string, request: AppRequest) {
    this.#core = core;
    this.#target = target;
    this.#request = request;
    this.#upstream = target.upstream.name;
    this.#record = new CallRecord(core.around, core.settings, method, target.path);
    this.#record.app = core.app;
    this.#record.endpoint = target.operation.endpoint;
    this.#record.traceparent = request.traceparent;
    this.#deadlines = new Deadlines(core.options.timeouts, request.signal);
  }

  run(): Promise<Response> {
    if (!this.#core.limited) return this.#send();
    return this.#admission().then((refusal) => refusal ?? this.#send());
  }

  /** Each `async` in the way of every call would be a promise more. */
  #send(): Promise<Response> {
    this.#start();
    if (!this.#core.persistent) {
      return this.#begin(this.#primary()).then(
        (response) => this.#answer(response),
        (error) => this.#fail(this.#failed(error, this.#upstream)),
      );
    }
    return this.#attempts().then((attempt) =>
      attempt.response === undefined ? this.#fail(attempt) : this.#answer(attempt.response),
    );
  }

  // Admission.

  /** Takes a place within the app's own limits; returns the answer of a call that gets none. */
  async #admission(): Promise<Response | undefined> {
    const { concurrency, rateLimit } = this.#core;
    this.#record.pause();
    try {
      const entered = concurrency?.enter(this.#request.signal) ?? true;
      if ((typeof entered === "boolean" ? entered : await entered) === false) {
        const limit = concurrency?.limit ?? 0;
        return this.#refuse("concurrency", new BellwetherError("local_concurrency_limit", { limit }), 0);
      }
    } catch (error) {
      this.#neverSent(undefined);
      throw error;
    }
    try {
      const admitted = await rateLimit?.admit(this.#expectedTokens(), this.#request.signal);
      if (admitted !== undefined && "retryAfter" in admitted) {
        concurrency?.leave();
        const { calls, tokens, per = 60_000 } = this.#core.options.rateLimit ?? {};
        const [limit, what] = admitted.reason === "rate" ? [calls, "calls"] : [tokens, "tokens"];
        const retry = Math.ceil(admitted.retryAfter);
        const error = new BellwetherError("local_rate_limit", { limit: limit ?? 0, what, per, retry });
        return this.#refuse(admitted.reason, error, retry);
      }
      this.#grant = admitted;
    } catch (error) {
      concurrency?.leave();
      this.#neverSent(undefined);
      throw error;
    }
    this.#record.resume();
    return undefined;
  }

  #expectedTokens(): number {
    const { bytesIn, facts } = this.#request;
    return Math.ceil(bytesIn / BYTES_PER_TOKEN) + (facts.maxOutputTokens ?? 0);
  }

  /** A 429 of our own, as any API would send it, so that SDKs wait and come again. */
  #refuse(reason: "rate" | "tokens" | "concurrency", error: BellwetherError, retryAfter: number): Response {
    this.#core.traffic.rejected(this.#core.app, reason);
    const { family } = this.#target.operation.dialect;
    const body = errorBody(family, error, this.#record.id);
    const headers = new Headers({ "content-type": "application/json", "x-request-id": this.#record.id });
    if (retryAfter > 0) {
      headers.set("retry-after", String(Math.ceil(retryAfter / 1000)));
      headers.set("retry-after-ms", String(retryAfter));
    }
    this.#neverSent(error);
    return new Response(body, { status: error.status, headers });
  }

  #neverSent(error: BellwetherError | undefined): void {
    this.#start();
    this.#record.settle({ error, clientGone: error === undefined, sent: false });
  }

  #start(): void {
    const { facts, body, bytesIn } = this.#request;
    const { operation, upstream } = this.#target;
    const { model } = facts;
    this.#record.start({ operation, facts, body, bytesIn, asked: model, upstream, model });
  }

  // Attempts.

  #primary(): Destination {
    const { input, init } = this.#request;
    const { fetch } = this.#core;
    return {
      upstream: this.#target.upstream.name,
      send: (signal) =>
        fetch(input, signal === init?.signal || signal === undefined ? init : { ...init, signal }),
    };
  }

  #fallback(to: Fallback): Destination {
    const { url, init, input } = this.#request;
    const { dialect } = this.#target.operation;
    const given =
      init?.headers ?? (typeof input === "object" && "headers" in input ? input.headers : undefined);
    const headers = new Headers(given);
    if (to.apiKey !== undefined) {
      for (const name of ["authorization", "x-api-key", "x-goog-api-key"]) headers.delete(name);
      const [name = "", value = ""] = credentials(to.apiKey, dialect.family);
      headers.set(name, value);
    }
    for (const [name, value] of Object.entries(to.headers)) headers.set(name, value);
    const mark = url.indexOf("?");
    const query = mark === -1 ? "" : url.slice(mark);
    const method = init?.method ?? (typeof input === "object" && "method" in input ? input.method : "GET");
    return {
      upstream: to.upstream.name,
      send: (signal) => {
        const next: FetchInit = { ...init, method, headers };
        return this.#core.fetch(
          to.url(this.#target.path + query),
          signal == null ? next : { ...next, signal },
        );
      },
    };
  }

  /** All attempts that the options allow, at one address after the other; the last one's outcome. */
  async #attempts(): Promise<Attempt> {
    let destination = this.#primary();
    let attempt = await this.#persevere(destination);
    for (const fallback of this.#core.fallbacks) {
      const reason = this.#faultOf(attempt);
      if (reason === undefined) break;
      discard(attempt);
      const from = destination.upstream;
      destination = this.#fallback(fallback);
      this.#upstream = destination.upstream;
      this.#core.traffic.fellBack(from, destination.upstream, reason);
      this.#record.moveTo(destination.upstream);
      this.#record.retries++;
      attempt = await this.#persevere(destination);
    }
    return attempt;
  }

  async #persevere(destination: Destination): Promise<Attempt> {
    const { retry, traffic } = this.#core;
    for (let done = 0; ; done++) {
      const attempt = await this.#attempt(destination);
      const reason = this.#faultOf(attempt);
      if (reason === undefined || done >= retry.attempts) return attempt;
      const pause = pauseBefore(done, retry, attempt.response?.headers);
      if (pause === undefined) return attempt;
      discard(attempt);
      try {
        await this.#deadlines.pause(pause);
      } catch (thrown) {
        // The app has left, or the total limit has passed.
        return { response: undefined, thrown, failure: failureOf(thrown, destination.upstream, false) };
      }
      this.#record.retries++;
      traffic.retried(destination.upstream, reason);
    }
  }

  /** What is wrong with an attempt that another may do better; undefined when none is to follow. */
  #faultOf(attempt: Attempt): ErrorType | undefined {
    const { left, expired } = this.#deadlines;
    if (left || expired?.code === "upstream_total_timeout") return undefined;
    if (attempt.response === undefined) return attempt.failure.type;
    const { status } = attempt.response;
    return this.#core.retry.statuses.includes(status) ? errorTypeOfStatus(status) : undefined;
  }

  async #attempt(destination: Destination): Promise<Attempt> {
    try {
      const response = await this.#begin(destination);
      this.#deadlines.heard();
      return { response };
    } catch (error) {
      return this.#failed(error, destination.upstream);
    }
  }

  /** Sends it. Rejects as `fetch` does. */
  #begin({ upstream, send }: Destination): Promise<Response> {
    this.#record.sentAndWaiting();
    try {
      // The app's own `fetch` may be anything.
      return Promise.resolve(this.#deadlines.attempt(upstream, send));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #failed(error: unknown, upstream: string): FailedAttempt {
    this.#deadlines.heard();
    const thrown = this.#deadlines.expired ?? error;
    return { response: undefined, thrown, failure: failureOf(thrown, upstream, false) };
  }

  /** The call ends without an answer. */
  #fail({ thrown, failure }: FailedAttempt): never {
    const { left } = this.#deadlines;
    this.#ending(undefined).settle(left ? undefined : failure, left);
    throw thrown;
  }

  // The answer.

  #answer(response: Response): Response {
    const record = this.#record;
    this.#deadlines.heard();
    record.resume();
    const { status, headers, body } = response;
    const { operation } = this.#target;
    const meter = new AnswerMeter({
      operation,
      // An error's body is not metered.
      contentType: status >= 200 && status < 300 ? (headers.get("content-type") ?? "").toLowerCase() : "",
      dropUsageChunk: this.#request.usageInjected,
      now: this.#core.around.clock.monotonic,
    });
    const requestId = headers.get("x-request-id") ?? headers.get("request-id") ?? "";
    const seen: SeenAnswer = { status, requestId, meter };
    record.answerBegan(seen, { rateLimits: () => new AnswerHead([...headers].flat()).rateLimits() });
    const ending = this.#ending(meter);
    record.pause();
    if (body === null) {
      ending.settle(undefined, false);
      return response;
    }
    const { signal, usageInjected } = this.#request;
    const upstream = this.#upstream;
    const tap = new Tap({ meter, record, deadlines: this.#deadlines, ending, signal, upstream });
    return meteredResponse(response, body, tap, usageInjected && meter.streaming);
  }

  #ending(meter: AnswerMeter | undefined): Ending {
    const release = this.#core.limited ? () => this.#release(meter) : undefined;
    return new Ending(this.#record, meter, this.#deadlines, release);
  }

  /** Gives the call's place within the app's own limits back, and what it used of them. */
  #release(meter: AnswerMeter | undefined): void {
    this.#core.concurrency?.leave();
    const { reported = false, quantities = {} } = meter?.reading ?? {};
    const used = (quantities.inputTokens ?? 0) + (quantities.outputTokens ?? 0);
    this.#grant?.used(reported ? used : meter === undefined ? 0 : this.#expectedTokens());
  }
}

/** Lets the connection of an answer that is not wanted go. */
function discard({ response }: Attempt): void {
  response?.body?.cancel().catch(() => undefined);
}
