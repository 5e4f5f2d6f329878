/**
 * Memory for the records of calls on their way to the database, in blocks of one size that all batches share: what one
 * batch has done with the next one takes, so that there is no more of it than is in use.
 */
import { Payload } from "./frame-reader.ts";

/** A power of two. */
export const BLOCK_BYTES = 2 ** 20;
/** Free ones that are kept when there is nothing to do. */
const KEPT_BLOCKS = 2;

export class RecordBlocks {
  readonly #free: Payload[] = [];

  /** Where so many bytes have room. One larger than a block has one of its own. */
  take(bytes: number): Payload {
    if (bytes > BLOCK_BYTES) return new Payload(Buffer.allocUnsafeSlow(bytes));
    return this.#free.pop() ?? new Payload(Buffer.allocUnsafeSlow(BLOCK_BYTES));
  }

  /** Takes one back. */
  give(block: Payload): void {
    if (block.bytes.length === BLOCK_BYTES) this.#free.push(block);
  }

  /** Lets go of what was needed for many calls at once. */
  rest(): void {
    this.#free.length = Math.min(this.#free.length, KEPT_BLOCKS);
  }
}
