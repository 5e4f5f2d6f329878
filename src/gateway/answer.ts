/**
 * One answer on its way from the upstream to the client: the bytes go on, a copy goes to the meter,
 * decoded where it is compressed.
 */
import { AnswerMeter, type MeterOptions } from "../usage/meter.ts";
import { createDecoder, type DecodedSink, type Decoder } from "./decode.ts";
import type { AnswerHead } from "./request-head.ts";

/** Where the bytes go. Methods rather than closures: there is one of these per call. */
export interface AnswerOutput {
  /** Sends bytes to the client; false when it is slow. */
  output(bytes: Uint8Array): boolean;
  /** Everything has been relayed that ever will be, and the meter has read it. */
  answerRead(): void;
}

export class Answer implements DecodedSink {
  readonly status: number;
  readonly requestId: string;
  readonly meter: AnswerMeter;
  readonly #output: AnswerOutput;
  readonly #decoder: Decoder | undefined;
  /** The client gets the decoded bytes: the answer is compressed, but an event must be taken out of it. */
  readonly relaysDecoded: boolean;
  /** Compressed in a way that cannot be read here. */
  readonly #unreadable: boolean;
  #flowing = true;

  /** May drop headers from `head` that would no longer be true. */
  constructor(
    status: number,
    head: AnswerHead,
    options: Omit<MeterOptions, "contentType">,
    output: AnswerOutput,
  ) {
    this.status = status;
    this.requestId = head.requestId;
    this.#output = output;
    const encoding = head.contentEncoding;
    const success = status >= 200 && status < 300;
    const compressed = encoding !== "" && encoding !== "identity";
    this.#decoder = compressed && success ? createDecoder(encoding, this) : undefined;
    this.#unreadable = !success || (compressed && this.#decoder === undefined);
    this.meter = new AnswerMeter({
      operation: options.operation,
      contentType: this.#unreadable ? "" : head.contentType,
      dropUsageChunk: options.dropUsageChunk,
      now: options.now,
    });
    const edited = options.dropUsageChunk && this.meter.streaming;
    this.relaysDecoded = edited && this.#decoder !== undefined;
    if (edited) head.drop(this.relaysDecoded ? ["content-length", "content-encoding"] : ["content-length"]);
  }

  /** Takes bytes from the upstream; false when they come too fast for the client. */
  push(chunk: Uint8Array): boolean {
    if (this.#decoder === undefined) return this.#output.output(this.meter.push(chunk));
    this.#decoder.write(chunk);
    return this.relaysDecoded ? this.#flowing : this.#output.output(chunk);
  }

  /** The client has caught up. */
  drained(): void {
    this.#flowing = true;
  }

  /** No more bytes will come; `answerRead` follows, at once unless bytes are still being decoded. */
  finish(): void {
    if (this.#decoder === undefined) this.onDecodedEnd(true);
    else this.#decoder.end();
  }

  /** The meter sees the decoded bytes; the client only where they had to be edited. */
  onDecoded(chunk: Uint8Array): void {
    const relay = this.meter.push(chunk);
    if (this.relaysDecoded) this.#flowing = this.#output.output(relay) && this.#flowing;
  }

  onDecodedEnd(ok: boolean): void {
    const rest = this.meter.finish();
    if (!ok) this.meter.malformed = true;
    if (rest !== undefined) this.#output.output(rest);
    this.#output.answerRead();
  }
}
