/**
 * Reads an answer's body for the app and shows the meter a copy, piece by piece and only as the app asks
 * for it: nothing is buffered, and a slow app slows the upstream down.
 */
import type { BellwetherError } from "../core/errors.ts";
import type { CallRecord } from "../gateway/call-record.ts";
import type { AnswerMeter } from "../usage/meter.ts";
import { textStart, utf8Bytes, utf8Text } from "../wire/bytes.ts";
import type { Deadlines } from "./deadlines.ts";
import { failureOf } from "./failure.ts";
import { type Read, type Source, TappedStream } from "./tapped-stream.ts";

/** Ends a call once, whoever is first to say so. Knows nothing of the stream, so that an abandoned one can go. */
export class Ending {
  readonly #record: CallRecord;
  readonly #meter: AnswerMeter | undefined;
  readonly #deadlines: Deadlines;
  readonly #release: (meter: AnswerMeter | undefined) => void;
  #signal: AbortSignal | undefined;
  #onAbort: (() => void) | undefined;
  #finished = false;
  #over = false;
  /** Its place among the unread, or -1. */
  place = -1;
  /** What the app holds of the answer, while it is unread. */
  owner: object | undefined;

  constructor(
    record: CallRecord,
    meter: AnswerMeter | undefined,
    deadlines: Deadlines,
    release: (meter: AnswerMeter | undefined) => void,
  ) {
    this.#record = record;
    this.#meter = meter;
    this.#deadlines = deadlines;
    this.#release = release;
  }

  /** Calls `then` when the app aborts, until the call has ended. */
  listen(signal: AbortSignal | undefined, then: () => void): void {
    if (signal === undefined) return;
    this.#signal = signal;
    this.#onAbort = then;
    signal.addEventListener("abort", then, { once: true });
  }

  /** No more of the answer will be read. Returns what the app is still to get, once. */
  finish(): Uint8Array | undefined {
    if (this.#finished) return undefined;
    this.#finished = true;
    return this.#meter?.finish();
  }

  settle(error: BellwetherError | undefined, clientGone: boolean): void {
    if (this.#over) return;
    this.#over = true;
    if (this.place !== -1) wasRead(this);
    this.#deadlines.over();
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener("abort", this.#onAbort);
    this.finish();
    this.#release(this.#meter);
    this.#record.settle({ error, clientGone });
  }
}

/** Answers that the app dropped without reading them to their end are settled when they are collected. */
const abandoned =
  typeof FinalizationRegistry === "undefined"
    ? undefined
    : new FinalizationRegistry<Ending>((ending) => ending.settle(undefined, true));

/**
 * Whatever is registered for collection outlives many small collections, with all that it holds; for each call that
 * was a third of what metering costs (`bench/meter.mjs`). So it is done only for answers that stay unread this long.
 */
const UNREAD_MS = 100;
/** Each knows its place, so that leaving takes no look-up: a map would cost a call a microsecond. */
const unread: Ending[] = [];
let watching = false;

function settleOnceCollected(owner: object, ending: Ending): void {
  if (abandoned === undefined) return;
  ending.owner = owner;
  ending.place = unread.push(ending) - 1;
  if (watching) return;
  watching = true;
  const timer: unknown = setTimeout(() => {
    watching = false;
    for (const each of [...unread]) {
      if (each.owner !== undefined) abandoned.register(each.owner, each);
      wasRead(each);
    }
  }, UNREAD_MS);
  // In Node.js a timer would keep the app's process.
  (timer as { unref?: () => void }).unref?.();
}

/** Forgets one; the last takes its place. */
function wasRead(ending: Ending): void {
  const last = unread.pop();
  if (last !== undefined && last !== ending) {
    unread[ending.place] = last;
    last.place = ending.place;
  }
  ending.place = -1;
  ending.owner = undefined;
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Controller = ReadableStreamDefaultController<Uint8Array>;

/** What a tap needs to know of its call. */
export interface TappedCall {
  readonly meter: AnswerMeter;
  readonly record: CallRecord;
  readonly deadlines: Deadlines;
  readonly ending: Ending;
  /** The app's own. */
  readonly signal: AbortSignal | undefined;
  readonly upstream: string;
  /** Bytes of the body, where they were announced and are not compressed. */
  readonly length: number | undefined;
}

/** The platform's ways to read a body in one. */
export type WholeBody = Pick<Response, "arrayBuffer" | "text">;

export class Tap implements Source {
  readonly #meter: AnswerMeter;
  readonly #record: CallRecord;
  readonly #deadlines: Deadlines;
  readonly #ending: Ending;
  readonly #upstream: string;
  readonly #length: number | undefined;
  #stream: ReadableStream<Uint8Array> | undefined;
  #reader: Reader | undefined;
  #controller: Controller | undefined;
  /** The stream has ended for the app, one way or the other. */
  #closed = false;
  #reason: { readonly why: unknown } | undefined;
  /** How many pieces readers wait for. */
  #awaited = 0;
  direct = true;
  /** Whose body the stream is: must not be collected before it. */
  owner: object | undefined;

  constructor({ meter, record, deadlines, ending, signal, upstream, length }: TappedCall) {
    this.#meter = meter;
    this.#record = record;
    this.#deadlines = deadlines;
    this.#ending = ending;
    this.#upstream = upstream;
    this.#length = length;
    if (signal === undefined && !deadlines.limited) return;
    // A long-lived signal must not keep the answer alive.
    const weak: Pick<WeakRef<Tap>, "deref"> = typeof WeakRef === "undefined"
      ? { deref: () => this }
      : new WeakRef(this);
    ending.listen(signal, () => {
      weak.deref()?.left(signal?.reason);
      ending.settle(undefined, true);
    });
    deadlines.onExpired = () => {
      weak.deref()?.left(deadlines.expired);
      ending.settle(deadlines.expired, false);
    };
  }

  /** Settles the call should `owner` be collected with the body unread. */
  settleWith(owner: object): void {
    settleOnceCollected(owner, this.#ending);
  }

  /** The body as the app gets it. */
  stream(body: ReadableStream<Uint8Array>, owner?: object): ReadableStream<Uint8Array> {
    this.owner = owner;
    this.#reader = body.getReader();
    this.#stream = new TappedStream(this);
    return this.#stream;
  }

  /** The pieces of the answer are of no interest, and no limit is on them: it may be read in one. */
  get readsWhole(): boolean {
    return this.#stream === undefined && !this.#meter.growing && !this.#deadlines.limited;
  }

  /** Reads the body in one. Rejects as the platform does. */
  bytes(body: WholeBody): Promise<ArrayBuffer> {
    return body.arrayBuffer().then((buffer) => {
      this.#whole(new Uint8Array(buffer), buffer.byteLength);
      return buffer;
    }, this.#onWholeFailed);
  }

  /** The same as a text. */
  text(body: WholeBody): Promise<string> {
    return this.#textOf(body).then(([text, bytes]) => {
      this.#whole(utf8Bytes(text), bytes);
      return text;
    }, this.#onWholeFailed);
  }

  /** The same as what its JSON says, parsed once for the app and for the meter. */
  json(body: WholeBody): Promise<unknown> {
    return this.#textOf(body).then(([text, bytes]) => {
      let parsed: unknown;
      try {
        parsed = JSON.parse(text);
      } catch (error) {
        this.#whole(utf8Bytes(text), bytes);
        throw error;
      }
      this.#meter.pushParsed(parsed);
      this.#ended(bytes);
      return parsed;
    }, this.#onWholeFailed);
  }

  /**
   * The body's text, and how many bytes it was. The platform makes a text in less time than bytes, but from a text
   * nobody can tell them: a byte order mark is gone from it, and what was no UTF-8 is something else.
   */
  #textOf(body: WholeBody): Promise<readonly [text: string, bytes: number]> {
    const length = this.#length;
    if (length !== undefined) return body.text().then((text) => [text, length]);
    return body.arrayBuffer().then((buffer) => {
      const bytes = new Uint8Array(buffer);
      return [utf8Text(bytes, textStart(bytes)), bytes.length];
    });
  }

  #whole(bytes: Uint8Array, length: number): void {
    this.#meter.push(bytes);
    this.#ended(length);
  }

  readonly #onWholeFailed = (error: unknown): never => {
    this.#settleFailed(error);
    throw error;
  };

  #ended(bytes: number): void {
    this.#record.bytesOut += bytes;
    this.#ending.settle(undefined, false);
  }

  start(controller: Controller): void {
    this.#controller = controller;
  }

  // One piece after the other, by the stream's queue.

  pull(): Promise<void> | undefined {
    // What is asked for here may be left in the queue: from now on all goes by it, so that nothing overtakes.
    this.direct = false;
    this.#deadlines.waiting();
    return this.#reader?.read().then(this.#onPulled, this.#onFailed);
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
    this.#deadlines.waiting();
    return (this.#reader as Reader).read().then(this.#onRead, this.#onReadFailed);
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
    throw this.#reason === undefined ? (this.#deadlines.expired ?? error) : this.#reason.why;
  };

  // However it is read.

  /** What the app gets of what was read; undefined when there is no more. */
  #pieceOf({ done, value }: Read): Uint8Array | undefined {
    this.#deadlines.heard();
    let piece: Uint8Array | undefined;
    if (done) {
      piece = this.#ending.finish();
    } else {
      // What the meter keeps until the end must not change when the app uses its own.
      const view = this.#meter.keeps ? value.slice() : value;
      const relayed = this.#meter.push(view);
      piece = relayed === view ? value : relayed;
    }
    if (piece !== undefined) this.#record.bytesOut += piece.length;
    if (done) this.#ending.settle(undefined, false);
    return piece;
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#controller?.close();
  }

  readonly #onFailed = (error: unknown): void => {
    this.#settleFailed(error);
    this.#controller?.error(this.#deadlines.expired ?? error);
  };

  /** The app wants no more. */
  cancel(reason: unknown): Promise<void> | undefined {
    this.#closed = true;
    const { complete, reported } = this.#meter.reading;
    // Leaving when all has been said, as after `[DONE]`, is no leaving.
    this.#ending.settle(undefined, !(complete && reported));
    return this.#reader?.cancel(reason);
  }

  /** The app has aborted, or a limit has passed. */
  left(reason: unknown): void {
    this.#closed = true;
    this.#reason = { why: reason };
    this.#controller?.error(reason);
    this.#reader?.cancel(reason).catch(() => undefined);
  }

  #settleFailed(error: unknown): void {
    const { expired, left } = this.#deadlines;
    if (left) this.#ending.settle(undefined, true);
    else this.#ending.settle(failureOf(expired ?? error, this.#upstream, true), false);
  }
}
