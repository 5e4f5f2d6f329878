/** Things that users of the official clients do, kept in tables so that several suites can do them. */
import type { Action } from "../twins.ts";

export interface Scenario {
  readonly name: string;
  readonly run: Action;
  /** False where the answer itself does not tell what the sandbox charges for it. */
  readonly told?: boolean;
}

/** Everything that an iterable yields. */
export async function all<T>(source: AsyncIterable<T> | PromiseLike<AsyncIterable<T>>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of await source) items.push(item);
  return items;
}

/** The first few that an iterable yields; then it is left, which clients take as the wish to abort. */
export async function some<T>(source: AsyncIterable<T>, count: number): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) {
    if (items.push(item) === count) break;
  }
  return items;
}

/** An object of classes as the plain data it holds. */
export function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value)) as unknown;
}

/**
 * Bytes of an answer that is longer than what sockets and the gateway hold for a client that does not read: such
 * a stream runs until its client reads on or leaves, however busy or idle the machine.
 */
export const HELD_UP_BYTES = 12 * 1024 * 1024;
