/** Reads one segment as it grows: each call goes on where the last one stopped. */
import { type FileHandle, open } from "node:fs/promises";
import { type Payload, RecordError, scanFrames } from "./frame-reader.ts";
import { RECORD } from "./records.ts";
import { JOURNAL_VERSION } from "./segment-output.ts";
import type { WriterIdentity } from "./writer-identity.ts";

/** Payloads stand behind a record's kind and number, and are valid during the call. */
export interface RecordSink {
  /** @throws RecordError */
  started(number: number, record: Payload): void;
  settled(number: number, record: Payload): void;
}

const CHUNK_BYTES = 512 * 1024;

/** What segments are read into, one after the other. */
export class ReadBuffer {
  #bytes = Buffer.alloc(0);

  /** Of at least this length; what was read into it before is gone. */
  atLeast(length: number): Buffer {
    if (this.#bytes.length < length) this.#bytes = Buffer.allocUnsafeSlow(length);
    return this.#bytes;
  }
}

export class SegmentReader {
  readonly #path: string;
  readonly #into: ReadBuffer;
  #handle: FileHandle | undefined;
  /** Bytes that have been read. */
  position = 0;
  /** The beginning of a frame that was not there to its end. */
  #rest = Buffer.alloc(0);
  /** Known once the first record has been read; undefined when that is damaged. */
  identity: WriterIdentity | undefined;
  /** The last record has been read. */
  ended = false;
  damages = 0;
  damagedBytes = 0;

  constructor(path: string, into: ReadBuffer) {
    this.#path = path;
    this.#into = into;
  }

  /**
   * Reads the next piece; true when there was nothing more. With `final` nothing will be appended any more, so that
   * what is left at the end is a torn frame: it is counted and left out.
   * @throws the system's error, NewerJournalError (both can be tried again) or LostPlaceError
   */
  async read(final: boolean, sink: RecordSink): Promise<boolean> {
    this.#handle ??= await open(this.#path);
    const buffer = this.#into.atLeast(this.#rest.length + CHUNK_BYTES);
    this.#rest.copy(buffer);
    const { bytesRead } = await this.#handle.read(buffer, this.#rest.length, CHUNK_BYTES, this.position);
    const atEnd = bytesRead === 0;
    if (atEnd && (!final || this.#rest.length === 0)) return true;
    const bytes = buffer.subarray(0, this.#rest.length + bytesRead);
    const scan = scanFrames(bytes, atEnd, (payload) => this.#take(payload, sink));
    this.position += bytesRead;
    this.damages += scan.damages;
    this.damagedBytes += scan.skippedBytes;
    this.#rest = Buffer.from(bytes.subarray(scan.consumed));
    if (!atEnd) return false;
    if (this.#rest.length > 0) {
      this.damages++;
      this.damagedBytes += this.#rest.length;
      this.#rest = Buffer.alloc(0);
    }
    return true;
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  #take(payload: Payload, sink: RecordSink): void {
    try {
      switch (payload.byte()) {
        case RECORD.head:
          this.identity = readHead(payload.text());
          break;
        case RECORD.started:
          sink.started(payload.uint(), payload);
          break;
        case RECORD.settled:
          sink.settled(payload.uint(), payload);
          break;
        case RECORD.end:
          this.ended = true;
          break;
        default:
          // A kind that a newer program writes; what it is for is not known here.
          break;
      }
    } catch (error) {
      if (error instanceof NewerJournalError) throw error;
      if (!(error instanceof RecordError)) throw new LostPlaceError(error);
      this.damages++;
    }
  }
}

/** The segment has records that this program does not understand. */
export class NewerJournalError extends Error {
  override readonly name = "NewerJournalError";
}

/**
 * A record could not be taken, and that was no fault of the record: memory was used up, or the program is wrong. Those
 * before it have been taken, so that nothing can be read again: only whoever begins anew has them all, once.
 */
export class LostPlaceError extends Error {
  override readonly name = "LostPlaceError";

  constructor(cause: unknown) {
    super(`the journal cannot be taken over: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

/** @throws RecordError, NewerJournalError */
function readHead(text: string): WriterIdentity {
  const { version, ...identity } = parsedHead(text);
  if (version > JOURNAL_VERSION) {
    throw new NewerJournalError(
      `a newer Bellwether wrote it (journal version ${version}, this one reads ${JOURNAL_VERSION}): start that one, or move the segment away`,
    );
  }
  return identity;
}

function parsedHead(text: string): WriterIdentity & { readonly version: number } {
  let head: (WriterIdentity & { readonly version: number }) | null;
  try {
    head = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new RecordError("a segment's head is no JSON");
    throw error;
  }
  if (typeof head !== "object" || head === null) throw new RecordError("a segment's head is no object");
  return head;
}
