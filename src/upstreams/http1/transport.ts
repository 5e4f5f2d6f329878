/** Bellwether's own HTTP/1.1 client on bare sockets: strict, without streams, promises or closures per call. */
import { BellwetherError } from "../../core/errors.ts";
import type { AnswerSink, UpstreamExchange, UpstreamRequest, UpstreamTransport } from "../exchange.ts";
import type { Upstream } from "../upstream.ts";
import { Deadlines } from "./deadlines.ts";
import { ConnectionPool } from "./pool.ts";
import { InvalidRequest } from "./request-head.ts";

export class Http1Transport implements UpstreamTransport {
  /** By upstream object, so that a reload with new settings gets a new pool. */
  readonly #pools = new Map<Upstream, ConnectionPool>();
  readonly #deadlines = new Deadlines();
  readonly #beforeSend: () => void;

  /** `beforeSend` is called before each request is written: whatever must be safe before the upstream sees it. */
  constructor(beforeSend: () => void = () => undefined) {
    this.#beforeSend = beforeSend;
  }

  send(upstream: Upstream, request: UpstreamRequest, sink: AnswerSink): UpstreamExchange {
    let pool = this.#pools.get(upstream);
    if (pool === undefined) {
      pool = new ConnectionPool(upstream, this.#deadlines, this.#beforeSend);
      this.#pools.set(upstream, pool);
    }
    try {
      return pool.send(request, sink);
    } catch (error) {
      if (!(error instanceof InvalidRequest)) throw error;
      // What clients send has been checked already: this is about what the configuration adds.
      const details = { upstream: upstream.name, why: error.message };
      return new RefusedExchange(new BellwetherError("upstream_misconfigured", details, error), sink);
    }
  }

  /** Forgets the pools of upstreams no longer in use; their calls in flight finish. */
  retain(upstreams: Iterable<Upstream>): void {
    const kept = new Set(upstreams);
    for (const [upstream, pool] of this.#pools) {
      if (kept.has(upstream)) continue;
      this.#pools.delete(upstream);
      void pool.close();
    }
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.close()));
  }
}

/** A request that cannot be written as HTTP/1.1: nothing was sent, and the sink is told in a moment. */
class RefusedExchange implements UpstreamExchange {
  #sink: AnswerSink | undefined;

  constructor(error: BellwetherError, sink: AnswerSink) {
    this.#sink = sink;
    setImmediate(() => this.#sink?.onFail(error));
  }

  resume(): void {}

  abort(): void {
    this.#sink = undefined;
  }
}
