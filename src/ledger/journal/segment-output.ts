/**
 * The segment that this process writes: opens it, appends to it, and retires it when the next one has been begun.
 * Appending is synchronous, because a call's start must be with the kernel before the upstream can see the call.
 * What must be on the disk waits elsewhere.
 */
import {
  closeSync,
  fdatasync,
  fsyncSync,
  futimes,
  mkdirSync,
  openSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Call } from "../../usage/usage.ts";
import { FrameWriter } from "./frame-writer.ts";
import { RECORD, writeStarted } from "./records.ts";
import { segmentFile } from "./segments.ts";
import type { WriterIdentity } from "./writer-identity.ts";

/** Of the files; a reader refuses a newer one. */
export const JOURNAL_VERSION = 1;

export interface OpenCall {
  readonly number: number;
  readonly call: Call;
}

export class SegmentOutput {
  readonly file: string;
  readonly #path: string;
  readonly #fd: number;
  #bytes = 0;

  /**
   * Begins the `number`th segment of a writer: with who writes it and with the calls that are open, so that the
   * segments before it are not needed to understand this one. @throws the system's error
   */
  constructor(folder: string, identity: WriterIdentity, number: number, open: Iterable<OpenCall>) {
    mkdirSync(folder, { recursive: true });
    this.file = segmentFile(identity.writer, number);
    this.#path = join(folder, this.file);
    this.#fd = openSync(this.#path, "ax", 0o600);
    const frames = new FrameWriter();
    frames.begin(RECORD.head);
    frames.text(JSON.stringify({ version: JOURNAL_VERSION, ...identity }));
    frames.end();
    for (const { number: callNumber, call } of open) writeStarted(frames, callNumber, call);
    try {
      while (frames.length > 0) this.append(frames);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Appends frames and takes out what was written, which may be a part. @throws the system's error */
  append(frames: FrameWriter): void {
    const { bytes } = frames;
    const written = writeSync(this.#fd, bytes, 0, bytes.length);
    this.#bytes += written;
    if (written === bytes.length) frames.clear();
    else frames.drop(written);
  }

  /** Shows readers in other containers that this process lives. */
  touch(): void {
    const now = new Date();
    futimes(this.#fd, now, now, () => undefined);
  }

  /** Ends this segment once its successor, which has the open calls, is on the disk. Does not wait. */
  retire(successor: SegmentOutput): void {
    fdatasync(successor.#fd, () => {
      try {
        this.#writeEnd();
      } catch {
        // A reader then waits for this process to end before it deletes the segment.
      }
      fdatasync(this.#fd, () => closeSync(this.#fd));
    });
  }

  /** Ends this segment, the writer's last, and waits until it is on the disk. @throws the system's error */
  close(): void {
    try {
      this.#writeEnd();
      fsyncSync(this.#fd);
    } finally {
      closeSync(this.#fd);
    }
  }

  /** Takes it away, because nothing is in it. @throws the system's error */
  remove(): void {
    closeSync(this.#fd);
    unlinkSync(this.#path);
  }

  #writeEnd(): void {
    const frames = new FrameWriter();
    frames.begin(RECORD.end);
    frames.end();
    this.append(frames);
  }
}
