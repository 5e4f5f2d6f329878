/**
 * One answer on its way from the upstream to the client: the bytes go on, a copy goes to the meter,
 * decoded where it is compressed.
 */
import { AnswerMeter, type MeterOptions } from "../usage/meter.ts";
import { createDecoder, type DecodedSink, type Decoder } from "./decode.ts";
import type { AnswerHead } from "./request-head.ts";
import type { ListAddition } from "./virtual-models.ts";

/** Where the bytes go. Methods rather than closures: there is one of these per call. */
export interface AnswerOutput {
  /** Sends bytes to the client; false when it is slow. */
  output(bytes: Uint8Array): boolean;
  /** More bytes are wanted, after `push` returned false. */
  more(): void;
  /** What the client would have to get cannot be decoded: the answer cannot go on. */
  undecodable(): void;
  /** Everything has been relayed that ever will be, and the meter has read it. */
  answerRead(): void;
}

export class Answer implements DecodedSink {
  readonly status: number;
  readonly requestId: string;
  readonly meter: AnswerMeter;
  readonly #output: AnswerOutput;
  readonly #decoder: Decoder | undefined;
  readonly #addition: ListAddition | undefined;
  /** The client gets the decoded bytes: the answer is compressed, but an event must be taken out of it. */
  readonly relaysDecoded: boolean;
  /** The client gets something else than the upstream sent. */
  readonly edited: boolean;
  /** Events of our own may be written after it: it is a stream of plain events of no announced length. */
  readonly appendable: boolean;
  #clientSlow = false;
  #decoderBusy = false;

  /** May drop headers from `head` that would no longer be true. */
  constructor(
    status: number,
    head: AnswerHead,
    options: Omit<MeterOptions, "contentType"> & { readonly addition?: ListAddition | undefined },
    output: AnswerOutput,
  ) {
    this.status = status;
    this.requestId = head.requestId;
    this.#output = output;
    const encoding = head.contentEncoding;
    const success = status >= 200 && status < 300;
    const compressed = encoding !== "" && encoding !== "identity";
    this.#decoder = compressed && success ? createDecoder(encoding, this) : undefined;
    const unreadable = !success || (compressed && this.#decoder === undefined);
    this.meter = new AnswerMeter({
      operation: options.operation,
      contentType: unreadable ? "" : head.contentType,
      dropUsageChunk: options.dropUsageChunk,
      now: options.now,
    });
    this.#addition = compressed || !success ? undefined : options.addition;
    this.edited = (options.dropUsageChunk && this.meter.streaming) || this.#addition !== undefined;
    this.relaysDecoded = this.edited && this.#decoder !== undefined;
    if (this.edited)
      head.drop(this.relaysDecoded ? ["content-length", "content-encoding"] : ["content-length"]);
    const plain = this.#decoder === undefined || this.relaysDecoded;
    this.appendable = this.meter.streaming && plain && (this.edited || !head.sized);
  }

  /** Takes bytes from the upstream; false when they come too fast. */
  push(chunk: Uint8Array): boolean {
    if (this.#decoder === undefined) {
      const relay = this.meter.push(chunk);
      return this.#output.output(this.#addition === undefined ? relay : this.#addition.push(relay));
    }
    this.#decoderBusy = !this.#decoder.write(chunk);
    if (!this.relaysDecoded) this.#clientSlow = !this.#output.output(chunk);
    return !this.#clientSlow && !this.#decoderBusy;
  }

  /** The client has caught up, or is gone. */
  drained(): void {
    this.#clientSlow = false;
    this.#decoder?.resume();
    if (!this.#decoderBusy) this.#output.more();
  }

  /** No more bytes will come; `answerRead` follows, at once unless bytes are still being decoded. */
  finish(): void {
    if (this.#decoder === undefined) this.onDecodedEnd();
    else this.#decoder.end();
  }

  /** The meter sees the decoded bytes; the client only where they had to be edited. */
  onDecoded(chunk: Uint8Array): boolean {
    const relay = this.meter.push(chunk);
    if (!this.relaysDecoded) return true;
    this.#clientSlow = !this.#output.output(relay);
    return !this.#clientSlow;
  }

  onDecoderReady(): void {
    if (!this.#decoderBusy) return;
    this.#decoderBusy = false;
    if (!this.#clientSlow) this.#output.more();
  }

  onUndecodable(): void {
    this.meter.malformed = true;
    if (this.relaysDecoded) this.#output.undecodable();
  }

  onDecodedEnd(): void {
    const rest = this.meter.finish();
    if (rest !== undefined) this.#output.output(rest);
    const held = this.#addition?.finish();
    if (held !== undefined) this.#output.output(held);
    this.#output.answerRead();
  }
}
