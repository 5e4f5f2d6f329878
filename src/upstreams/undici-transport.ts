/**
 * Connection pools to the upstreams, on undici's dispatch API: no streams, no promises, no closures per
 * call (facts.md: closures on this API cost 40 µs a call in garbage).
 */
import { rootCertificates } from "node:tls";
import type { Dispatcher } from "undici";
import { Pool, ProxyAgent } from "undici";
import { BellwetherError } from "../core/errors.ts";
import { addressOf } from "./address.ts";
import type { AnswerSink, UpstreamExchange, UpstreamRequest, UpstreamTransport } from "./exchange.ts";
import type { Upstream } from "./upstream.ts";

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
    const exchange = new Exchange(upstream, sink);
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
  const { timeouts, ca } = upstream;
  const trust = ca === undefined ? {} : { ca: [...rootCertificates, ca] };
  const options = {
    headersTimeout: timeouts.firstByte,
    bodyTimeout: timeouts.idle,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
    pipelining: 1,
  };
  if (upstream.proxy !== undefined) {
    return new ProxyAgent({
      ...options,
      uri: upstream.proxy,
      requestTls: { ...trust, timeout: timeouts.connect },
    });
  }
  return new Pool(addressOf(upstream).origin, {
    ...options,
    connect: { ...trust, timeout: timeouts.connect },
  });
}

/** One request in flight: undici's handler on one side, the gateway's exchange on the other. */
class Exchange implements UpstreamExchange {
  readonly #upstream: Upstream;
  readonly #sink: AnswerSink;
  #abort: ((error?: Error) => void) | undefined;
  #resume: (() => void) | undefined;
  #connected = false;
  #headSeen = false;
  #over = false;
  #totalTimer: NodeJS.Timeout | undefined;

  constructor(upstream: Upstream, sink: AnswerSink) {
    this.#upstream = upstream;
    this.#sink = sink;
  }

  start(pool: Dispatcher, request: UpstreamRequest): void {
    this.#totalTimer = setTimeout(onTotalTimeout, this.#upstream.timeouts.total, this);
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
    this.#resume?.();
  }

  abort(): void {
    this.#finish();
    this.#abort?.();
  }

  timeOut(): void {
    if (this.#over) return;
    this.#fail(new BellwetherError("upstream_total_timeout", this.#detail(this.#upstream.timeouts.total)));
    this.#abort?.();
  }

  // What follows is undici's handler interface; dispatch calls it directly.

  onConnect(abort: (error?: Error) => void): void {
    this.#connected = true;
    this.#abort = abort;
    if (this.#over) abort();
  }

  onHeaders(status: number, rawHeaders: Buffer[], resume: () => void, statusText: string): boolean {
    if (this.#over) return true;
    this.#resume = resume;
    if (status < 200) {
      this.#sink.onInformation(status, texts(rawHeaders));
      return true;
    }
    this.#headSeen = true;
    return this.#sink.onHead(status, statusText, texts(rawHeaders));
  }

  onData(chunk: Buffer): boolean {
    return this.#over || this.#sink.onData(chunk);
  }

  onComplete(rawTrailers: Buffer[]): void {
    if (this.#over) return;
    this.#finish();
    this.#sink.onEnd(texts(rawTrailers));
  }

  onError(error: Error & { code?: string }): void {
    if (this.#over) return;
    this.#fail(this.#translate(error));
  }

  #fail(error: BellwetherError): void {
    this.#finish();
    this.#sink.onFail(error);
  }

  #finish(): void {
    this.#over = true;
    clearTimeout(this.#totalTimer);
  }

  #detail(limit: number): Record<string, string | number> {
    return { upstream: this.#upstream.name, limit };
  }

  #translate(error: Error & { code?: string }): BellwetherError {
    const { timeouts, name: upstream } = this.#upstream;
    const code = error.code ?? "";
    if (code === "UND_ERR_CONNECT_TIMEOUT") {
      return new BellwetherError("upstream_connect_timeout", this.#detail(timeouts.connect), error);
    }
    if (code === "UND_ERR_HEADERS_TIMEOUT") {
      return new BellwetherError("upstream_first_byte_timeout", this.#detail(timeouts.firstByte), error);
    }
    if (code === "UND_ERR_BODY_TIMEOUT") {
      return new BellwetherError("upstream_idle_timeout", this.#detail(timeouts.idle), error);
    }
    const why = code === "" || code.startsWith("UND_ERR") ? error.message : code;
    if (code.startsWith("HPE_") || code === "UND_ERR_HEADERS_OVERFLOW") {
      return new BellwetherError("upstream_malformed", { upstream, why: code }, error);
    }
    if (!this.#connected && !this.#headSeen) {
      return new BellwetherError("upstream_unreachable", { upstream, why }, error);
    }
    return new BellwetherError("upstream_reset", { upstream }, error);
  }
}

function onTotalTimeout(exchange: Exchange): void {
  exchange.timeOut();
}

function texts(raw: readonly Buffer[]): string[] {
  const list = new Array<string>(raw.length);
  for (let at = 0; at < raw.length; at++) list[at] = raw[at]?.toString("latin1") ?? "";
  return list;
}
