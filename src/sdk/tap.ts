/**
 * Reads an answer's body for the app and shows the meter a copy, piece by piece and only as the app asks
 * for it: nothing is buffered, and a slow app slows the upstream down.
 */
import type { BellwetherError } from "../core/errors.ts";
import type { CallRecord } from "../gateway/call-record.ts";
import type { AnswerMeter } from "../usage/meter.ts";
import type { Deadlines } from "./deadlines.ts";
import { failureOf } from "./failure.ts";

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

/** The body for the app. */
export function tapped(
  body: ReadableStream<Uint8Array>,
  meter: AnswerMeter,
  record: CallRecord,
  deadlines: Deadlines,
  ending: Ending,
  app: { readonly signal: AbortSignal | undefined; readonly upstream: string },
): ReadableStream<Uint8Array> {
  const tap = new Tap(body.getReader(), meter, record, deadlines, ending, app.upstream);
  // A long-lived signal must not keep the answer alive.
  const weak = typeof WeakRef === "undefined" ? { deref: () => tap } : new WeakRef(tap);
  ending.listen(app.signal, () => {
    weak.deref()?.left(app.signal?.reason);
    ending.settle(undefined, true);
  });
  deadlines.onExpired = () => {
    weak.deref()?.left(deadlines.expired);
    ending.settle(deadlines.expired, false);
  };
  const stream = new ReadableStream<Uint8Array>(tap, NO_BUFFER);
  abandoned?.register(stream, ending);
  return stream;
}

/** Nothing is read before the app asks for it. */
const NO_BUFFER = { highWaterMark: 0 };

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Controller = ReadableStreamDefaultController<Uint8Array>;

/** In Node.js texts of a Buffer are decoded several times as fast. */
const viewOf: (bytes: Uint8Array) => Uint8Array =
  typeof Buffer === "undefined"
    ? (bytes) => bytes
    : (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

class Tap {
  readonly #reader: Reader;
  readonly #meter: AnswerMeter;
  readonly #record: CallRecord;
  readonly #deadlines: Deadlines;
  readonly #ending: Ending;
  readonly #upstream: string;
  #controller: Controller | undefined;

  constructor(
    reader: Reader,
    meter: AnswerMeter,
    record: CallRecord,
    deadlines: Deadlines,
    ending: Ending,
    upstream: string,
  ) {
    this.#reader = reader;
    this.#meter = meter;
    this.#record = record;
    this.#deadlines = deadlines;
    this.#ending = ending;
    this.#upstream = upstream;
  }

  start(controller: Controller): void {
    this.#controller = controller;
  }

  async pull(controller: Controller): Promise<void> {
    try {
      for (;;) {
        this.#deadlines.waiting();
        const { done, value } = await this.#reader.read();
        this.#deadlines.heard();
        if (done) return this.#end(controller);
        if (this.#relay(value, controller)) return;
      }
    } catch (error) {
      this.#fail(error, controller);
    }
  }

  /** The app wants no more. */
  cancel(reason: unknown): Promise<void> {
    const { complete, reported } = this.#meter.reading;
    // Leaving when all has been said, as after `[DONE]`, is no leaving.
    this.#ending.settle(undefined, !(complete && reported));
    return this.#reader.cancel(reason);
  }

  /** The app has aborted, or a limit has passed. */
  left(reason: unknown): void {
    this.#controller?.error(reason);
    this.#reader.cancel(reason).catch(() => undefined);
  }

  #relay(value: Uint8Array, controller: Controller): boolean {
    // What the meter keeps until the end must not change when the app uses its own.
    const view = this.#meter.keeps ? value.slice() : viewOf(value);
    const relayed = this.#meter.push(view);
    if (relayed.length === 0) return false;
    this.#record.bytesOut += relayed.length;
    controller.enqueue(relayed === view ? value : relayed);
    return true;
  }

  #end(controller: Controller): void {
    const rest = this.#ending.finish();
    if (rest !== undefined) {
      this.#record.bytesOut += rest.length;
      controller.enqueue(rest);
    }
    controller.close();
    this.#ending.settle(undefined, false);
  }

  #fail(error: unknown, controller: Controller): void {
    const { expired, left } = this.#deadlines;
    if (left) this.#ending.settle(undefined, true);
    else this.#ending.settle(failureOf(expired ?? error, this.#upstream, true), false);
    controller.error(expired ?? error);
  }
}
