/**
 * One HTTP exchange while it is being answered: what has been written so far, waiting that ends when the
 * client leaves, and the rough ways to end a connection.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Quantities } from "../core/quantities.ts";

/** How the end of a body is marked: its length in bytes, chunks, or the end of the connection. */
export type Framing = number | "chunked" | "close";

export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The connection is closed, or the answer finished. */
  over = false;
  /** The sandbox itself ended the answer early. */
  cutShort = false;
  /** Status of the head that was written; 0 before. */
  status = 0;
  /** Output tokens written. */
  tokens = 0;
  /** Bytes of the body written. */
  bytes = 0;
  /** Usage as written so far. */
  reported: Quantities | undefined;
  #chunked = false;
  #wake: (() => void) | undefined;
  #whenOver: (() => void) | undefined;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
    response.on("close", () => {
      this.over = true;
      this.#wake?.();
      this.#whenOver?.();
    });
  }

  /** Calls `act` once the exchange is over, at once if it is; replaces what was to be called before. */
  whenOver(act: () => void): void {
    this.#whenOver = act;
    if (this.over) act();
  }

  /** Waits that many milliseconds, or until the exchange is over. */
  sleep(milliseconds: number): Promise<void> {
    if (this.over) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Waits until the exchange is over. */
  untilOver(): Promise<void> {
    if (this.over) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Writes the head; `headers` is name, value, name, value, … and gets the framing's own. */
  begin(status: number, headers: string[], framing: Framing): void {
    const { request, response } = this;
    this.status = status;
    const bodiless = status === 204 || status === 304;
    const old = request.httpVersionMajor < 1 || request.httpVersion === "1.0";
    this.#chunked = framing === "chunked" && !old && !bodiless;
    if (bodiless) {
      // RFC 9110 allows these neither a length nor a body.
    } else if (typeof framing === "number") headers.push("content-length", String(framing));
    else if (this.#chunked) headers.push("transfer-encoding", "chunked");
    else {
      headers.push("connection", "close");
      response.useChunkedEncodingByDefault = false;
    }
    response.writeHead(status, headers);
    // Chunks are framed below: one string instead of the four that Node.js would gather for each.
    response.chunkedEncoding = false;
  }

  /** Writes a part of the body; the promise, if there is one, resolves when more may be written. */
  write(data: string | Buffer): Promise<void> | undefined {
    if (this.over || data.length === 0) return undefined;
    const size = typeof data === "string" ? Buffer.byteLength(data) : data.length;
    this.bytes += size;
    if (this.response.write(this.#chunked ? chunk(data, size) : data)) return undefined;
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.response.once("drain", resolve);
    });
  }

  /** Ends the body in good order, a chunked one with trailers if there are any. */
  end(trailers: readonly (readonly [string, string])[] = []): void {
    if (this.over) return;
    if (!this.#chunked) {
      this.response.end();
      return;
    }
    const fields = trailers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    this.response.end(`0\r\n${fields}\r\n`, "latin1");
  }

  /** Writes head and body at once. */
  answer(status: number, headers: string[], body: string | Buffer): void {
    const size = typeof body === "string" ? Buffer.byteLength(body) : body.length;
    this.begin(status, headers, size);
    this.bytes = size;
    this.response.end(body);
  }

  /** Resets the connection (TCP RST), once what was written had a moment to arrive. */
  async reset(): Promise<void> {
    this.cutShort = true;
    if (this.status !== 0) await this.sleep(GRACE_MS);
    this.request.socket.resetAndDestroy();
  }

  /** Closes the connection (TCP FIN) wherever the answer is. */
  async hangUp(): Promise<void> {
    this.cutShort = true;
    if (this.status !== 0) await this.sleep(GRACE_MS);
    this.request.socket.destroySoon();
  }

  /** Writes bytes past the HTTP layer. */
  raw(text: string): void {
    this.request.socket.write(text, "latin1");
  }
}

/** Long enough for written bytes to leave before a connection is torn down. */
const GRACE_MS = 20;

const LINE_END = Buffer.from("\r\n");

/** A chunk of RFC 9112, section 7.1. */
function chunk(data: string | Buffer, size: number): string | Buffer {
  const length = `${size.toString(16)}\r\n`;
  return typeof data === "string"
    ? `${length}${data}\r\n`
    : Buffer.concat([Buffer.from(length, "latin1"), data, LINE_END]);
}
