/**
 * Reads an answer's body piece by piece and only as the app asks for it, and shows the meter each: nothing is
 * buffered, and a slow app slows the upstream down.
 */
import { settleFailed, type TappedCall } from "./tapped-call.ts";
import type { Read, Source } from "./tapped-stream.ts";

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Controller = ReadableStreamDefaultController<Uint8Array>;

/** Why the app gets no more, whatever that is. */
export interface Reason {
  readonly why: unknown;
}

export class TappedPieces implements Source {
  readonly #call: TappedCall;
  readonly #reader: Reader;
  #controller: Controller | undefined;
  /** The stream has ended for the app, one way or the other. */
  #closed = false;
  #reason: Reason | undefined;
  /** How many pieces readers wait for. */
  #awaited = 0;
  direct = true;
  /** Whose body it is, by which the call's end reaches it: must not be collected before it. */
  readonly owner: object;

  constructor(call: TappedCall, reader: Reader, owner: object, reason: Reason | undefined) {
    this.#call = call;
    this.#reader = reader;
    this.owner = owner;
    this.#reason = reason;
  }

  start(controller: Controller): void {
    this.#controller = controller;
  }

  // One piece after the other, by the stream's queue.

  pull(): Promise<void> | undefined {
    // What is asked for here may be left in the queue: from now on all goes by it, so that nothing overtakes.
    this.direct = false;
    this.#call.deadlines.waiting();
    return this.#reader.read().then(this.#onPulled, this.#onFailed);
  }

  readonly #onPulled = (read: Read): Promise<void> | undefined => {
    const piece = this.#pieceOf(read);
    // Nothing is left of it for the app: read on.
    if (piece?.length === 0) return this.pull();
    if (piece !== undefined) this.#controller?.enqueue(piece);
    if (read.done) this.#close();
    return undefined;
  };

  // One piece after the other, to the app's reader.

  read(): Promise<Read> {
    this.#awaited++;
    this.#call.deadlines.waiting();
    return this.#reader.read().then(this.#onRead, this.#onReadFailed);
  }

  released(): void {
    if (this.#awaited > 0) this.direct = false;
  }

  readonly #onRead = (read: Read): Read | Promise<Read> => {
    this.#awaited--;
    if (this.#reason !== undefined) throw this.#reason.why;
    const piece = this.#pieceOf(read);
    if (!this.direct) {
      if (piece !== undefined && piece.length > 0) this.#controller?.enqueue(piece);
      if (read.done) this.#close();
      throw new TypeError("The reader was released.");
    }
    if (piece === undefined) this.#close();
    // Nothing is left of it for the app: read on.
    else if (piece.length === 0) return this.read();
    return piece === read.value || piece === undefined ? read : { done: false, value: piece };
  };

  readonly #onReadFailed = (error: unknown): never => {
    this.#awaited--;
    this.#onFailed(error);
    throw this.#reason === undefined ? (this.#call.deadlines.expired ?? error) : this.#reason.why;
  };

  // However it is read.

  /** What the app gets of what was read; undefined when there is no more. */
  #pieceOf({ done, value }: Read): Uint8Array | undefined {
    const { meter, record, deadlines, ending } = this.#call;
    deadlines.heard();
    let piece: Uint8Array | undefined;
    if (done) {
      piece = ending.finish();
    } else {
      // What the meter keeps until the end must not change when the app uses its own.
      const view = meter.keeps ? value.slice() : value;
      const relayed = meter.push(view);
      piece = relayed === view ? value : relayed;
    }
    if (piece !== undefined) record.bytesOut += piece.length;
    if (done) ending.settle(undefined, false);
    return piece;
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#controller?.close();
  }

  readonly #onFailed = (error: unknown): void => {
    settleFailed(this.#call, error);
    this.#controller?.error(this.#call.deadlines.expired ?? error);
  };

  /** The app wants no more. */
  cancel(reason: unknown): Promise<void> {
    const { meter, ending } = this.#call;
    this.#closed = true;
    const { complete, reported } = meter.reading;
    // Leaving when all has been said, as after `[DONE]`, is no leaving.
    ending.settle(undefined, !(complete && reported));
    return this.#reader.cancel(reason);
  }

  /** The app has aborted, or a limit has passed. */
  left(reason: Reason): void {
    this.#closed = true;
    this.#reason = reason;
    this.#controller?.error(reason.why);
    this.#reader.cancel(reason.why).catch(() => undefined);
  }
}
