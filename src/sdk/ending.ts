/** The end of a metered call: once, whoever is first to say so, also where the app drops the answer unread. */
import type { BellwetherError } from "../core/errors.ts";
import type { CallRecord } from "../gateway/call-record.ts";
import type { AnswerMeter } from "../usage/meter.ts";
import type { Deadlines } from "./deadlines.ts";

/** Ends a call once, whoever is first to say so. Knows nothing of the stream, so that an abandoned one can go. */
export class Ending {
  readonly #record: CallRecord;
  readonly #meter: AnswerMeter | undefined;
  readonly #deadlines: Deadlines;
  readonly #release: (() => void) | undefined;
  #signal: AbortSignal | undefined;
  #onAbort: (() => void) | undefined;
  #finished = false;
  #over = false;
  /** Its place among the unread, or -1. */
  place = -1;
  /** What the app holds of the answer, while it is unread. */
  owner: object | undefined;
  /** Is called once when the answer is not read at once. */
  stillUnread: (() => void) | undefined;

  constructor(
    record: CallRecord,
    meter: AnswerMeter | undefined,
    deadlines: Deadlines,
    release: (() => void) | undefined,
  ) {
    this.#record = record;
    this.#meter = meter;
    this.#deadlines = deadlines;
    this.#release = release;
  }

  /** Calls `then` when the app aborts, until the call has ended. */
  listen(signal: AbortSignal, then: () => void): void {
    this.#signal = signal;
    this.#onAbort = then;
    signal.addEventListener("abort", then, { once: true });
  }

  /** No more of the answer will be read. Returns what the app is still to get, once. */
  finish(): Uint8Array | undefined {
    if (this.#finished) return undefined;
    this.#finished = true;
    return this.#meter?.finish();
  }

  settle(error: BellwetherError | undefined, clientGone: boolean): void {
    if (this.#over) return;
    this.#over = true;
    if (this.place !== -1) wasRead(this);
    this.#deadlines.over();
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener("abort", this.#onAbort);
    this.finish();
    this.#release?.();
    this.#record.settle({ error, clientGone });
  }
}

/** Answers that the app dropped without reading them to their end are settled when they are collected. */
const abandoned =
  typeof FinalizationRegistry === "undefined"
    ? undefined
    : new FinalizationRegistry<Ending>((ending) => ending.settle(undefined, true));

/**
 * Whatever is registered for collection outlives many small collections, with all that it holds; for each call that
 * was a third of what metering costs (`bench/meter.mjs`). So it is done only for answers that stay unread this long.
 */
const UNREAD_MS = 100;
/** Each knows its place, so that leaving takes no look-up: a map would cost a call a microsecond. */
const unread: Ending[] = [];
let watching = false;

/** Settles the call should `owner`, by which the app reads the answer, be collected with it unread. */
export function settleOnceCollected(owner: object, ending: Ending): void {
  if (abandoned === undefined) return ending.stillUnread?.();
  ending.owner = owner;
  ending.place = unread.push(ending) - 1;
  if (watching) return;
  watching = true;
  const timer: unknown = setTimeout(() => {
    watching = false;
    for (const each of [...unread]) {
      const { owner, stillUnread } = each;
      if (owner !== undefined) abandoned.register(owner, each);
      wasRead(each);
      stillUnread?.();
    }
  }, UNREAD_MS);
  // In Node.js a timer would keep the app's process.
  (timer as { unref?: () => void }).unref?.();
}

/** Forgets one; the last takes its place. */
function wasRead(ending: Ending): void {
  const last = unread.pop();
  if (last !== undefined && last !== ending) {
    unread[ending.place] = last;
    last.place = ending.place;
  }
  ending.place = -1;
  ending.owner = undefined;
  ending.stillUnread = undefined;
}
