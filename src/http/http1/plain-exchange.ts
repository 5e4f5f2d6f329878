/** A client's exchange on a fast connection: one plain request, and the answer to it. */
import { BellwetherError } from "../../core/errors.ts";
import type { ClientExchange, ClientListener } from "../../gateway/ports.ts";
import { gather, joined } from "../../wire/bytes.ts";
import { replaceCorsHeaders } from "../cors.ts";
import type { AnswerWriter } from "./answer-writer.ts";
import type { PlainHead } from "./plain-head.ts";

/** The connection that an exchange is on. */
export interface ExchangeCarrier {
  /** The answer is complete. */
  answered(): void;
  /** Cuts the connection when what was written has gone out. */
  cut(): void;
  /** More of the body is wanted. */
  readOn(): void;
}

export class PlainExchange implements ClientExchange {
  readonly http10 = false;
  readonly #head: PlainHead;
  readonly #carrier: ExchangeCarrier;
  readonly #writer: AnswerWriter;
  readonly #cors: readonly string[] | undefined;
  #listener: ClientListener | undefined;
  #pieces: Uint8Array[] = [];
  #missing: number;
  /** The listener has been told of the body, or of its failure. */
  #bodyTold = false;
  #keepAlive: boolean;
  #refused = false;
  #over = false;

  /**
   * @param cors headers that replace the upstream's own about origins.
   * @param keepAlive the connection may serve another request after this one.
   */
  constructor(
    head: PlainHead,
    carrier: ExchangeCarrier,
    writer: AnswerWriter,
    cors: readonly string[] | undefined,
    keepAlive: boolean,
  ) {
    this.#head = head;
    this.#carrier = carrier;
    this.#writer = writer;
    this.#cors = cors;
    this.#keepAlive = keepAlive;
    this.#missing = head.contentLength;
  }

  get method(): string {
    return this.#head.method;
  }

  get target(): string {
    return this.#head.target;
  }

  get rawHeaders(): readonly string[] {
    return this.#head.rawHeaders;
  }

  /** Bytes of the body that have not come yet. */
  get missing(): number {
    return this.#missing;
  }

  /** Nobody has asked for the body yet. */
  get unread(): boolean {
    return this.#listener === undefined && !this.#bodyTold && !this.#over;
  }

  /** The head of the answer is on its way. */
  get answering(): boolean {
    return this.#writer.begun;
  }

  /** Nothing follows this answer on its connection. */
  get last(): boolean {
    return !this.#keepAlive;
  }

  /** The request was refused, or cannot be trusted: the rest of what the client sends is thrown away. */
  get refused(): boolean {
    return this.#refused;
  }

  // The gateway's side.

  readBody(limit: number, listener: ClientListener): void {
    this.#listener = listener;
    if (this.#head.contentLength > limit) this.failBody(new BellwetherError("body_too_large", { limit }));
    else if (this.#missing === 0) this.#tellBody();
    else this.#carrier.readOn();
  }

  distrust(): void {
    this.#keepAlive = false;
    this.#refused = true;
    this.#bodyTold = true;
    this.#pieces = [];
    this.#carrier.readOn();
  }

  inform(status: number, headers: readonly string[]): void {
    this.#writer.inform(status, headers);
  }

  head(status: number, statusText: string, headers: string[]): void {
    if (this.#cors !== undefined) replaceCorsHeaders(headers, this.#cors);
    this.#writer.head(this.method, status, statusText, headers, this.#keepAlive);
  }

  write(chunk: Uint8Array): boolean {
    return this.#writer.write(chunk);
  }

  end(trailers: readonly string[] = []): void {
    this.#over = true;
    this.#listener = undefined;
    this.#writer.end(trailers);
    this.#carrier.answered();
  }

  cut(): void {
    this.#over = true;
    this.#writer.flush();
    this.#carrier.cut();
  }

  // The connection's side.

  /** Takes a part of the body. */
  receive(piece: Uint8Array): void {
    this.#missing -= piece.length;
    if (this.#bodyTold || this.#over) return;
    gather(this.#pieces, piece);
    if (this.#missing === 0 && this.#listener !== undefined) this.#tellBody();
  }

  /** The body cannot be had: tells the listener, once. What was sent of it cannot be told from a next request. */
  failBody(error: BellwetherError): void {
    if (this.#bodyTold) return;
    this.distrust();
    this.#listener?.onBodyFailed(error);
  }

  drained(): void {
    if (!this.#over) this.#listener?.onDrain();
  }

  /** The connection is lost. */
  gone(): void {
    const listener = this.#listener;
    this.#listener = undefined;
    if (this.#over) return;
    this.#over = true;
    listener?.onGone();
  }

  #tellBody(): void {
    this.#bodyTold = true;
    const { contentLength } = this.#head;
    const body = contentLength === 0 ? undefined : joined(this.#pieces, contentLength);
    this.#pieces = [];
    this.#listener?.onBody(body);
  }
}
