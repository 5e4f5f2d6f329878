/**
 * Connection pools to the upstreams, on undici's dispatch API: no streams, no promises, no closures per
 * call (facts.md: closures on this API cost 40 µs a call in garbage).
 */
import type { Dispatcher } from "undici";
import { Pool } from "undici";
import { BellwetherError, type ErrorCode } from "../core/errors.ts";
import { addressOf } from "./address.ts";
import { connectorTo } from "./connector.ts";
import type { AnswerSink, UpstreamExchange, UpstreamRequest, UpstreamTransport } from "./exchange.ts";
import { type HoldableSocket, hold, release, socketBeingRead } from "./holding.ts";
import type { Timeouts, Upstream } from "./upstream.ts";

/** An idle connection is dropped before common servers (60 s and more) close it under a request. */
const KEEP_ALIVE_MS = 15_000;
const MAX_RESPONSE_HEADER_BYTES = 64 * 1024;

export class UndiciTransport implements UpstreamTransport {
  /** By upstream object, so that a reload with new settings gets a new pool. */
  readonly #pools = new Map<Upstream, Dispatcher>();

  send(upstream: Upstream, request: UpstreamRequest, sink: AnswerSink): UpstreamExchange {
    let pool = this.#pools.get(upstream);
    if (pool === undefined) {
      pool = createPool(upstream);
      this.#pools.set(upstream, pool);
    }
    const exchange = new Exchange(upstream, request.method, sink);
    exchange.start(pool, request);
    return exchange;
  }

  /** Forgets the pools of upstreams no longer in use; their calls in flight finish. */
  retain(upstreams: Iterable<Upstream>): void {
    const kept = new Set(upstreams);
    for (const [upstream, pool] of this.#pools) {
      if (kept.has(upstream)) continue;
      this.#pools.delete(upstream);
      pool.close().catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.allSettled(pools.map((pool) => pool.close()));
  }
}

function createPool(upstream: Upstream): Dispatcher {
  return new Pool(addressOf(upstream).origin, {
    connect: connectorTo(upstream),
    // Undici's own clocks tick every half second; each exchange keeps the limits itself.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
    pipelining: 1,
  });
}

/** What an exchange waits for; each wait has its limit, and there is one for the whole. */
type Phase = "connect" | "firstByte" | "idle";

const TIMEOUT_ERRORS = {
  connect: "upstream_connect_timeout",
  firstByte: "upstream_first_byte_timeout",
  idle: "upstream_idle_timeout",
  total: "upstream_total_timeout",
} as const satisfies Record<keyof Timeouts, ErrorCode>;

/**
 * One request in flight: undici's handler on one side, the gateway's exchange on the other.
 *
 * One timer keeps all its limits. It is set for the earliest, and when it rings it is set again for what
 * is left of the others, so that a chunk costs a look at the clock and no timer.
 */
class Exchange implements UpstreamExchange {
  readonly #upstream: Upstream;
  readonly #sink: AnswerSink;
  #abort: ((error?: Error) => void) | undefined;
  readonly #method: string;
  #phase: Phase = "connect";
  /** The answer ends with its head. */
  #bodiless = false;
  /** Held back because the client is slow: the upstream is not to blame for the silence. */
  #held: HoldableSocket | undefined;
  #over = false;
  /** Monotonic milliseconds: when it began, when the upstream was last heard of, when the timer rings. */
  readonly #began = performance.now();
  #heardAt = this.#began;
  #ringsAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(upstream: Upstream, method: string, sink: AnswerSink) {
    this.#upstream = upstream;
    this.#method = method;
    this.#sink = sink;
  }

  start(pool: Dispatcher, request: UpstreamRequest): void {
    this.#setTimer(this.#began);
    try {
      pool.dispatch(
        {
          origin: addressOf(this.#upstream).origin,
          path: request.path,
          method: request.method as Dispatcher.HttpMethod,
          headers: request.headers,
          body: (request.body as Buffer | undefined) ?? null,
        },
        this as unknown as Dispatcher.DispatchHandler,
      );
    } catch (error) {
      this.onError(error as Error);
    }
  }

  resume(): void {
    if (this.#held === undefined) return;
    this.#heardAt = performance.now();
    this.#release();
  }

  abort(): void {
    this.#finish();
    this.#abort?.();
  }

  /** The timer rang: either a limit is reached, or it is set again for what is left. */
  checkLimits(): void {
    if (this.#over) return;
    const now = performance.now();
    const { timeouts } = this.#upstream;
    if (now - this.#began >= timeouts.total) return this.#timeOut("total");
    if (this.#held !== undefined) this.#heardAt = now;
    if (now - this.#heardAt >= timeouts[this.#phase]) return this.#timeOut(this.#phase);
    this.#setTimer(now);
  }

  #timeOut(limit: keyof Timeouts): void {
    const { name: upstream, timeouts } = this.#upstream;
    this.#fail(new BellwetherError(TIMEOUT_ERRORS[limit], { upstream, limit: timeouts[limit] }));
    this.#abort?.();
  }

  #enter(phase: Phase): void {
    const now = performance.now();
    this.#phase = phase;
    this.#heardAt = now;
    if (now + this.#upstream.timeouts[phase] >= this.#ringsAt) return;
    clearTimeout(this.#timer);
    this.#setTimer(now);
  }

  #setTimer(now: number): void {
    const { timeouts } = this.#upstream;
    this.#ringsAt = Math.min(this.#began + timeouts.total, this.#heardAt + timeouts[this.#phase]);
    this.#timer = setTimeout(onTimer, Math.ceil(this.#ringsAt - now), this);
  }

  // What follows is undici's handler interface; dispatch calls it directly.

  onConnect(abort: (error?: Error) => void): void {
    this.#abort = abort;
    if (this.#over) abort();
    else this.#enter("firstByte");
  }

  onHeaders(status: number, rawHeaders: Buffer[], _resume: () => void, statusText: string): boolean {
    if (this.#over) return true;
    if (status < 100) {
      const why = `its status is ${status}`;
      this.#fail(new BellwetherError("upstream_malformed", { upstream: this.#upstream.name, why }));
      this.#abort?.();
      return true;
    }
    if (status < 200) {
      this.#heardAt = performance.now();
      this.#sink.onInformation(status, texts(rawHeaders));
      return true;
    }
    this.#enter("idle");
    this.#bodiless = status === 204 || status === 304 || this.#method === "HEAD";
    if (!this.#sink.onHead(status, reasonOf(statusText), texts(rawHeaders))) this.#hold();
    return true;
  }

  onData(chunk: Buffer): boolean {
    if (this.#over) return true;
    this.#heardAt = performance.now();
    if (!this.#sink.onData(chunk)) this.#hold();
    return true;
  }

  #hold(): void {
    this.#held = socketBeingRead();
    if (this.#held !== undefined) hold(this.#held);
  }

  #release(): void {
    if (this.#held !== undefined) release(this.#held);
    this.#held = undefined;
  }

  onComplete(rawTrailers: Buffer[]): void {
    if (this.#over) return;
    this.#finish();
    this.#sink.onEnd(texts(rawTrailers));
  }

  onError(error: Error & { code?: string }): void {
    if (this.#over) return;
    // Nothing was to follow the head; undici minds an announced length all the same.
    if (this.#bodiless) this.onComplete([]);
    else this.#fail(this.#translate(error));
  }

  #fail(error: BellwetherError): void {
    this.#finish();
    this.#sink.onFail(error);
  }

  #finish(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    // The connection goes to the next exchange, or is closed.
    this.#release();
  }

  #translate(error: Error & { code?: string }): BellwetherError {
    const { timeouts, name: upstream } = this.#upstream;
    const code = error.code ?? "";
    if (code === "UND_ERR_CONNECT_TIMEOUT") {
      return new BellwetherError("upstream_connect_timeout", { upstream, limit: timeouts.connect }, error);
    }
    // Two lengths, or a length and chunks.
    const disputed = this.#phase === "firstByte" && code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH";
    if (disputed || isProtocolError(error)) {
      return new BellwetherError("upstream_malformed", { upstream, why: inBrackets(error.message) }, error);
    }
    const why = code === "" || code.startsWith("UND_ERR") ? error.message : code;
    if (this.#phase === "connect") {
      return new BellwetherError("upstream_unreachable", { upstream, why }, error);
    }
    return new BellwetherError("upstream_reset", { upstream }, error);
  }
}

function onTimer(exchange: Exchange): void {
  exchange.checkLimits();
}

/**
 * Undici reads the reason phrase as UTF-8; this is its bytes, one character each, as all other text here.
 * What was not UTF-8 is lost: then there is none, and the status has its usual one.
 */
function reasonOf(statusText: string): string {
  if (ASCII.test(statusText)) return statusText;
  return statusText.includes("\uFFFD") ? "" : Buffer.from(statusText, "utf8").toString("latin1");
}

/** What came is not HTTP, or answers what was not asked (100 without an expectation, 101 without an upgrade). */
function isProtocolError({ name, code, message }: Error & { code?: string }): boolean {
  if (name === "HTTPParserError" || code === "UND_ERR_HEADERS_OVERFLOW") return true;
  return code === "UND_ERR_SOCKET" && (message === "bad response" || message === "bad upgrade");
}

/** The parser's own words, without undici's sentence around them. */
function inBrackets(message: string): string {
  return /\((.+)\)$/.exec(message)?.[1]?.toLowerCase() ?? message.toLowerCase();
}

const ASCII = /^[\t -~]*$/;

function texts(raw: readonly Buffer[]): string[] {
  const list = new Array<string>(raw.length);
  for (let at = 0; at < raw.length; at++) list[at] = raw[at]?.toString("latin1") ?? "";
  return list;
}
