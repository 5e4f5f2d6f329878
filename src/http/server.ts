/**
 * The data plane's server: hands every call to the gateway, answers the operations paths, refuses what is not
 * HTTP, and shuts down without cutting streams that can still finish. Connections begin on the fast way
 * (http1/), which serves plain calls; node:http serves everything else.
 */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { BellwetherError } from "../core/errors.ts";
import type { ClientExchange } from "../gateway/ports.ts";
import { NodeClientExchange } from "./client-exchange.ts";
import { type CorsSettings, corsHeaders, preflightHeaders } from "./cors.ts";
import { FastConnections } from "./http1/fast-connections.ts";

export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  /** Largest request head, in bytes. */
  readonly headersLimit: number;
  /** A request must have arrived completely within this many milliseconds. */
  readonly requestTimeout: number;
}

export interface ServerHandlers {
  /** A call for the gateway. */
  call(client: ClientExchange): void;
  /** No call could be made of it. `method` and `target` may be unknown (""). Returns the answer's body. */
  malformed(error: BellwetherError, method: string, target: string): string;
  /** True when the path was one of the operations paths, and is being answered. */
  operation(request: IncomingMessage, response: ServerResponse): boolean;
  /** In force now; undefined when cross-origin requests are off. */
  cors(): CorsSettings | undefined;
}

/** How long a refused connection is kept, and what still comes is thrown away, so that the answer is seen. */
const LINGER_MS = 2_000;
/** Late requests are looked for this often, or more often where the limit itself is short. */
const CHECK_INTERVAL_MS = 5_000;
/** While shutting down, connections that have become idle are closed this often. */
const SWEEP_INTERVAL_MS = 50;

export class DataPlane {
  readonly #server: Server;
  readonly #options: ServerOptions;
  readonly #handlers: ServerHandlers;
  readonly #fast: FastConnections;
  #closing = false;

  constructor(options: ServerOptions, handlers: ServerHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    const checkInterval = Math.min(CHECK_INTERVAL_MS, Math.ceil(options.requestTimeout / 4));
    this.#server = createServer({
      maxHeaderSize: options.headersLimit,
      requestTimeout: options.requestTimeout,
      headersTimeout: Math.min(options.requestTimeout, 60_000),
      connectionsCheckingInterval: checkInterval,
      // Longer than common load balancers keep theirs, so that they never use a connection just closed here.
      keepAliveTimeout: 75_000,
      noDelay: true,
      insecureHTTPParser: false,
      // Checked where the refusal has the shape of the API, and is counted.
      requireHostHeader: false,
    });
    // Headers are limited in bytes; past a number of them node would drop the rest without a word.
    this.#server.maxHeadersCount = 0;
    this.#server.on("request", (request, response) => this.#serve(request, response, false));
    this.#server.on("checkContinue", (request, response) => this.#serve(request, response, true));
    this.#server.on("checkExpectation", (request, response) => {
      const error = new BellwetherError("expectation_failed");
      response
        .writeHead(error.status, { "content-type": "application/json" })
        .end(this.#handlers.malformed(error, request.method ?? "", request.url ?? ""));
    });
    this.#server.on("connect", ({ url = "" }, socket) => {
      this.#refuse(socket as Socket, new BellwetherError("unknown_path", { method: "CONNECT", path: url }));
    });
    this.#server.on("clientError", (error, socket) => this.#clientError(error, socket as Socket));
    const { headersLimit, requestTimeout } = options;
    const [nodeHttp] = this.#server.listeners("connection");
    this.#fast = new FastConnections(
      { headersLimit, requestTimeout, checkInterval },
      {
        call: (client) => handlers.call(client),
        corsFor: (rawHeaders) => this.#corsFor(() => originOf(rawHeaders)),
        handOver: (socket, bytes) => {
          // Its first bytes come from the stream, all others straight from the system.
          socket.pause();
          if (bytes.length > 0) socket.unshift(bytes);
          nodeHttp?.call(this.#server, socket);
          socket.resume();
        },
      },
    );
    this.#server.removeAllListeners("connection");
    this.#server.on("connection", (socket: Socket) => this.#fast.begin(socket));
  }

  /** Begins to listen; rejects with the system's error (EADDRINUSE, EACCES, …). */
  async listen(): Promise<AddressInfo> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#options.port, this.#options.host, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    return this.#server.address() as AddressInfo;
  }

  /** Stops accepting, lets calls in flight finish for at most `drainMs`, then cuts. True when none was cut. */
  async close(drainMs: number): Promise<boolean> {
    this.#closing = true;
    let clean = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // Node closes those that are idle now; the others when their answer is complete.
    this.#fast.closeIdle();
    const sweeper = setInterval(() => {
      this.#fast.closeIdle();
      this.#server.closeIdleConnections();
    }, SWEEP_INTERVAL_MS);
    const timer = setTimeout(() => {
      clean = false;
      this.#fast.closeAll();
      this.#server.closeAllConnections();
    }, drainMs);
    await closed;
    clearTimeout(timer);
    clearInterval(sweeper);
    return clean;
  }

  #serve(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const { socket } = request;
    if (NodeClientExchange.distrusts(socket)) return;
    if (request.httpVersionMajor !== 1 || request.httpVersionMinor > 1) {
      const why = `HTTP/${request.httpVersion} is not spoken here, only HTTP/1.1 and HTTP/1.0`;
      return this.#refuse(socket, new BellwetherError("malformed_request", { why }), request);
    }
    // While shutting down every connection ends with its current answer.
    if (this.#closing) response.shouldKeepAlive = false;
    if (this.#handlers.operation(request, response)) return;
    const cors = this.#handlers.cors();
    const { origin } = request.headers;
    if (cors !== undefined && origin !== undefined && isPreflight(request)) {
      const asked = request.headers["access-control-request-headers"];
      response.writeHead(204, preflightHeaders(cors, origin, asked)).end();
      return;
    }
    const own = this.#corsFor(() => origin);
    this.#handlers.call(new NodeClientExchange(request, response, expectsContinue, own));
  }

  /** Headers about origins for an answer; undefined where they are the upstream's to send. */
  #corsFor(origin: () => string | undefined): readonly string[] | undefined {
    const cors = this.#handlers.cors();
    if (cors === undefined) return undefined;
    const from = origin();
    return from === undefined ? [] : corsHeaders(cors, from);
  }

  #clientError(cause: ParseError, socket: Socket): void {
    // Reset, left amid a request, or gone when written to (EPIPE): nobody is there to be answered, and a call that
    // had begun hears of it. What is wrong with bytes has a code of the parser's or of node:http's.
    if (cause.code === "HPE_INVALID_EOF_STATE" || !/^(HPE|ERR)_/.test(cause.code ?? "ERR_")) {
      socket.destroy();
      return;
    }
    // The rest of what has been refused already.
    if (NodeClientExchange.distrusts(socket)) return;
    const error = requestError(cause);
    const latest = NodeClientExchange.latest(socket);
    // Amid a body the call exists already, and answers for itself.
    if (latest?.reading === true) {
      NodeClientExchange.distrust(socket);
      return latest.failBody(error);
    }
    // A second answer amid another one would be read as a part of it.
    if (latest?.answering === true) socket.destroy();
    else this.#refuse(socket, error, requestLine(cause.rawPacket));
  }

  /** Answers on the bare socket, and ends the connection. */
  #refuse(socket: Socket, error: BellwetherError, { method = "", url = "" }: RequestLine = {}): void {
    NodeClientExchange.distrust(socket);
    const body = this.#handlers.malformed(error, method, url);
    const head = [
      `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
      "content-type: application/json",
      `content-length: ${Buffer.byteLength(body)}`,
      "connection: close",
    ];
    socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once("close", () => clearTimeout(timer));
  }
}

/** What node says of bytes that are no request. */
type ParseError = Error & { code?: string; reason?: string; rawPacket?: Buffer };

interface RequestLine {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
}

/** The request line, where the refused bytes begin with one: it tells which API's errors the client reads. */
function requestLine(packet: Buffer | undefined): RequestLine {
  const line = /^([A-Z]+) (\/\S*) HTTP\/1\.[01]\r\n/.exec(packet?.toString("latin1", 0, 2048) ?? "");
  return line === null ? {} : { method: line[1] ?? "", url: line[2] ?? "" };
}

function originOf(rawHeaders: readonly string[]): string | undefined {
  const at = rawHeaders.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === "origin");
  return at === -1 ? undefined : rawHeaders[at + 1];
}

/** A browser's question whether a page may send a request. */
function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
}

function requestError(cause: ParseError): BellwetherError {
  if (cause.code === "HPE_HEADER_OVERFLOW") return new BellwetherError("headers_too_large");
  if (cause.code === "ERR_HTTP_REQUEST_TIMEOUT") return new BellwetherError("request_timeout");
  return new BellwetherError("malformed_request", { why: (cause.reason ?? cause.message).toLowerCase() });
}
