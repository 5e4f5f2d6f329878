/**
 * One connection to an upstream. It serves one exchange at a time, and tells its pool when it is free.
 *
 * All connections read into one buffer, because its bytes are copied before anything else happens: that is
 * far cheaper than a buffer of 64 KiB for each read.
 */
import type { Socket } from "node:net";
import { MalformedAnswer } from "./answer-head.ts";
import { AnswerParser } from "./answer-parser.ts";
import type { Carrier, Exchange } from "./exchange.ts";

const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);
const NOTHING = Buffer.alloc(0);
/** Head and body up to this many bytes are joined for one write; copying more costs more than it saves. */
const JOINED_BYTES = 16 * 1024;

/** Who is told of a connection that is free, or no more. */
export interface ConnectionOwner {
  /** Called before a request is written. */
  beforeSend(): void;
  released(connection: Connection, keepAliveFor: number): void;
  gone(connection: Connection): void;
}

export class Connection implements Carrier {
  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  readonly #parser = new AnswerParser();
  #exchange: Exchange | undefined;
  #open = false;
  /** It has served an exchange before the present one. */
  #used = false;
  /** What came behind the point where the sink asked for a pause. */
  #rest: Buffer = NOTHING;
  /** The upstream has ended it while the sink was paused. */
  #ended = false;
  /** Monotonic milliseconds: when it is too old to be used again. */
  idleUntil = 0;

  /**
   * @param openSocket opens the socket, which is to read by the given options.
   * @param opened the event that tells that it is open; undefined when it is.
   */
  constructor(
    owner: ConnectionOwner,
    exchange: Exchange,
    openSocket: (onread: { buffer: Buffer; callback: (bytes: number) => boolean }) => Socket,
    opened: "connect" | "secureConnect" | undefined,
  ) {
    this.#owner = owner;
    this.#exchange = exchange;
    exchange.assign(this);
    const socket = openSocket({
      buffer: READ_BUFFER,
      callback: (bytes) => {
        this.#received(bytes);
        return true;
      },
    });
    this.#socket = socket;
    socket.on("end", () => this.#onEnd());
    socket.on("error", (error) => this.#break(error));
    socket.on("close", () => this.#onClose());
    if (opened === undefined) this.#opened();
    else socket.once(opened, () => this.#opened());
  }

  /** It cannot serve any more. */
  get dead(): boolean {
    return this.#socket.destroyed || !this.#socket.writable;
  }

  /** Serves an exchange, after another one. */
  serve(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#used = true;
    exchange.assign(this);
    this.#send(exchange);
  }

  /** Goes on with what was held back, then reads on. */
  resume(): void {
    const rest = this.#rest;
    this.#rest = NOTHING;
    this.#socket.resume();
    this.#feed(rest);
    if (this.#ended && this.#exchange?.paused === false) this.#onEnd();
  }

  /** Gives up the exchange that it serves. */
  abandon(): void {
    this.#exchange = undefined;
    this.#parser.stop();
    this.close();
  }

  close(): void {
    this.#socket.destroy();
    this.#owner.gone(this);
  }

  #opened(): void {
    // The process is held by the exchanges in flight, not by connections.
    this.#socket.unref();
    this.#open = true;
    if (this.#exchange !== undefined) this.#send(this.#exchange);
  }

  #send(exchange: Exchange): void {
    const { head, request } = exchange;
    const { body, method } = request;
    this.#owner.beforeSend();
    exchange.sent(performance.now());
    this.#parser.begin(exchange, method);
    if (body === undefined || body.length === 0) {
      this.#socket.write(head, "latin1");
    } else if (body.length <= JOINED_BYTES) {
      const bytes = Buffer.allocUnsafe(head.length + body.length);
      bytes.write(head, 0, "latin1");
      bytes.set(body, head.length);
      this.#socket.write(bytes);
    } else {
      this.#socket.cork();
      this.#socket.write(head, "latin1");
      this.#socket.write(body);
      this.#socket.uncork();
    }
  }

  #received(bytes: number): void {
    const exchange = this.#exchange;
    // Nobody asked: whoever was served next would take it for an answer.
    if (exchange === undefined) return this.close();
    const chunk = Buffer.allocUnsafe(bytes);
    READ_BUFFER.copy(chunk, 0, 0, bytes);
    if (exchange.paused) {
      // TLS hands out what it has decrypted already.
      this.#rest = Buffer.concat([this.#rest, chunk]);
      return;
    }
    exchange.heard(performance.now());
    this.#feed(chunk);
  }

  #feed(chunk: Buffer): void {
    const parser = this.#parser;
    let read = 0;
    try {
      read = parser.push(chunk);
    } catch (error) {
      return this.#break(error as Error);
    }
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    if (parser.done) {
      // Also when paused: the sink has all there is, and the connection is free.
      this.#complete(exchange, read === chunk.length);
    } else if (exchange.paused) {
      this.#rest = read < chunk.length ? chunk.subarray(read) : NOTHING;
      this.#socket.pause();
    }
  }

  #complete(exchange: Exchange, clean: boolean): void {
    const { keepAlive, keepAliveFor, trailers } = this.#parser;
    this.#exchange = undefined;
    // An upstream that answers before it has read the request may never read the rest of it.
    if (clean && keepAlive && !this.#ended && !this.dead && this.#socket.writableLength === 0) {
      this.#owner.released(this, keepAliveFor);
    } else {
      this.close();
    }
    exchange.complete(trailers);
  }

  #onEnd(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return this.close();
    if (exchange.paused) this.#ended = true;
    else if (this.#open && this.#parser.endsWithConnection) this.#complete(exchange, false);
    else this.#break(undefined);
  }

  #onClose(): void {
    if (!this.#ended) this.#break(undefined);
  }

  #break(cause: Error | undefined): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.close();
    if (exchange === undefined || exchange.over) return;
    exchange.fail(cause, this.#used && !this.#parser.begun && !(cause instanceof MalformedAnswer));
  }
}
