/**
 * The stream of a tapped body. It is a stream as any other, which asks its tap for each piece; but who reads it by a
 * reader or by `for await`, as SDKs do, is handed what the tap has read without a way through this stream's own
 * queue, which costs more than looking for events (`bench/meter.mjs`). All else of the platform goes by the queue.
 */

type Reader = ReadableStreamDefaultReader<Uint8Array>;
export type Read = Awaited<ReturnType<Reader["read"]>>;

/** Where the pieces come from. */
export interface Source {
  start(controller: ReadableStreamDefaultController<Uint8Array>): void;
  pull(): Promise<void> | undefined;
  cancel(reason: unknown): Promise<void> | undefined;
  /** The next piece may be handed over directly: nothing is in the queue, or on its way there. */
  readonly direct: boolean;
  /** The next piece. Ends the stream, or lets it fail, as `pull` does. */
  read(): Promise<Read>;
  /** A reader has left. What was read for it goes to whoever reads on. */
  released(): void;
}

/** Nothing is read before the app asks for it. */
const NO_BUFFER = { highWaterMark: 0 };

export class TappedStream extends ReadableStream<Uint8Array> {
  readonly #source: Source;

  constructor(source: Source) {
    super(source, NO_BUFFER);
    this.#source = source;
  }

  override getReader(options: { mode: "byob" }): ReadableStreamBYOBReader;
  override getReader(): Reader;
  override getReader(options?: { mode?: "byob" }): Reader | ReadableStreamBYOBReader;
  override getReader(options?: { mode?: "byob" }): Reader | ReadableStreamBYOBReader {
    return options?.mode === undefined ? new TappedReader(this, this.#source) : super.getReader(options);
  }

  override values(options?: { readonly preventCancel?: boolean }): Pieces {
    return new Pieces(new TappedReader(this, this.#source), options?.preventCancel === true);
  }

  override [Symbol.asyncIterator](options?: { readonly preventCancel?: boolean }): Pieces {
    return this.values(options);
  }
}

export class TappedReader extends ReadableStreamDefaultReader<Uint8Array> {
  readonly #source: Source;
  released = false;

  constructor(stream: TappedStream, source: Source) {
    super(stream);
    this.#source = source;
  }

  override read(): Promise<Read> {
    return this.#source.direct && !this.released ? this.#source.read() : super.read();
  }

  override releaseLock(): void {
    super.releaseLock();
    if (this.released) return;
    this.released = true;
    this.#source.released();
  }
}

/** What `for await` reads by. */
class Pieces implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #reader: TappedReader;
  readonly #preventCancel: boolean;
  /** What was asked for last. */
  #last: Promise<unknown> | undefined;

  constructor(reader: TappedReader, preventCancel: boolean) {
    this.#reader = reader;
    this.#preventCancel = preventCancel;
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#reader.released) return Promise.resolve(END);
    const next = this.#reader.read().then(this.#onRead, this.#onFailed);
    this.#last = next;
    return next;
  }

  /** The app leaves the loop. */
  async return(reason?: unknown): Promise<IteratorResult<Uint8Array, undefined>> {
    await this.#last?.then(nothing, nothing);
    if (!this.#reader.released) {
      const cancelled = this.#preventCancel ? undefined : this.#reader.cancel(reason);
      this.#reader.releaseLock();
      await cancelled;
    }
    return END;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  readonly #onRead = (read: Read): IteratorResult<Uint8Array, undefined> => {
    if (!read.done) return read;
    this.#reader.releaseLock();
    return END;
  };

  readonly #onFailed = (error: unknown): never => {
    this.#reader.releaseLock();
    throw error;
  };
}

const END = { done: true, value: undefined } as const;

function nothing(): void {}
