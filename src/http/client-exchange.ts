/**
 * A client's exchange on node:http. There is one per call, so it makes no closures: the event handlers
 * are shared functions that find their exchange on the object that emitted the event.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import { BellwetherError } from "../core/errors.ts";
import type { ClientExchange, ClientListener } from "../gateway/ports.ts";
import { gather, joined } from "../wire/bytes.ts";
import { replaceCorsHeaders } from "./cors.ts";
import { Linger } from "./linger.ts";

const EXCHANGE = Symbol("exchange");
const DISTRUSTED = Symbol("distrusted");
type Carrier = { [EXCHANGE]?: NodeClientExchange; [DISTRUSTED]?: true };

export class NodeClientExchange implements ClientExchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #expectsContinue: boolean;
  readonly #cors: readonly string[] | undefined;
  #listener: ClientListener | undefined;
  #limit = 0;
  #received = 0;
  #pieces: Uint8Array[] = [];
  #bodyDone = false;
  #headWaiting = false;
  #uploadRefused = false;
  #lingering: Linger | undefined;
  #over = false;

  /** `cors`: headers that replace the upstream's own about origins. */
  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    expectsContinue: boolean,
    cors: readonly string[] | undefined,
  ) {
    this.#request = request;
    this.#response = response;
    this.#expectsContinue = expectsContinue;
    this.#cors = cors;
    response.sendDate = false;
  }

  /** The exchange whose request was the last to be read on this socket. */
  static latest(socket: object): NodeClientExchange | undefined {
    return (socket as Carrier)[EXCHANGE];
  }

  /** No further request is to be taken from this socket. */
  static distrusts(socket: object): boolean {
    return (socket as Carrier)[DISTRUSTED] === true;
  }

  static distrust(socket: object): void {
    (socket as Carrier)[DISTRUSTED] = true;
  }

  /** The body is still being read. */
  get reading(): boolean {
    return !this.#bodyDone;
  }

  /** The head of the answer is on its way, and the answer is not complete. */
  get answering(): boolean {
    return this.#response.headersSent && !this.#response.writableFinished;
  }

  get method(): string {
    return this.#request.method ?? "";
  }

  get target(): string {
    return this.#request.url ?? "";
  }

  get http10(): boolean {
    return this.#request.httpVersionMinor === 0;
  }

  get rawHeaders(): readonly string[] {
    return this.#request.rawHeaders;
  }

  readBody(limit: number, listener: ClientListener): void {
    const request = this.#request;
    this.#listener = listener;
    this.#limit = limit;
    (this.#response as Carrier)[EXCHANGE] = this;
    (request.socket as Carrier)[EXCHANGE] = this;
    this.#response.on("close", onResponseClose);
    this.#response.on("drain", onResponseDrain);
    const announced = announcedBody(request.rawHeaders);
    if (announced === 0) {
      this.#bodyDone = true;
      return listener.onBody(undefined);
    }
    this.#listenToBody();
    if (announced > limit) this.failBody(new BellwetherError("body_too_large", { limit }));
    else if (this.#expectsContinue) this.#response.writeContinue();
  }

  #listenToBody(): void {
    const request = this.#request;
    (request as Carrier)[EXCHANGE] = this;
    request.on("data", onRequestData);
    request.on("end", onRequestEnd);
    request.on("error", ignore);
  }

  /** The rest is read all the same: a client that does nothing but send would not see the answer. */
  #discardBody(): void {
    this.#bodyDone = true;
    this.#uploadRefused = true;
    this.#pieces = [];
    (this.#response as Carrier)[EXCHANGE] = this;
    this.#response.on("close", onResponseClose);
    this.#listenToBody();
  }

  /** The body cannot be read on: tells the listener, once. */
  failBody(error: BellwetherError): void {
    if (this.#bodyDone) return;
    this.#bodyDone = true;
    this.#uploadRefused = true;
    this.#pieces = [];
    this.#listener?.onBodyFailed(error);
  }

  receive(chunk: Buffer): void {
    this.#lingering?.heard();
    if (this.#bodyDone) return;
    this.#received += chunk.length;
    if (this.#received > this.#limit)
      this.failBody(new BellwetherError("body_too_large", { limit: this.#limit }));
    else gather(this.#pieces, chunk);
  }

  receivedAll(): void {
    if (this.#uploadRefused) this.#response.end();
    if (this.#bodyDone) return;
    this.#bodyDone = true;
    const body = joined(this.#pieces, this.#received);
    this.#pieces = [];
    this.#listener?.onBody(body.length === 0 ? undefined : body);
  }

  drained(): void {
    if (!this.#over) this.#listener?.onDrain();
  }

  closed(): void {
    this.#lingering?.stop();
    // The connection may stay, and with it this exchange; the call need not.
    const listener = this.#listener;
    this.#listener = undefined;
    if (this.#over || this.#response.writableFinished) return;
    this.#over = true;
    this.#bodyDone = true;
    listener?.onGone();
  }

  distrust(): void {
    NodeClientExchange.distrust(this.#request.socket);
    if (this.#bodyDone) this.#response.shouldKeepAlive = false;
    else if (!this.#uploadRefused) this.#discardBody();
  }

  inform(status: number, headers: readonly string[]): void {
    const { socket, headersSent } = this.#response;
    if (headersSent || socket === null || this.http10) return;
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
    for (let at = 0; at + 1 < headers.length; at += 2) head += `${headers[at]}: ${headers[at + 1]}\r\n`;
    socket.write(`${head}\r\n`, "latin1");
  }

  head(status: number, statusText: string, headers: string[]): void {
    // What is left of a refused upload cannot be told from a next request.
    if (this.#uploadRefused) headers.push("connection", "close");
    if (this.#cors !== undefined) replaceCorsHeaders(headers, this.#cors);
    try {
      this.#writeHead(status, statusText, headers);
    } catch (error) {
      // Node.js keeps the reason phrase of a head that it refused.
      this.#response.statusMessage = "";
      if ((error as { code?: string }).code !== "ERR_HTTP_TRAILER_INVALID") throw error;
      // It announces trailers, for which this body has no place.
      this.#writeHead(status, statusText, without("trailer", headers));
    }
    // Head and first bytes mostly arrive together; then they leave together.
    this.#headWaiting = true;
    process.nextTick(flushHead, this);
  }

  #writeHead(status: number, statusText: string, headers: string[]): void {
    if (statusText === "") this.#response.writeHead(status, headers);
    else this.#response.writeHead(status, statusText, headers);
  }

  write(chunk: Uint8Array): boolean {
    this.#headWaiting = false;
    return this.#response.write(chunk);
  }

  end(trailers?: readonly string[]): void {
    this.#headWaiting = false;
    if (trailers !== undefined && trailers.length > 0) {
      const pairs: [string, string][] = [];
      for (let at = 0; at + 1 < trailers.length; at += 2)
        pairs.push([trailers[at] ?? "", trailers[at + 1] ?? ""]);
      this.#response.addTrailers(pairs);
    }
    if (!this.#uploadRefused || this.#request.complete) this.#response.end();
    else this.#lingering = new Linger(() => this.#response.end());
  }

  cut(): void {
    this.#over = true;
    this.flushHead();
    // What was written goes out first; the missing end tells the client that more was to come.
    const { socket } = this.#request;
    setImmediate(() => {
      if (this.http10) socket.resetAndDestroy();
      else socket.destroySoon();
    });
  }

  flushHead(): void {
    if (!this.#headWaiting) return;
    this.#headWaiting = false;
    // Unlike `flushHeaders` this writes header values as the latin1 they are.
    this.#response.write("", "latin1");
  }
}

/**
 * Bytes of the body that the head announces, -1 when they will be known at its end, 0 when there is none.
 * Looks at the raw headers, because node's `headers` are built only when they are asked for.
 */
function announcedBody(rawHeaders: readonly string[]): number {
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (name.length === 14 && name.toLowerCase() === "content-length") return Number(rawHeaders[at + 1]);
    if (name.length === 17 && name.toLowerCase() === "transfer-encoding") return -1;
  }
  return 0;
}

function without(lower: string, headers: readonly string[]): string[] {
  return headers.filter((_, index) => headers[index - (index % 2)]?.toLowerCase() !== lower);
}

function flushHead(exchange: NodeClientExchange): void {
  exchange.flushHead();
}

function onRequestData(this: IncomingMessage, chunk: Buffer): void {
  (this as Carrier)[EXCHANGE]?.receive(chunk);
}

function onRequestEnd(this: IncomingMessage): void {
  (this as Carrier)[EXCHANGE]?.receivedAll();
}

function onResponseDrain(this: ServerResponse): void {
  (this as Carrier)[EXCHANGE]?.drained();
}

function onResponseClose(this: ServerResponse): void {
  (this as Carrier)[EXCHANGE]?.closed();
}

/** A request's error comes with the close of its response, which is listened to. */
function ignore(): void {
  // Nothing to do.
}
