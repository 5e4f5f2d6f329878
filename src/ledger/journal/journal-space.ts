/** How much of its allowance a journal takes, and making room when that is used up. */
import { createReadStream } from "node:fs";
import { unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../../core/log.ts";
import { scanFrames } from "./frame-reader.ts";
import { RECORD } from "./records.ts";
import { isLast, listSegments, type SegmentFile } from "./segments.ts";
import { STALE_MS } from "./writer-identity.ts";

export interface JournalSpaceOptions {
  readonly folder: string;
  readonly maxBytes: number;
  readonly whenFull: "drop-oldest" | "reject";
  readonly log: Logger;
  onDropped(calls: number): void;
}

export class JournalSpace {
  readonly #options: JournalSpaceOptions;
  /** Bytes of all segments but this process's current one. */
  others = 0;
  full = false;
  #busy = false;

  constructor(options: JournalSpaceOptions) {
    this.#options = options;
  }

  /** Sees how full the folder is, and makes room. False when `current`, this process's segment, is not there. */
  async measure(current: string | undefined): Promise<boolean> {
    if (this.#busy) return true;
    this.#busy = true;
    try {
      const segments = await listSegments(this.#options.folder);
      const total = segments.reduce((sum, { bytes }) => sum + bytes, 0);
      const own = segments.find(({ file }) => file === current);
      this.others = total - (own?.bytes ?? 0);
      this.#note(total >= this.#options.maxBytes, total);
      if (this.full && this.#options.whenFull === "drop-oldest") {
        await this.#makeRoom(segments, total - this.#options.maxBytes, current);
      }
      return own !== undefined || current === undefined;
    } catch (error) {
      this.#options.log.error({ err: error, folder: this.#options.folder }, "journal folder not readable");
      return true;
    } finally {
      this.#busy = false;
    }
  }

  /** Deletes the oldest segment that nobody writes, if there is one. */
  async dropOldest(current: string | undefined): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      await this.#makeRoom(await listSegments(this.#options.folder), 0, current);
    } catch (error) {
      this.#options.log.error({ err: error, folder: this.#options.folder }, "journal folder not readable");
    } finally {
      this.#busy = false;
    }
  }

  /** Deletes the oldest segments until more than `excess` bytes are free. */
  async #makeRoom(
    segments: readonly SegmentFile[],
    excess: number,
    current: string | undefined,
  ): Promise<void> {
    let freed = 0;
    for (const segment of segments) {
      if (freed > excess) return;
      if (segment.file === current || isBeingWritten(segment, segments)) continue;
      const path = join(this.#options.folder, segment.file);
      const calls = await callsIn(path);
      try {
        await unlink(path);
      } catch (error) {
        // The ledger has taken it over, or another process was quicker.
        if ((error as NodeJS.ErrnoException).code === "ENOENT") continue;
        throw error;
      }
      freed += segment.bytes;
      this.others -= segment.bytes;
      this.#options.onDropped(calls);
      this.#options.log.error({ segment: segment.file, calls }, "journal full: oldest segment dropped");
    }
  }

  #note(full: boolean, bytes: number): void {
    if (full === this.full) return;
    this.full = full;
    const { maxBytes, whenFull, log } = this.#options;
    if (!full) return log.info({ bytes, maxBytes }, "journal below its limit again");
    const what = whenFull === "reject" ? "new calls are refused" : "the oldest records are dropped";
    log.error({ bytes, maxBytes, whenFull }, `journal full: ${what} until the ledger has caught up`);
  }
}

function isBeingWritten(segment: SegmentFile, segments: readonly SegmentFile[]): boolean {
  return isLast(segment, segments) && Date.now() - segment.changedAt < STALE_MS;
}

/** How many calls are settled in a segment. Takes turns with the calls that are running. */
async function callsIn(path: string): Promise<number> {
  let calls = 0;
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) {
      const bytes = Buffer.concat([rest, chunk as Buffer]);
      const { consumed } = scanFrames(bytes, false, (payload) => {
        if (payload.byte() === RECORD.settled) calls++;
      });
      rest = bytes.subarray(consumed);
    }
  } catch {
    // It is gone, or cannot be read: what can be told of it has been counted.
  }
  return calls;
}
