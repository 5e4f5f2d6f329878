/** Tells the comments of an event stream, which keep a connection alive, from its events. */
import type { AnswerHead } from "./request-head.ts";

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;

/** Reads a body up to its first byte that is neither a comment nor a blank line. */
export class CommentReader {
  readonly #readable: boolean;
  #inComment = false;

  constructor({ contentType, contentEncoding }: Pick<AnswerHead, "contentType" | "contentEncoding">) {
    this.#readable =
      contentType.includes("text/event-stream") && (contentEncoding === "" || contentEncoding === "identity");
  }

  /** Whether there is nothing but comments, in what came before and in this. */
  onlyComments(chunk: Uint8Array): boolean {
    if (!this.#readable) return chunk.length === 0;
    for (const byte of chunk) {
      if (byte === LF || byte === CR) this.#inComment = false;
      else if (!this.#inComment && byte !== COLON) return false;
      else this.#inComment = true;
    }
    return true;
  }
}
