/**
 * The fast way for a client's connection. As long as its requests are plain ones (see plain-head.ts), they are
 * read here, one after the other. The first that is not, whatever it is, makes the connection node:http's from
 * that request on: so there is one judge of odd requests, and nothing that it can do is lost.
 */
import type { Socket } from "node:net";
import { BellwetherError } from "../../core/errors.ts";
import type { ClientExchange } from "../../gateway/ports.ts";
import { Linger } from "../linger.ts";
import { AnswerWriter } from "./answer-writer.ts";
import { PlainExchange } from "./plain-exchange.ts";
import { type PlainHead, parsePlainHead } from "./plain-head.ts";

/** An idle connection is kept longer than common load balancers keep theirs. */
const KEEP_ALIVE_MS = 75_000;
/** What a client sends ahead of its turn is held up to this many bytes, then it waits. */
const MAX_AHEAD_BYTES = 64 * 1024;
/** The last head is remembered up to this many bytes. */
const MAX_KEPT_HEAD = 2_048;

const HEAD_END = Buffer.from("\r\n\r\n");
const NOTHING = Buffer.alloc(0);
/** As far as the first line has come, it may be a request's. */
const REQUEST_BEGINS =
  /^(?:\r\n)*(?:[A-Z-]*|[A-Z-]+ [!-~]*(?: [^\r\n]*\r?)?|[A-Z-]+ [!-~]+ HTTP\/1\.[01]\r\n.*)$/s;

export interface FastConnectionOwner {
  /** Largest request head, in bytes. */
  readonly headersLimit: number;
  /** Milliseconds in which a request must have arrived. */
  readonly requestTimeout: number;
  /** Each connection ends with its present answer. */
  readonly closing: boolean;
  call(client: ClientExchange): void;
  /** Headers about origins for the answer to a request with these headers; undefined: the upstream's. */
  corsFor(rawHeaders: readonly string[]): readonly string[] | undefined;
  /** Takes the connection over; the bytes are the first to be read from it. */
  handOver(socket: Socket, bytes: Buffer): void;
  gone(connection: FastConnection): void;
}

/** `idle`: between requests; `call`: from a head to its answer's end; `last`: nothing is read any more. */
type State = "idle" | "call" | "last";

export class FastConnection {
  readonly #owner: FastConnectionOwner;
  readonly #socket: Socket;
  #state: State = "idle";
  #exchange: PlainExchange | undefined;
  #answerComplete = false;
  /** What came behind the request that is being answered. */
  #ahead: Buffer = NOTHING;
  /** Monotonic milliseconds: when it became idle, or when the present request began. */
  #since = performance.now();
  #lingering: Linger | undefined;
  /** Clients send the same head again and again. */
  #lastText = "";
  #lastHead: PlainHead | undefined;

  constructor(owner: FastConnectionOwner, socket: Socket) {
    this.#owner = owner;
    this.#socket = socket;
    (socket as Carrier)[CONNECTION] = this;
    socket.on("data", onData);
    socket.on("end", onEnd);
    socket.on("drain", onDrain);
    socket.on("error", onError);
    socket.on("close", onClose);
  }

  /** Nothing is asked, and nothing is being answered. */
  get idle(): boolean {
    return this.#state === "idle";
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Ends what takes too long. */
  checkTime(now: number): void {
    if (this.#state === "idle" && now - this.#since >= KEEP_ALIVE_MS) return this.close();
    const exchange = this.#exchange;
    if (exchange === undefined || exchange.missing === 0) return;
    if (now - this.#since < this.#owner.requestTimeout) return;
    // Answered already, though not all of the request has come.
    if (exchange.answering) this.close();
    else exchange.failBody(new BellwetherError("request_timeout"));
  }

  // The socket's side.

  received(chunk: Buffer): void {
    this.#lingering?.heard();
    if (this.#state === "last" && this.#exchange === undefined) return;
    if (this.#state === "idle") return this.#begin(chunk);
    const exchange = this.#exchange;
    const missing = exchange?.missing ?? 0;
    if (exchange === undefined || missing === 0) return this.#hold(chunk);
    // The last byte of the body may bring about the answer, and with it the next request.
    if (chunk.length > missing) this.#hold(chunk.subarray(missing));
    const answered = this.#answerComplete;
    exchange.receive(chunk.length <= missing ? chunk : chunk.subarray(0, missing));
    if (exchange.unread) this.#socket.pause();
    if (answered && exchange.missing === 0) this.#next();
  }

  ended(): void {
    // A client that has said that it will send no more does not wait for an answer either: as in node:http.
    if (this.#exchange === undefined || this.#answerComplete) this.#socket.destroySoon();
    else this.close();
  }

  drained(): void {
    this.#exchange?.drained();
  }

  closed(): void {
    this.#lingering?.stop();
    this.#owner.gone(this);
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#state = "last";
    exchange?.gone();
  }

  // The exchange's side.

  answered(): void {
    this.#answerComplete = true;
    this.readOn();
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    if (exchange.missing === 0) this.#next();
    else if (exchange.refused) this.#linger();
  }

  readOn(): void {
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  cut(): void {
    this.#state = "last";
    setImmediate(destroySoon, this.#socket);
  }

  // A request comes.

  /** `bytes` begin with a request. */
  #begin(bytes: Buffer): void {
    const end = bytes.indexOf(HEAD_END);
    // Also a head that has not come as a whole: how long it may be waited for is known there.
    if (end === -1 || end + HEAD_END.length > this.#owner.headersLimit) return this.#handOver(bytes);
    const text = bytes.toString("latin1", 0, end + 2);
    const head = text === this.#lastText ? this.#lastHead : parsePlainHead(text);
    if (head === undefined) return this.#handOver(bytes);
    if (text.length <= MAX_KEPT_HEAD) {
      this.#lastText = text;
      this.#lastHead = head;
    }
    this.#state = "call";
    this.#answerComplete = false;
    this.#since = performance.now();
    const keepAlive = head.keepAlive && !this.#owner.closing;
    const writer = new AnswerWriter(this.#socket);
    const exchange = new PlainExchange(head, this, writer, this.#owner.corsFor(head.rawHeaders), keepAlive);
    this.#exchange = exchange;
    const bodyAt = end + HEAD_END.length;
    const bodyEnd = Math.min(bytes.length, bodyAt + head.contentLength);
    if (bytes.length > bodyEnd) this.#ahead = bytes.subarray(bodyEnd);
    if (bodyEnd > bodyAt) exchange.receive(bytes.subarray(bodyAt, bodyEnd));
    this.#owner.call(exchange);
  }

  #handOver(bytes: Buffer): void {
    const socket = this.#socket;
    socket.off("data", onData);
    socket.off("end", onEnd);
    socket.off("drain", onDrain);
    socket.off("error", onError);
    socket.off("close", onClose);
    (socket as Carrier)[CONNECTION] = undefined;
    this.#owner.gone(this);
    this.#owner.handOver(socket, bytes);
  }

  /** What comes before its turn waits for it. */
  #hold(bytes: Buffer): void {
    if (this.#state === "last") return;
    this.#ahead = this.#ahead.length === 0 ? bytes : Buffer.concat([this.#ahead, bytes]);
    // What can never become a request ends the call, too: its client is out of step.
    if (!REQUEST_BEGINS.test(this.#ahead.toString("latin1", 0, 1024)) && this.#exchange?.answering === true) {
      return this.close();
    }
    if (this.#ahead.length > MAX_AHEAD_BYTES) this.#socket.pause();
  }

  /** The answer has been written, and its request read. */
  #next(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (exchange === undefined || exchange.last || this.#owner.closing) {
      if (exchange?.refused === true) return this.#linger();
      this.#state = "last";
      return this.#socket.destroySoon();
    }
    this.#since = performance.now();
    if (this.#ahead.length === 0) this.#state = "idle";
    else process.nextTick(beginAhead, this);
  }

  /** Goes on with what has come meanwhile. */
  beginAhead(): void {
    if (this.#socket.destroyed) return;
    const ahead = this.#ahead;
    this.#ahead = NOTHING;
    this.readOn();
    this.#begin(ahead);
  }

  /** The answer is out, and the connection ends: what still comes is thrown away until the client ends it, too. */
  #linger(): void {
    this.#ahead = NOTHING;
    const rest = this.#exchange?.missing ?? 0;
    if (rest === 0) {
      this.#state = "last";
      this.#socket.end();
    }
    this.#lingering ??= new Linger(() => this.#socket.destroySoon());
  }
}

const CONNECTION = Symbol("connection");
type Carrier = { [CONNECTION]?: FastConnection | undefined };

function onData(this: Socket, chunk: Buffer): void {
  (this as Carrier)[CONNECTION]?.received(chunk);
}

function onEnd(this: Socket): void {
  (this as Carrier)[CONNECTION]?.ended();
}

function onDrain(this: Socket): void {
  (this as Carrier)[CONNECTION]?.drained();
}

function onClose(this: Socket): void {
  (this as Carrier)[CONNECTION]?.closed();
}

/** The close that follows is listened to. */
function onError(): void {
  // Nothing to do.
}

function beginAhead(connection: FastConnection): void {
  connection.beginAhead();
}

function destroySoon(socket: Socket): void {
  socket.destroySoon();
}
