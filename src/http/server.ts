/**
 * The data plane's server on node:http: hands every call to the gateway, answers the operations paths,
 * refuses what is not HTTP, and shuts down without cutting streams that can still finish.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { BellwetherError } from "../core/errors.ts";
import type { ClientExchange } from "../gateway/ports.ts";
import { NodeClientExchange } from "./client-exchange.ts";
import { type CorsSettings, corsHeaders, preflightHeaders } from "./cors.ts";

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
  /** Not valid HTTP: no call could be made of it. Returns the body of the answer. */
  malformed(error: BellwetherError): string;
  /** True when the path was one of the operations paths, and is being answered. */
  operation(request: IncomingMessage, response: ServerResponse): boolean;
  /** In force now; undefined when cross-origin requests are off. */
  cors(): CorsSettings | undefined;
}

export class DataPlane {
  readonly #server: Server;
  readonly #options: ServerOptions;
  readonly #handlers: ServerHandlers;
  #closing = false;

  constructor(options: ServerOptions, handlers: ServerHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#server = createServer({
      maxHeaderSize: options.headersLimit,
      requestTimeout: options.requestTimeout,
      headersTimeout: Math.min(options.requestTimeout, 60_000),
      // Longer than common load balancers keep theirs, so that they never use a connection just closed here.
      keepAliveTimeout: 75_000,
      noDelay: true,
      insecureHTTPParser: false,
    });
    this.#server.on("request", (request, response) => this.#serve(request, response, false));
    this.#server.on("checkContinue", (request, response) => this.#serve(request, response, true));
    this.#server.on("checkExpectation", (_request, response) => {
      const error = new BellwetherError("expectation_failed");
      response
        .writeHead(error.status, { "content-type": "application/json" })
        .end(this.#handlers.malformed(error));
    });
    this.#server.on("clientError", (error, socket) => this.#clientError(error, socket as Socket));
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
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => {
      clean = false;
      this.#server.closeAllConnections();
    }, drainMs);
    await closed;
    clearTimeout(timer);
    return clean;
  }

  #serve(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    // While shutting down every connection ends with its current answer.
    if (this.#closing) response.shouldKeepAlive = false;
    if (this.#handlers.operation(request, response)) return;
    const cors = this.#handlers.cors();
    const origin = cors === undefined ? undefined : request.headers.origin;
    let own: string[] | undefined;
    if (cors !== undefined && origin !== undefined) {
      if (request.method === "OPTIONS" && request.headers["access-control-request-method"] !== undefined) {
        const asked = request.headers["access-control-request-headers"];
        response.writeHead(204, preflightHeaders(cors, origin, asked)).end();
        return;
      }
      own = corsHeaders(cors, origin);
    }
    this.#handlers.call(new NodeClientExchange(request, response, expectsContinue, own));
  }

  #clientError(cause: Error & { code?: string; reason?: string }, socket: Socket): void {
    const reading = NodeClientExchange.reading(socket);
    if (cause.code === "ECONNRESET" || !socket.writable) {
      socket.destroy();
      return;
    }
    const error = requestError(cause);
    // Amid a body the call exists already, and answers for itself.
    if (reading !== undefined) return reading.failBody(error);
    const body = this.#handlers.malformed(error);
    const head = [
      `HTTP/1.1 ${error.status} ${error.status === 400 ? "Bad Request" : "Refused"}`,
      "content-type: application/json",
      `content-length: ${Buffer.byteLength(body)}`,
      "connection: close",
    ];
    socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  }
}

function requestError(cause: Error & { code?: string; reason?: string }): BellwetherError {
  if (cause.code === "HPE_HEADER_OVERFLOW") return new BellwetherError("headers_too_large");
  if (cause.code === "ERR_HTTP_REQUEST_TIMEOUT") return new BellwetherError("request_timeout");
  return new BellwetherError("malformed_request", { why: (cause.reason ?? cause.message).toLowerCase() });
}
