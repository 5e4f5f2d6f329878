/**
 * The journal's writing side: a record of every call before it is sent upstream, and one when it is settled, so
 * that a process that is killed leaves no call unaccounted for. What goes wrong here never fails a call: records
 * that cannot be written are held in memory, within bounds, and written later.
 */

import { uuidv7 } from "../../core/ids.ts";
import type { Logger } from "../../core/log.ts";
import type { Call, Recorder, Usage } from "../../usage/usage.ts";
import { FrameWriter } from "./frame-writer.ts";
import { JournalSpace } from "./journal-space.ts";
import { writeSettled, writeStarted } from "./records.ts";
import { type OpenCall, SegmentOutput } from "./segment-output.ts";
import { HEARTBEAT_MS, ownIdentity, type WriterIdentity } from "./writer-identity.ts";

export type WhenFull = "drop-oldest" | "reject";

export interface JournalOptions {
  readonly folder: string;
  /** Most bytes of all segments in the folder, whoever wrote them. */
  readonly maxBytes: number;
  readonly whenFull: WhenFull;
  readonly log: Logger;
  /** A segment is ended when it has grown to this many bytes. */
  readonly segmentBytes?: number;
  /** Told of calls whose records were dropped. */
  onDropped?(calls: number): void;
}

const SEGMENT_BYTES = 16 * 2 ** 20;
/** Records that cannot be written wait in memory up to this many bytes: some 40,000 calls. */
const MAX_HELD_BYTES = 16 * 2 ** 20;
/** After a failed write the next is tried after this long, not with every call. */
const RETRY_MS = 250;
const LOOK_MS = 1_000;
/** A call that no upstream sees needs no record before it is settled. */
const NOT_SENT = "none";

export class Journal implements Recorder {
  readonly #options: JournalOptions;
  readonly #segmentBytes: number;
  readonly #identity: WriterIdentity;
  readonly #space: JournalSpace;
  readonly #open = new Map<string, OpenCall>();
  readonly #frames = new FrameWriter();
  /** Settlements among the frames that wait. */
  #waiting = 0;
  #segment: SegmentOutput | undefined;
  #segmentNumber = 0;
  #lastCall = 0;
  #flushing: NodeJS.Immediate | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failing = false;
  /** The segment is to be ended, whatever its size. */
  #overdue = false;
  #closed = false;
  readonly #look: NodeJS.Timeout;
  #touchedAt = performance.now();

  /** Begins the first segment. Where that cannot be, it is tried again; the log says so. */
  constructor(options: JournalOptions) {
    this.#options = options;
    const { folder, maxBytes, whenFull, log } = options;
    this.#segmentBytes = options.segmentBytes ?? Math.min(SEGMENT_BYTES, Math.ceil(maxBytes / 8));
    this.#identity = ownIdentity(uuidv7(Date.now()));
    this.#space = new JournalSpace({
      folder,
      maxBytes,
      whenFull,
      log,
      onDropped: (calls) => options.onDropped?.(calls),
    });
    this.#flush();
    this.#look = setInterval(() => void this.#lookAround(), LOOK_MS).unref();
  }

  /** Bytes of all segments, as last seen, with what this process has written since. */
  get bytes(): number {
    return this.#space.others + (this.#segment?.bytes ?? 0);
  }

  /** Whether any call has been recorded. */
  get used(): boolean {
    return this.#lastCall > 0;
  }

  /** True while new calls are to be refused, because they could not be recorded. */
  get refuses(): boolean {
    return this.#options.whenFull === "reject" && (this.#space.full || this.#frames.length >= MAX_HELD_BYTES);
  }

  started(call: Call): void {
    // What is refused because the journal is full would fill it further.
    if (call.upstream === NOT_SENT && this.refuses) return;
    const number = ++this.#lastCall;
    this.#open.set(call.id, { number, call });
    writeStarted(this.#frames, number, call);
    this.#flushThisTurn();
  }

  /** Writes what waits: to be called before a call is sent whose start may be among it. */
  flush(): void {
    if (this.#frames.length > 0) this.#flush();
  }

  settled(usage: Usage): void {
    const open = this.#open.get(usage.id);
    if (open === undefined) return;
    this.#open.delete(usage.id);
    this.#waiting++;
    // It went on at another upstream: the second start takes the place of the first.
    if (usage.upstream !== open.call.upstream) writeStarted(this.#frames, open.number, usage);
    writeSettled(this.#frames, open.number, usage);
    this.#flushThisTurn();
  }

  /** Writes what waits and ends the segment. Calls still open become interrupted ones. */
  close(): void {
    if (this.#closed) return;
    clearInterval(this.#look);
    clearTimeout(this.#retry);
    clearImmediate(this.#flushing);
    this.#retry = undefined;
    this.#flush();
    this.#closed = true;
    clearTimeout(this.#retry);
    try {
      if (this.#lastCall === 0) this.#segment?.remove();
      else this.#segment?.close();
    } catch (error) {
      this.#options.log.error({ err: error }, "the journal could not be ended in order");
    }
    if (this.#frames.length > 0) this.#dropHeld();
  }

  /** One write for all that happens in a turn of the event loop. */
  #flushThisTurn(): void {
    this.#flushing ??= setImmediate(() => this.#flush());
  }

  #flush(): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    if (this.#retry !== undefined || this.#closed) return this.#bound();
    try {
      this.#segment ??= this.#begin();
      // A write may take a part only; the next one tells why.
      while (this.#frames.length > 0) this.#segment.append(this.#frames);
      this.#waiting = 0;
      if (this.#failing) this.#recovered();
      if (this.#overdue || this.#segment.bytes >= this.#segmentBytes) this.#rotate(this.#segment);
    } catch (error) {
      this.#failed(error);
    }
  }

  #begin(): SegmentOutput {
    const { folder } = this.#options;
    return new SegmentOutput(folder, this.#identity, ++this.#segmentNumber, this.#open.values());
  }

  #rotate(before: SegmentOutput): void {
    const next = this.#begin();
    this.#overdue = false;
    this.#segment = next;
    this.#space.others += before.bytes;
    before.retire(next);
  }

  #failed(error: unknown): void {
    if (!this.#failing) {
      const held = "traffic goes on, and the records are held in memory";
      this.#options.log.error({ err: error, folder: this.#options.folder }, `journal not writable: ${held}`);
    }
    this.#failing = true;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#flush();
    }, RETRY_MS).unref();
    this.#bound();
  }

  #recovered(): void {
    this.#failing = false;
    this.#options.log.info({ folder: this.#options.folder }, "journal writable again");
  }

  #bound(): void {
    if (this.#frames.length < MAX_HELD_BYTES || this.#options.whenFull === "reject") return;
    this.#dropHeld();
    // Space for what comes next, should it be the disk that is full.
    void this.#space.dropOldest(this.#segment?.file);
  }

  #dropHeld(): void {
    this.#frames.clear();
    this.#options.onDropped?.(this.#waiting);
    this.#options.log.error({ calls: this.#waiting }, "records dropped: the journal could not be written");
    this.#waiting = 0;
    // The starts of calls that are open may have been among them, and their ends will come.
    for (const { number, call } of this.#open.values()) writeStarted(this.#frames, number, call);
  }

  /** Looks at the folder: how full it is, and whether the segment is still there. */
  async #lookAround(): Promise<void> {
    if (performance.now() - this.#touchedAt >= HEARTBEAT_MS) {
      this.#touchedAt = performance.now();
      this.#segment?.touch();
    }
    const segment = this.#segment;
    const there = await this.#space.measure(segment?.file);
    if (there || this.#closed || segment !== this.#segment) return;
    // Somebody removed it: what is written now goes where it can be found.
    this.#options.log.error(
      { folder: this.#options.folder },
      "the journal's segment was removed; begins another",
    );
    this.#overdue = true;
    this.#flush();
  }
}
