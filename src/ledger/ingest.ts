/**
 * Moves the journal into the database: tails every segment in the folder, joins starts and settlements to rows,
 * inserts them in batches, and deletes a segment when the database has all of it. May be stopped anywhere: what
 * is read again is inserted again, and the database ignores the ids that it has.
 */
import { unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Calls } from "../store/calls.ts";
import type { Payload } from "./journal/frame-reader.ts";
import { JournalledCalls } from "./journal/journalled-calls.ts";
import { OpenCalls } from "./journal/open-calls.ts";
import { RecordBlocks } from "./journal/record-blocks.ts";
import { LostPlaceError, ReadBuffer, SegmentReader } from "./journal/segment-reader.ts";
import { listSegments, type SegmentFile } from "./journal/segments.ts";
import { isAlive, STALE_MS } from "./journal/writer-identity.ts";

export interface IngestOptions {
  readonly folder: string;
  /** Rows to insert at a time. */
  readonly batchRows?: number;
  /** Adds rows, ignoring ids that are there; resolves when they are durable. Called again before it has. */
  insert(calls: Calls): Promise<unknown>;
  /** Whether a writer is alive; the system is asked by default. */
  readonly alive?: typeof isAlive;
  /** Told, once for each, of a segment that cannot be read. */
  onProblem?(file: string, error: unknown): void;
}

export interface Progress {
  readonly rows: number;
  /** Rows of calls whose process died. */
  readonly interrupted: number;
  /** Runs of bytes that were no records, and settlements whose start was among them. */
  readonly damages: number;
}

/**
 * As many are inserted while the next are read. It is what the database compresses together (duckdb.ts): so many go to its
 * file at once, and not through its log; half as many cost 3 µs of CPU a row more, twice as many 2 less and 100 MB.
 */
const BATCH_ROWS = 32_768;
/** What a call's records take, until it is known what they do. */
const CALL_BYTES = 320;
/** Their records take no more than this, about: texts may be long. */
const BATCH_BYTES = 12 * 2 ** 20;
/** While one batch is committed the next is made ready. */
const INSERTS = 2;

/** What is in the journal and has not been read. */
export interface Waiting {
  readonly bytes: number;
  /** So much that there is no gain in waiting for more: a whole batch, or a file that could be deleted. */
  readonly enough: boolean;
}

interface Segment {
  readonly file: string;
  readonly number: number;
  readonly reader: SegmentReader;
  bytes: number;
  changedAt: number;
  /** Monotonic milliseconds at which it was last seen to have changed. */
  seenAt: number;
  /** All there is has been read, and nothing more will come. */
  complete: boolean;
  problem: boolean;
}

/** What is known of one writer's calls. */
interface Writer {
  /** Started and not settled. */
  readonly open: OpenCalls;
  /** In their order. */
  segments: Segment[];
}

export class Ingest {
  readonly #options: IngestOptions;
  readonly #batchRows: number;
  readonly #alive: typeof isAlive;
  readonly #writers = new Map<string, Writer>();
  readonly #into = new ReadBuffer();
  readonly #memory = new RecordBlocks();
  /** The batch that takes what is read. */
  #filling: JournalledCalls;
  /** Batches for the database, the oldest first; that of a failed insert comes back. */
  readonly #waiting: JournalledCalls[] = [];
  /** To be filled again. */
  readonly #spare: JournalledCalls[] = [];
  /** Inserts that are under way; they never reject. */
  readonly #inserting = new Set<Promise<void>>();
  /** The first of their failures. */
  #failure: InsertError | undefined;
  #rows = 0;
  /** Bytes of the journal that these were in, about. */
  #readBytes = 0;
  #interrupted = 0;
  #damages = 0;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#batchRows = options.batchRows ?? BATCH_ROWS;
    this.#alive = options.alive ?? isAlive;
    this.#filling = new JournalledCalls(this.#memory);
  }

  /** What has been done since this object was made. */
  get progress(): Progress {
    return { rows: this.#rows, interrupted: this.#interrupted, damages: this.#damages };
  }

  /** What the next pass would find. Not while there is one. */
  async waiting(): Promise<Waiting> {
    this.#note(await listSegments(this.#options.folder));
    let bytes = 0;
    let files = 0;
    for (const { segments } of this.#writers.values()) {
      for (const { bytes: written, reader } of segments) bytes += Math.max(0, written - reader.position);
      files += segments.length - 1;
    }
    const callBytes = this.#rows === 0 ? CALL_BYTES : this.#readBytes / this.#rows;
    return { bytes, enough: files > 0 || bytes >= this.#batchRows * callBytes };
  }

  /**
   * Reads and inserts all there is now.
   * @throws what `insert` throws; the next pass then goes on from there. LostPlaceError: there must be no next pass
   */
  async pass(): Promise<void> {
    try {
      await this.#insertAll();
      this.#note(await listSegments(this.#options.folder));
      for (const [name, writer] of this.#writers) await this.#advance(name, writer);
      await this.#insertAll();
      this.#memory.rest();
    } catch (error) {
      // A segment must not be found complete while its rows are on their way.
      await this.#landed(0).catch(() => undefined);
      throw error instanceof InsertError ? error.cause : error;
    }
  }

  /** Lets go of the open files. */
  async close(): Promise<void> {
    for (const { segments } of this.#writers.values()) {
      for (const { reader } of segments.values()) await reader.close();
    }
    this.#writers.clear();
  }

  /** Brings what is known of the folder up to date. */
  #note(files: readonly SegmentFile[]): void {
    const now = performance.now();
    const known = new Map<string, Segment>();
    for (const { segments } of this.#writers.values()) {
      for (const segment of segments) known.set(segment.file, segment);
    }
    for (const writer of this.#writers.values()) writer.segments = [];
    for (const { file, writer: name, number, bytes, changedAt } of files) {
      const segment = known.get(file) ?? this.#segment(file, number);
      known.delete(file);
      if (segment.bytes !== bytes || segment.changedAt !== changedAt) segment.seenAt = now;
      segment.bytes = bytes;
      segment.changedAt = changedAt;
      const writer: Writer = this.#writers.get(name) ?? { open: new OpenCalls(), segments: [] };
      this.#writers.set(name, writer);
      writer.segments.push(segment);
    }
    // Dropped by the writer, or deleted by another process that does the same as this one.
    for (const { reader } of known.values()) reader.close().catch(() => undefined);
    for (const [name, { segments }] of this.#writers) if (segments.length === 0) this.#writers.delete(name);
  }

  #segment(file: string, number: number): Segment {
    const reader = new SegmentReader(join(this.#options.folder, file), this.#into);
    return {
      file,
      number,
      reader,
      bytes: -1,
      changedAt: 0,
      seenAt: 0,
      complete: false,
      problem: false,
    };
  }

  async #advance(name: string, writer: Writer): Promise<void> {
    // Asked before reading: what a writer that is found dead has written is all there by then.
    const finished = this.#isFinished(writer);
    for (const segment of writer.segments) await this.#read(writer, segment, finished);
    // One that cannot be read now may have how they ended.
    if (finished && writer.segments.every(({ complete }) => complete)) {
      for (const number of writer.open.numbers) {
        writer.open.settle(number, undefined, this.#withRoom());
        this.#interrupted++;
      }
    }
    // The last segment of a writer that lives will be gone on with, or a successor is about to be seen.
    const done = writer.segments.filter((segment, index) => {
      return segment.complete && (finished || index < writer.segments.length - 1);
    });
    if (done.length === 0) return;
    await this.#insertAll();
    // Oldest first: those that remain begin with the calls that were open, and so can be understood without.
    for (const segment of done) await this.#delete(segment);
    writer.segments = writer.segments.filter((segment) => !done.includes(segment));
    if (writer.segments.length === 0) this.#writers.delete(name);
  }

  /** Nothing will come any more: its last segment was ended by an earlier pass, or its process is dead. */
  #isFinished({ segments }: Writer): boolean {
    const last = segments.at(-1);
    if (last === undefined) return false;
    if (last.reader.ended) return true;
    const unchangedMs = performance.now() - last.seenAt;
    const identity = segments.find(({ reader }) => reader.identity !== undefined)?.reader.identity;
    return identity === undefined ? unchangedMs >= STALE_MS : !this.#alive(identity, unchangedMs);
  }

  /** Reads a segment to its end. */
  async #read(writer: Writer, segment: Segment, finished: boolean): Promise<void> {
    const { reader } = segment;
    if (segment.complete) return;
    const { damages, position } = reader;
    try {
      for (;;) {
        const atEnd = await reader.read(finished || reader.ended, {
          started: (number, record) => writer.open.add(number, record),
          settled: (number, record) => this.#settled(writer, number, record),
        });
        await this.#insertWaiting();
        if (atEnd) break;
      }
    } catch (error) {
      if (error instanceof InsertError || error instanceof LostPlaceError) throw error;
      // Only this one waits; it stays where it is.
      if (!segment.problem) this.#options.onProblem?.(segment.file, error);
      segment.problem = true;
      // A file that has moved, or a file system that was away, is found again only when it is opened again.
      await reader.close().catch(() => undefined);
      return;
    }
    this.#readBytes += reader.position - position;
    segment.complete = finished || reader.ended;
    this.#damages += reader.damages - damages;
  }

  #settled({ open }: Writer, number: number, settled: Payload): void {
    if (!open.settle(number, settled, this.#withRoom())) this.#damages++;
  }

  /** The batch that takes the next call. */
  #withRoom(): JournalledCalls {
    const { length, bytes } = this.#filling;
    if (length >= this.#batchRows || bytes >= BATCH_BYTES) this.#endBatch();
    return this.#filling;
  }

  #endBatch(): void {
    if (this.#filling.length === 0) return;
    this.#waiting.push(this.#filling);
    this.#filling = this.#spare.pop() ?? new JournalledCalls(this.#memory);
  }

  /**
   * Begins the inserts of full batches, and waits until there is room for another: what is read on while two are under way
   * would only wait, and take memory. @throws InsertError when one has failed
   */
  async #insertWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#landed(INSERTS - 1);
      const calls = this.#waiting.shift();
      if (calls === undefined) break;
      const inserting = this.#insert(calls).finally(() => this.#inserting.delete(inserting));
      this.#inserting.add(inserting);
    }
    await this.#landed(INSERTS - 1);
  }

  /** Resolves when the database has all that has been read. @throws InsertError */
  async #insertAll(): Promise<void> {
    this.#endBatch();
    await this.#insertWaiting();
    await this.#landed(0);
  }

  /** Resolves when at most so many inserts are under way. @throws InsertError when one has failed, after all have ended */
  async #landed(left: number): Promise<void> {
    while (this.#inserting.size > (this.#failure === undefined ? left : 0)) {
      await Promise.race(this.#inserting);
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
  }

  async #insert(calls: JournalledCalls): Promise<void> {
    try {
      await this.#options.insert(calls);
      this.#rows += calls.length - calls.unreadable;
      this.#damages += calls.unreadable;
      calls.clear();
      this.#spare.push(calls);
    } catch (error) {
      this.#waiting.unshift(calls);
      this.#failure ??= new InsertError("", { cause: error });
    }
  }

  async #delete({ file, reader }: Segment): Promise<void> {
    await reader.close();
    await unlink(join(this.#options.folder, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
    });
  }
}

/** Tells a failure of the database from one of the journal. */
class InsertError extends Error {}
