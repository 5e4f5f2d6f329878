/** The last requests as they arrived, byte for byte, for tests that compare. Off unless asked for: it holds keys. */
import type { IncomingMessage } from "node:http";
import type { BodyRead } from "./body.ts";

export interface RecordedRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly httpVersion: string;
  /** Name, value, name, value, … as sent. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** False where the client left, or the body was too large. */
  readonly complete: boolean;
}

export class Recording {
  readonly #most: number;
  #requests: RecordedRequest[] = [];

  /** Keeps the last `most` requests; 0 keeps none. */
  constructor(most: number) {
    this.#most = most;
  }

  add(request: IncomingMessage, body: BodyRead): void {
    if (this.#most === 0) return;
    if (this.#requests.length >= this.#most) this.#requests.shift();
    this.#requests.push({
      method: request.method ?? "",
      url: request.url ?? "",
      httpVersion: request.httpVersion,
      rawHeaders: request.rawHeaders,
      body: Buffer.isBuffer(body) ? body : Buffer.alloc(0),
      complete: Buffer.isBuffer(body),
    });
  }

  list(): readonly RecordedRequest[] {
    return this.#requests;
  }

  clear(): void {
    this.#requests = [];
  }
}
