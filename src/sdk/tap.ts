/**
 * Reads an answer's body for the app and shows the meter a copy: in one where the app wants it whole and nothing
 * depends on when its pieces come, else piece by piece (tapped-pieces.ts).
 */
import type { AnswerMeter } from "../usage/meter.ts";
import { joined, textStart, utf8Text } from "../wire/bytes.ts";
import { settleOnceCollected } from "./ending.ts";
import { settleFailed, type TappedCall } from "./tapped-call.ts";
import { TappedPieces } from "./tapped-pieces.ts";
import { TappedStream } from "./tapped-stream.ts";

export class Tap {
  readonly #call: TappedCall;
  #pieces: TappedPieces | undefined;
  /** The body is being read, or has been, in one. */
  taken = false;
  #listening = false;
  /** Why the app gets no more. */
  #reason: { readonly why: unknown } | undefined;

  constructor(call: TappedCall) {
    this.#call = call;
    const { signal, deadlines, ending } = call;
    if (signal !== undefined) ending.stillUnread = () => this.#listen();
    if (!deadlines.limited) return;
    const weak = weakly(this);
    deadlines.onExpired = () => {
      weak.deref()?.left(deadlines.expired);
      ending.settle(deadlines.expired, false);
    };
  }

  /**
   * From here on the app's abort ends the call at once. An answer that is read in one need not listen, because reading
   * it fails then; and listening costs more than all metering does.
   */
  #listen(): void {
    const { signal, ending } = this.#call;
    if (signal === undefined || this.#listening) return;
    this.#listening = true;
    // A long-lived signal must not keep the answer alive.
    const weak = weakly(this);
    const abort = (): void => {
      weak.deref()?.left(signal.reason);
      ending.settle(undefined, true);
    };
    if (signal.aborted) abort();
    else ending.listen(signal, abort);
  }

  /** Settles the call should `owner` be collected with the body unread. */
  settleWith(owner: object): void {
    settleOnceCollected(owner, this.#call.ending);
  }

  /** The body as the app gets it. `owner`: whose body it is. */
  stream(body: ReadableStream<Uint8Array>, owner?: object): ReadableStream<Uint8Array> {
    this.#listen();
    this.#pieces = new TappedPieces(this.#call, body.getReader(), owner ?? this, this.#reason);
    return new TappedStream(this.#pieces);
  }

  /** The pieces of the answer are of no interest, and no limit is on them: it may be read in one. */
  get readsWhole(): boolean {
    const { meter, deadlines } = this.#call;
    return !this.taken && this.#pieces === undefined && !meter.growing && !deadlines.limited;
  }

  /** Reads the body in one. Rejects as the platform does. */
  bytes(read: Promise<ArrayBuffer>): Promise<ArrayBuffer> {
    this.taken = true;
    return read.then((buffer) => {
      this.#call.meter.push(new Uint8Array(buffer));
      this.#ended(buffer.byteLength);
      return buffer;
    }, this.#failed);
  }

  /** The same as a text. */
  text(body: ReadableStream<Uint8Array>): Promise<string> {
    return this.#readWhole(body, asText);
  }

  /** The same as what its JSON says, parsed once for the app and for the meter. */
  json(body: ReadableStream<Uint8Array>): Promise<unknown> {
    return this.#readWhole(body, asJson);
  }

  /**
   * By a reader of our own: Node.js goes a long way from a body's pieces to their text (`bench/meter.mjs`), and says
   * of a text neither how many bytes it was nor whether they were UTF-8.
   */
  async #readWhole<T>(body: ReadableStream<Uint8Array>, convert: Convert<T>): Promise<T> {
    this.taken = true;
    const pieces: Uint8Array[] = [];
    try {
      const reader = body.getReader();
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        if (!isBytes(read.value)) throw new TypeError("Received non-Uint8Array chunk");
        pieces.push(read.value);
      }
    } catch (error) {
      return this.#failed(error);
    }
    const bytes = joined(pieces);
    try {
      return convert(bytes, this.#call.meter);
    } finally {
      this.#ended(bytes.length);
    }
  }

  #ended(bytes: number): void {
    const { record, ending } = this.#call;
    record.bytesOut += bytes;
    ending.settle(undefined, false);
  }

  readonly #failed = (error: unknown): never => {
    settleFailed(this.#call, error);
    throw error;
  };

  /** The app has aborted, or a limit has passed. */
  left(why: unknown): void {
    this.#reason = { why };
    this.#pieces?.left(this.#reason);
  }
}

/** Shows the meter a whole body and makes of it what the app is to get. */
type Convert<T> = (bytes: Uint8Array, meter: AnswerMeter) => T;

function asText(bytes: Uint8Array, meter: AnswerMeter): string {
  const text = utf8Text(bytes, textStart(bytes));
  meter.pushWhole(bytes, text);
  return text;
}

function asJson(bytes: Uint8Array, meter: AnswerMeter): unknown {
  const text = utf8Text(bytes, textStart(bytes));
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    meter.pushWhole(bytes, text);
    throw error;
  }
  meter.pushParsed(parsed);
  return parsed;
}

/** Of whatever realm. */
function isBytes(piece: { readonly [Symbol.toStringTag]?: string }): boolean {
  return piece[Symbol.toStringTag] === "Uint8Array";
}

function weakly(tap: Tap): Pick<WeakRef<Tap>, "deref"> {
  return typeof WeakRef === "undefined" ? { deref: () => tap } : new WeakRef(tap);
}
