/**
 * Writes one answer to a client's socket in as few pieces as can be: what is written in one turn of the loop,
 * the head and the frames of chunks included, leaves as one.
 */
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";

/** What waits is written at once when it is more than this; copying more costs more than it saves. */
const JOINED_BYTES = 16 * 1024;
/** What node:http's server says of how long it keeps a connection, too: see server.ts. */
const KEEP_ALIVE = "Connection: keep-alive\r\nKeep-Alive: timeout=75\r\n\r\n";
const CLOSE = "Connection: close\r\n\r\n";

/** How the end of the body is told. */
type Framing = "none" | "sized" | "chunked";

export class AnswerWriter {
  readonly #socket: Socket;
  /** Text is latin1. */
  #parts: (string | Uint8Array)[] = [];
  #waiting = 0;
  #scheduled = false;
  #framing: Framing = "none";
  #headWritten = false;
  #ended = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** The head has been written, or waits to be. */
  get begun(): boolean {
    return this.#headWritten;
  }

  /** An informational answer. */
  inform(status: number, headers: readonly string[]): void {
    if (this.#headWritten) return;
    this.#add(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines(headers, false)}\r\n`);
    this.flush();
  }

  /** `method` is the request's, which decides whether there is a body. */
  head(method: string, status: number, statusText: string, headers: readonly string[], keep: boolean): void {
    const bodiless = method === "HEAD" || status === 204 || status === 304;
    const sized = !bodiless && isSized(headers);
    this.#framing = bodiless ? "none" : sized ? "sized" : "chunked";
    this.#headWritten = true;
    const reason = statusText === "" ? (STATUS_CODES[status] ?? "") : statusText;
    const framing = this.#framing === "chunked" ? "Transfer-Encoding: chunked\r\n" : "";
    // Trailers have their place only after chunks.
    const fields = lines(headers, this.#framing !== "chunked");
    this.#add(`HTTP/1.1 ${status} ${reason}\r\n${fields}${framing}${keep ? KEEP_ALIVE : CLOSE}`);
  }

  /** Returns false when the client is slow: the socket's `drain` tells when it has caught up. */
  write(chunk: Uint8Array): boolean {
    if (chunk.length > 0 && this.#framing !== "none") {
      if (this.#framing === "chunked") this.#parts.push(`${chunk.length.toString(16)}\r\n`, chunk, "\r\n");
      else this.#parts.push(chunk);
      this.#waiting += chunk.length;
      if (this.#waiting > JOINED_BYTES) this.flush();
      else this.#schedule();
    }
    return !this.#socket.writableNeedDrain;
  }

  end(trailers: readonly string[]): void {
    this.#ended = true;
    if (this.#framing === "chunked") this.#parts.push(`0\r\n${lines(trailers, false)}\r\n`);
    this.flush();
  }

  turnEnds(): void {
    this.#scheduled = false;
    this.flush();
  }

  /** Writes what waits. */
  flush(): void {
    const parts = this.#parts;
    const socket = this.#socket;
    if (parts.length === 0) return;
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) {
      if (typeof only === "string") socket.write(only, "latin1");
      else socket.write(only);
    } else if (this.#waiting > JOINED_BYTES) {
      socket.cork();
      for (const part of parts) {
        if (typeof part === "string") socket.write(part, "latin1");
        else socket.write(part);
      }
      socket.uncork();
    } else {
      socket.write(joined(parts));
    }
    this.#waiting = 0;
    // An answer that is over needs no list for more.
    if (this.#ended) this.#parts = NOTHING;
    else parts.length = 0;
  }

  #add(text: string): void {
    this.#parts.push(text);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (scheduled.length === 0) setImmediate(flushAll);
    scheduled.push(this);
  }
}

const NOTHING: (string | Uint8Array)[] = [];

/** Writers that have something to write at the end of this turn, unless they have done so by themselves. */
let scheduled: AnswerWriter[] = [];

function flushAll(): void {
  const writers = scheduled;
  scheduled = [];
  for (const writer of writers) writer.turnEnds();
}

function joined(parts: readonly (string | Uint8Array)[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const all = Buffer.allocUnsafe(length);
  let at = 0;
  for (const part of parts) {
    if (typeof part === "string") all.write(part, at, "latin1");
    else all.set(part, at);
    at += part.length;
  }
  return all;
}

function isSized(headers: readonly string[]): boolean {
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? "";
    if (name.length === 14 && name.toLowerCase() === "content-length") return true;
  }
  return false;
}

function lines(headers: readonly string[], withoutTrailer: boolean): string {
  let text = "";
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? "";
    if (withoutTrailer && name.length === 7 && name.toLowerCase() === "trailer") continue;
    text += `${name}: ${headers[at + 1]}\r\n`;
  }
  return text;
}
