/**
 * Reads answers from the bytes of one connection, wherever TCP cut them. The body's bytes are handed on as
 * parts of what came in, never copied; nothing is called per byte.
 */
import {
  type AnswerHead,
  type LastLines,
  MalformedAnswer,
  parseAnswerHead,
  readField,
} from "./answer-head.ts";

/** Receives one answer. Returning false from a method makes the parser stop after it. */
export interface AnswerEvents {
  onInformation(status: number, headers: string[]): void;
  onHead(status: number, statusText: string, headers: string[]): boolean;
  onData(chunk: Buffer): boolean;
}

/** Largest head, as also largest trailer section, and most of all informational answers before an answer, in bytes. */
const MAX_HEAD_BYTES = 64 * 1024;
/** Chunk extensions mean nothing here; more of them than this in one answer is an attack. */
const MAX_EXTENSION_BYTES = 16 * 1024;

const BEGINNING = "HTTP/1.";
const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");
const NOTHING = Buffer.alloc(0);
const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;

type State =
  | "head"
  | "sized"
  | "until-close"
  | "chunk-size"
  | "chunk-extension"
  | "chunk-size-end"
  | "chunk-data"
  | "chunk-data-cr"
  | "chunk-data-lf"
  | "trailer"
  | "done";

export class AnswerParser {
  #events: AnswerEvents | undefined;
  #state: State = "done";
  #bodyless = false;
  #stopped = false;
  #begun = false;
  #keepAlive = false;
  #keepAliveFor = 0;
  #trailers: string[] = [];
  readonly #lastLines: LastLines = [];
  /** The beginning of a head or of a trailer line that was cut. */
  #held: Buffer = NOTHING;
  /** What `#take` found. */
  #text = "";
  /** Bytes left of a sized body or of a chunk. */
  #left = 0;
  #sizeDigits = 0;
  #extensionBytes = 0;
  #trailerBytes = 0;
  #informationBytes = 0;

  /** Makes ready for the answer to a request with this method. */
  begin(events: AnswerEvents, method: string): void {
    this.#events = events;
    this.#state = "head";
    this.#bodyless = method === "HEAD";
    this.#stopped = false;
    this.#begun = false;
    this.#held = NOTHING;
    this.#trailers = [];
    this.#extensionBytes = 0;
    this.#trailerBytes = 0;
    this.#informationBytes = 0;
  }

  /** The answer is complete. */
  get done(): boolean {
    return this.#state === "done";
  }

  /** At least one byte of the answer has come. */
  get begun(): boolean {
    return this.#begun;
  }

  /** The connection may serve another request after this answer. */
  get keepAlive(): boolean {
    return this.#keepAlive;
  }

  /** Milliseconds for which the server says that it keeps an idle connection. */
  get keepAliveFor(): number {
    return this.#keepAliveFor;
  }

  get trailers(): string[] {
    return this.#trailers;
  }

  /** The answer is complete when the connection ends now. */
  get endsWithConnection(): boolean {
    return this.#state === "until-close" || this.#state === "done";
  }

  /** Stops before the next event; meant to be called from one. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Reads on.
   *
   * @returns how many bytes were read: fewer than there are when the answer ended or an event stopped it.
   * @throws MalformedAnswer
   */
  push(chunk: Buffer): number {
    this.#stopped = false;
    let at = 0;
    if (chunk.length > 0) this.#begun = true;
    while (at < chunk.length && !this.#stopped && this.#state !== "done") at = this.#step(chunk, at);
    return at;
  }

  #step(chunk: Buffer, at: number): number {
    switch (this.#state) {
      case "head":
        return this.#head(chunk, at);
      case "sized":
        return this.#data(chunk, at, "done");
      case "until-close":
        this.#emit(at === 0 ? chunk : chunk.subarray(at));
        return chunk.length;
      case "chunk-size":
        return this.#chunkSize(chunk, at);
      case "chunk-extension":
        return this.#chunkExtension(chunk, at);
      case "chunk-size-end":
        expect(chunk, at, LF);
        this.#state = this.#left === 0 ? "trailer" : "chunk-data";
        return at + 1;
      case "chunk-data":
        return this.#data(chunk, at, "chunk-data-cr");
      case "chunk-data-cr":
        expect(chunk, at, CR);
        this.#state = "chunk-data-lf";
        return at + 1;
      case "chunk-data-lf":
        expect(chunk, at, LF);
        this.#expectChunk();
        return at + 1;
      case "trailer":
        return this.#trailer(chunk, at);
      case "done":
        return at;
    }
  }

  #head(chunk: Buffer, at: number): number {
    const next = this.#take(chunk, at, HEAD_END, MAX_HEAD_BYTES);
    if (next === -1) {
      checkBeginning(this.#held);
      return chunk.length;
    }
    const head = parseAnswerHead(this.#text, this.#lastLines);
    if (head.status < 200) {
      if (head.status === 101) throw new MalformedAnswer("it switched protocols unasked");
      // They are passed on at once, however slow the client is.
      this.#informationBytes += this.#text.length;
      if (this.#informationBytes > MAX_HEAD_BYTES)
        throw new MalformedAnswer("informational answers without end");
      if (head.status !== 100) this.#events?.onInformation(head.status, head.headers);
      return next;
    }
    this.#keepAlive = head.keepAlive;
    this.#keepAliveFor = head.keepAliveFor;
    this.#expectBody(head);
    if (this.#events?.onHead(head.status, head.statusText, head.headers) === false) this.#stopped = true;
    return next;
  }

  /** Where the body ends: RFC 9112, section 6.3. */
  #expectBody({ status, contentLength, chunked }: AnswerHead): void {
    if (this.#bodyless || status === 204 || status === 304) {
      this.#state = "done";
    } else if (chunked) {
      this.#expectChunk();
    } else if (contentLength !== undefined) {
      this.#left = contentLength;
      this.#state = contentLength === 0 ? "done" : "sized";
    } else {
      this.#keepAlive = false;
      this.#state = "until-close";
    }
  }

  #expectChunk(): void {
    this.#state = "chunk-size";
    this.#left = 0;
    this.#sizeDigits = 0;
  }

  #chunkSize(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      const digit = hexDigit(byte);
      if (digit !== -1) {
        // 12 digits are 256 TiB, and exact.
        if (++this.#sizeDigits > 12) throw new MalformedAnswer("an enormous chunk");
        this.#left = this.#left * 16 + digit;
        continue;
      }
      if (this.#sizeDigits === 0) throw new MalformedAnswer("an invalid chunk size");
      if (byte === CR) this.#state = "chunk-size-end";
      else if (byte === SEMICOLON) this.#state = "chunk-extension";
      else throw new MalformedAnswer("an invalid chunk size");
      return at + 1;
    }
    return chunk.length;
  }

  #chunkExtension(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at];
      if (byte === CR) {
        this.#state = "chunk-size-end";
        return at + 1;
      }
      if (byte === LF) throw new MalformedAnswer("a line feed in a chunk extension");
      if (++this.#extensionBytes > MAX_EXTENSION_BYTES) throw new MalformedAnswer("long chunk extensions");
    }
    return chunk.length;
  }

  #data(chunk: Buffer, at: number, after: State): number {
    const end = Math.min(chunk.length, at + this.#left);
    this.#left -= end - at;
    if (this.#left === 0) this.#state = after;
    this.#emit(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
    return end;
  }

  #emit(data: Buffer): void {
    if (this.#events?.onData(data) === false) this.#stopped = true;
  }

  #trailer(chunk: Buffer, at: number): number {
    const next = this.#take(chunk, at, LINE_END, MAX_HEAD_BYTES - this.#trailerBytes);
    if (next === -1) return chunk.length;
    const line = this.#text;
    this.#trailerBytes += line.length;
    if (line === "\r\n") this.#state = "done";
    else readField(line, 0, line.length - 2, this.#trailers);
    return next;
  }

  /**
   * Takes text up to and with the first line end of `mark`; -1 when it is not all there yet, and what there
   * is has been kept.
   */
  #take(chunk: Buffer, at: number, mark: Buffer, limit: number): number {
    const before = this.#held.length;
    const bytes = before === 0 ? chunk : Buffer.concat([this.#held, chunk.subarray(at)]);
    const from = before === 0 ? at : 0;
    const found = bytes.indexOf(mark, Math.max(from, before - mark.length + 1));
    if ((found === -1 ? bytes.length : found) - from > limit)
      throw new MalformedAnswer("the head is too large");
    if (found === -1) {
      this.#held = before === 0 ? chunk.subarray(at) : bytes;
      return -1;
    }
    this.#held = NOTHING;
    this.#text = bytes.toString("latin1", from, found + 2);
    const next = found + mark.length;
    return before === 0 ? next : at + next - before;
  }
}

/** What cannot become a head is not waited for. */
function checkBeginning(bytes: Buffer): void {
  const beginning = bytes.toString("latin1", 0, BEGINNING.length);
  if (!BEGINNING.startsWith(beginning)) throw new MalformedAnswer("an invalid status line");
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at - 1] !== CR) throw new MalformedAnswer("a bare line feed in the head");
  }
}

function expect(chunk: Buffer, at: number, byte: number): void {
  if (chunk[at] !== byte) throw new MalformedAnswer("a chunk that does not end where it should");
}

/** The value of a hexadecimal digit; -1 for any other byte. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
