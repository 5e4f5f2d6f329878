/** One request in flight: between the gateway's sink and the connection that serves it. */
import { BellwetherError, type ErrorCode } from "../../core/errors.ts";
import type { AnswerSink, UpstreamExchange, UpstreamRequest } from "../exchange.ts";
import type { Timeouts, Upstream } from "../upstream.ts";
import { MalformedAnswer } from "./answer-head.ts";
import type { AnswerEvents } from "./answer-parser.ts";
import { type Deadlines, NOWHERE, type Timed } from "./deadlines.ts";

/** What an exchange waits for; each wait has its limit, and there is one for the whole. */
type Phase = "connect" | "firstByte" | "idle";

const TIMEOUT_ERRORS = {
  connect: "upstream_connect_timeout",
  firstByte: "upstream_first_byte_timeout",
  idle: "upstream_idle_timeout",
  total: "upstream_total_timeout",
} as const satisfies Record<keyof Timeouts, ErrorCode>;

/** A request with one of these may be sent again when nobody knows what became of it (RFC 9110, 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);

/** The pool that an exchange belongs to. */
export interface ExchangeOwner {
  readonly upstream: Upstream;
  readonly deadlines: Deadlines;
  /** Opens a connection for the exchange. */
  connect(exchange: Exchange): void;
  /** It is over, in whatever way. */
  finished(exchange: Exchange): void;
}

/** The connection that serves an exchange. */
export interface Carrier {
  /** Goes on with the answer where the sink asked for a pause. */
  resume(): void;
  /** Closes the connection amid the exchange. */
  abandon(): void;
}

export class Exchange implements UpstreamExchange, AnswerEvents, Timed {
  readonly request: UpstreamRequest;
  /** The request's head as it is sent. */
  readonly head: string;
  place = NOWHERE;
  readonly #owner: ExchangeOwner;
  readonly #sink: AnswerSink;
  #connection: Carrier | undefined;
  #phase: Phase = "connect";
  #paused = false;
  #over = false;
  #retried = false;
  /** Monotonic milliseconds: when it began, when the upstream was last heard of. */
  readonly #began: number;
  #heardAt: number;

  constructor(owner: ExchangeOwner, request: UpstreamRequest, head: string, sink: AnswerSink, now: number) {
    this.#owner = owner;
    this.request = request;
    this.head = head;
    this.#sink = sink;
    this.#began = now;
    this.#heardAt = now;
  }

  /** No further event is delivered. */
  get over(): boolean {
    return this.#over;
  }

  /** The body waits for a slow client. */
  get paused(): boolean {
    return this.#paused;
  }

  // The gateway's side.

  resume(): void {
    if (this.#over || !this.#paused) return;
    this.#paused = false;
    this.heard(performance.now());
    this.#owner.deadlines.consider(this.deadline(), this.#heardAt);
    this.#connection?.resume();
  }

  abort(): void {
    if (this.#over) return;
    this.#finish();
    this.#connection?.abandon();
  }

  // The connection's side.

  /** This connection is being opened for it, or serves it from now on. */
  assign(connection: Carrier): void {
    this.#connection = connection;
  }

  /** The request is on its way. */
  sent(now: number): void {
    this.#enter("firstByte", now);
  }

  heard(now: number): void {
    this.#heardAt = now;
  }

  onInformation(status: number, headers: string[]): void {
    this.#sink.onInformation(status, headers);
  }

  onHead(status: number, statusText: string, headers: string[]): boolean {
    this.#enter("idle", this.#heardAt);
    return this.#flows(this.#sink.onHead(status, statusText, headers));
  }

  onData(chunk: Buffer): boolean {
    return this.#flows(this.#sink.onData(chunk));
  }

  complete(trailers: string[]): void {
    this.#finish();
    this.#sink.onEnd(trailers);
  }

  /**
   * The connection failed, or what came was no answer.
   *
   * @param unanswered it had served before, and ended without a byte of this answer: most likely the server
   *   closed it while the request was on its way (RFC 9112, section 9.3.1).
   */
  fail(cause: Error | undefined, unanswered: boolean): void {
    if (unanswered && !this.#retried && IDEMPOTENT.has(this.request.method)) {
      this.#retried = true;
      const now = performance.now();
      this.heard(now);
      this.#enter("connect", now);
      this.#owner.connect(this);
      return;
    }
    this.#failWith(this.#translate(cause));
  }

  // The clock's side.

  deadline(): number {
    const { timeouts } = this.#owner.upstream;
    const total = this.#total();
    // While paused the upstream is not to blame for the silence.
    return this.#paused ? total : Math.min(total, this.#heardAt + timeouts[this.#phase]);
  }

  checkLimits(now: number): void {
    const { timeouts } = this.#owner.upstream;
    if (now >= this.#total()) this.#timeOut("total");
    else if (!this.#paused && now >= this.#heardAt + timeouts[this.#phase]) this.#timeOut(this.#phase);
  }

  #total(): number {
    return Math.min(
      this.#began + this.#owner.upstream.timeouts.total,
      this.request.deadline ?? Number.POSITIVE_INFINITY,
    );
  }

  #timeOut(limit: keyof Timeouts): void {
    const { name: upstream, timeouts } = this.#owner.upstream;
    this.#connection?.abandon();
    this.#failWith(new BellwetherError(TIMEOUT_ERRORS[limit], { upstream, limit: timeouts[limit] }));
  }

  #enter(phase: Phase, now: number): void {
    this.#phase = phase;
    this.#heardAt = now;
    this.#owner.deadlines.consider(this.deadline(), now);
  }

  /** A sink that gave up amid an event gets no further one. */
  #flows(wanted: boolean): boolean {
    if (this.#over) return false;
    this.#paused = !wanted;
    return wanted;
  }

  #failWith(error: BellwetherError): void {
    this.#finish();
    this.#sink.onFail(error);
  }

  #finish(): void {
    this.#over = true;
    this.#owner.finished(this);
  }

  #translate(cause: (Error & { code?: string }) | undefined): BellwetherError {
    const { name: upstream } = this.#owner.upstream;
    if (cause instanceof MalformedAnswer) {
      return new BellwetherError("upstream_malformed", { upstream, why: cause.message }, cause);
    }
    if (this.#phase === "connect") {
      const why = cause?.code ?? cause?.message ?? "closed while connecting";
      return new BellwetherError("upstream_unreachable", { upstream, why }, cause);
    }
    return new BellwetherError("upstream_reset", { upstream }, cause);
  }
}
