/** The connections to one upstream: idle ones are used again, last in, first out. */
import { isIP, type OnReadOpts, connect as openTcp, type Socket } from "node:net";
import {
  type ConnectionOptions,
  createSecureContext,
  connect as openTls,
  rootCertificates,
  type SecureContext,
} from "node:tls";
import { addressOf } from "../address.ts";
import type { AnswerSink, UpstreamExchange, UpstreamRequest } from "../exchange.ts";
import type { Upstream } from "../upstream.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";
import type { Deadlines } from "./deadlines.ts";
import { Exchange, type ExchangeOwner } from "./exchange.ts";
import { RequestHeads } from "./request-head.ts";
import { Tunnel } from "./tunnel.ts";

/** An idle connection is dropped before common servers (60 s and more) close it under a request. */
const KEEP_ALIVE_MS = 15_000;
/** A connection is dropped so long before the server would, by its own word. */
const KEEP_ALIVE_MARGIN_MS = 2_000;
/** TCP looks after a silent connection this often. */
const TCP_KEEP_ALIVE_MS = 60_000;

export class ConnectionPool implements ConnectionOwner, ExchangeOwner {
  readonly upstream: Upstream;
  readonly deadlines: Deadlines;
  readonly beforeSend: () => void;
  readonly #url: URL;
  readonly #heads: RequestHeads;
  readonly #secureContext: SecureContext | undefined;
  #session: Buffer | undefined;
  readonly #idle: Connection[] = [];
  #sweeper: NodeJS.Timeout | undefined;
  #waiting: Exchange[] = [];
  #inFlight = 0;
  #closed = false;
  #onDrained: (() => void) | undefined;
  readonly #serveWaiting = (): void => this.#serve();
  readonly #sweep = (): void => this.#dropOld();

  constructor(upstream: Upstream, deadlines: Deadlines, beforeSend: () => void) {
    this.upstream = upstream;
    this.deadlines = deadlines;
    this.beforeSend = beforeSend;
    this.#url = new URL(addressOf(upstream).origin);
    this.#heads = new RequestHeads(`host: ${this.#url.host}\r\n`);
    const { ca } = upstream;
    this.#secureContext =
      ca === undefined ? undefined : createSecureContext({ ca: [...rootCertificates, ca] });
  }

  /** @throws InvalidRequest when the request cannot be written as HTTP/1.1. */
  send(request: UpstreamRequest, sink: AnswerSink): UpstreamExchange {
    const now = performance.now();
    const exchange = new Exchange(this, request, this.#heads.write(request), sink, now);
    this.#inFlight++;
    this.deadlines.add(exchange, now);
    if (this.#idle.length === 0) {
      this.connect(exchange);
    } else {
      // What has come on the idle connections meanwhile, the end for example, is read before one is used.
      if (this.#waiting.length === 0) setImmediate(this.#serveWaiting);
      this.#waiting.push(exchange);
    }
    return exchange;
  }

  /** Opens a connection for an exchange. */
  connect(exchange: Exchange): void {
    const { proxy } = this.upstream;
    if (proxy === undefined) return this.#open(exchange, undefined);
    const { host, port } = this.#target;
    const target = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    const tunnel = new Tunnel(proxy, target, {
      onReady: (socket) => this.#open(exchange, socket),
      onFailed: (cause) => exchange.fail(cause, false),
    });
    exchange.assign(tunnel);
  }

  #open(exchange: Exchange, tunnel: Socket | undefined): void {
    const tls = this.#url.protocol === "https:";
    const open = (onread: OnReadOpts): Socket => {
      if (tunnel === undefined) return tls ? this.#openTls({ onread }) : this.#openTcp(onread);
      return readInto(onread, tls ? this.#openTls({ socket: tunnel }) : tunnel);
    };
    const opened = tls ? "secureConnect" : tunnel === undefined ? "connect" : undefined;
    new Connection(this, exchange, open, opened);
  }

  released(connection: Connection, keepAliveFor: number): void {
    const idleMs = Math.min(KEEP_ALIVE_MS, keepAliveFor - KEEP_ALIVE_MARGIN_MS);
    if (this.#closed || idleMs <= 0) return connection.close();
    connection.idleUntil = performance.now() + idleMs;
    this.#idle.push(connection);
    this.#sweeper ??= setTimeout(this.#sweep, idleMs).unref();
  }

  gone(connection: Connection): void {
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
  }

  finished(exchange: Exchange): void {
    this.deadlines.delete(exchange);
    this.#inFlight--;
    if (this.#inFlight === 0) this.#onDrained?.();
  }

  /** Closes what is idle; resolves when the calls in flight have finished. */
  close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#sweeper);
    for (const connection of [...this.#idle]) connection.close();
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onDrained = resolve;
    });
  }

  #serve(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    const now = performance.now();
    for (const exchange of waiting) {
      if (exchange.over) continue;
      const connection = this.#takeIdle(now);
      if (connection === undefined) this.connect(exchange);
      else connection.serve(exchange);
    }
  }

  #takeIdle(now: number): Connection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (!connection.dead && connection.idleUntil > now) return connection;
      connection.close();
    }
    return undefined;
  }

  #dropOld(): void {
    this.#sweeper = undefined;
    const now = performance.now();
    for (const connection of [...this.#idle]) if (connection.idleUntil <= now) connection.close();
    const next = Math.min(...this.#idle.map(({ idleUntil }) => idleUntil));
    if (Number.isFinite(next)) this.#sweeper = setTimeout(this.#sweep, Math.ceil(next - now)).unref();
  }

  get #target(): { host: string; port: number } {
    const { hostname, port, protocol } = this.#url;
    const host = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
    return { host, port: port === "" ? (protocol === "https:" ? 443 : 80) : Number(port) };
  }

  #openTcp(onread: OnReadOpts): Socket {
    return openTcp({ ...this.#target, ...SOCKET_OPTIONS, onread });
  }

  #openTls(way: { readonly onread: OnReadOpts } | { readonly socket: Socket }): Socket {
    const { host, port } = this.#target;
    const options: ConnectionOptions & { onread?: OnReadOpts } = {
      host,
      port,
      ...SOCKET_OPTIONS,
      ...way,
      ALPNProtocols: ["http/1.1"],
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(this.#secureContext === undefined ? {} : { secureContext: this.#secureContext }),
      ...(this.#session === undefined ? {} : { session: this.#session }),
    };
    const socket = openTls(options);
    socket.on("session", (session) => {
      this.#session = session;
    });
    return socket;
  }
}

const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS } as const;

/** Lets a socket on a tunnel, which cannot read that way by itself, read as the others do. */
function readInto({ buffer, callback }: OnReadOpts, socket: Socket): Socket {
  const into = buffer as Uint8Array;
  return socket.on("data", (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; at += into.length) {
      const piece = chunk.subarray(at, at + into.length);
      into.set(piece);
      callback(piece.length, into);
    }
  });
}
