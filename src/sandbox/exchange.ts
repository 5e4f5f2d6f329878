/**
 * One HTTP exchange while it is being answered: what has been written so far, waiting that ends when the
 * client leaves, and the rough ways to end a connection.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Quantities } from "../core/quantities.ts";

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

  head(status: number, headers: readonly string[]): void {
    this.status = status;
    this.response.writeHead(status, headers as string[]);
  }

  /** Writes a part of the body; the promise, if there is one, resolves when more may be written. */
  write(data: string | Buffer): Promise<void> | undefined {
    if (this.over) return undefined;
    this.bytes += typeof data === "string" ? Buffer.byteLength(data) : data.length;
    if (this.response.write(data)) return undefined;
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.response.once("drain", resolve);
    });
  }

  /** Ends the body in good order. */
  end(data?: string | Buffer): void {
    if (this.over) return;
    if (data === undefined) {
      this.response.end();
      return;
    }
    this.bytes += typeof data === "string" ? Buffer.byteLength(data) : data.length;
    this.response.end(data);
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
