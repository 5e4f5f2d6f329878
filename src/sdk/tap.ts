/**
 * Reads an answer's body for the app and shows the meter a copy: in one where the app wants it whole and nothing
 * depends on when its pieces come, else piece by piece (tapped-pieces.ts).
 */
import type { AnswerMeter } from "../usage/meter.ts";
import { textStart, utf8Text } from "../wire/bytes.ts";
import { settleOnceCollected } from "./ending.ts";
import { settleFailed, type TappedCall } from "./tapped-call.ts";
import { TappedPieces } from "./tapped-pieces.ts";
import { TappedStream } from "./tapped-stream.ts";

/** The platform's ways to read a body in one. */
export interface WholeBody {
  text(response: Response): Promise<string>;
  arrayBuffer(response: Response): Promise<ArrayBuffer>;
}

export class Tap {
  readonly #call: TappedCall;
  #pieces: TappedPieces | undefined;
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
    return this.#pieces === undefined && !meter.growing && !deadlines.limited;
  }

  /** Reads the body in one. Rejects as the platform does. */
  bytes(response: Response, native: WholeBody): Promise<ArrayBuffer> {
    return native.arrayBuffer(response).then((buffer) => {
      this.#call.meter.push(new Uint8Array(buffer));
      this.#ended(buffer.byteLength);
      return buffer;
    }, this.#failed);
  }

  /** The same as a text. */
  text(response: Response, native: WholeBody): Promise<string> {
    return this.#readText(response, native, asText);
  }

  /** The same as what its JSON says, parsed once for the app and for the meter. */
  json(response: Response, native: WholeBody): Promise<unknown> {
    return this.#readText(response, native, asJson);
  }

  /**
   * The platform makes a text in less time than bytes, but from a text nobody can tell how many bytes it was: a byte
   * order mark is gone from it, and what was no UTF-8 is something else.
   */
  #readText<T>(response: Response, native: WholeBody, read: ReadText<T>): Promise<T> {
    const { length } = this.#call;
    if (length !== undefined) {
      return native.text(response).then((text) => this.#take(text, length, read), this.#failed);
    }
    return native.arrayBuffer(response).then((buffer) => {
      const bytes = new Uint8Array(buffer);
      return this.#take(utf8Text(bytes, textStart(bytes)), bytes.length, read);
    }, this.#failed);
  }

  #take<T>(text: string, bytes: number, read: ReadText<T>): T {
    try {
      return read(text, this.#call.meter);
    } finally {
      this.#ended(bytes);
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

/** Shows the meter a whole body's text and makes of it what the app is to get. */
type ReadText<T> = (text: string, meter: AnswerMeter) => T;

function asText(text: string, meter: AnswerMeter): string {
  meter.pushText(text);
  return text;
}

function asJson(text: string, meter: AnswerMeter): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    meter.pushText(text);
    throw error;
  }
  meter.pushParsed(parsed);
  return parsed;
}

function weakly(tap: Tap): Pick<WeakRef<Tap>, "deref"> {
  return typeof WeakRef === "undefined" ? { deref: () => tap } : new WeakRef(tap);
}
