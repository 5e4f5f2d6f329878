/**
 * Settlements on their way to Redis, which count exactly once, whatever becomes of connections and however late.
 *
 * They are numbered as they are sent, and the script that counts one notes its number beside what it counts. Redis does
 * what one connection sends in order: so where an answer stays out, the number that was noted last tells which have been
 * counted. Asking for it also has Redis refuse whatever was sent before and may still be on its way. What was not counted
 * is sent anew, and it does not matter what has become of the reservation meanwhile.
 */

export interface Settlement {
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

/** What Redis is asked; both questions reject when no answer came, whatever has become of them. */
export interface SettlementWire {
  /** Nothing is settled while it is not. A connection is ready when `resolve` has been awaited on it. */
  ready(): boolean;
  /** What each claim has used; undefined when it was refused, because one with a higher number came first. */
  settle(number: number, settlement: Settlement): Promise<readonly number[] | undefined>;
  /** Refuses from now on what was sent with lower numbers. Resolves to the number that was counted last. */
  fence(number: number): Promise<number>;
}

/** What waits is tried again after this long, should no new connection do so. */
const RETRY_MS = 1_000;
/** So many are sent at a time. */
const BATCH = 64;

export class Settlements {
  readonly #wire: SettlementWire;
  readonly #maxWaiting: number;
  readonly #onLost: (settlements: number) => void;
  /** Not counted. */
  #waiting: Settlement[] = [];
  /** Sent and not answered, by their numbers. */
  readonly #doubted = new Map<number, Settlement>();
  #last = 0;
  #flushing: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;

  /** The oldest of more than `maxWaiting` are lost, and `onLost` is told how many. */
  constructor(wire: SettlementWire, maxWaiting: number, onLost: (settlements: number) => void) {
    this.#wire = wire;
    this.#maxWaiting = maxWaiting;
    this.#onLost = onLost;
  }

  /** Counts it now or later. Resolves to what each claim has used, where that is known now. */
  async deliver(settlement: Settlement): Promise<readonly number[] | undefined> {
    const reply = await this.#send(settlement);
    if (reply === undefined) this.#retryLater();
    return reply;
  }

  /** Finds out which of those in doubt have been counted. */
  async resolve(): Promise<void> {
    if (this.#doubted.size === 0) return;
    const fence = ++this.#last;
    const counted = await this.#wire.fence(fence);
    for (const [number, settlement] of this.#doubted) {
      // What was sent after the question, and is in doubt already, waits for the next one.
      if (number > fence) continue;
      this.#doubted.delete(number);
      if (number > counted) this.#waiting.push(settlement);
    }
  }

  /** Counts what waits. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  /** All that are not known to be counted. */
  get open(): readonly Settlement[] {
    return [...this.#doubted.values(), ...this.#waiting];
  }

  /** These need not be counted any more. */
  forget(settlements: readonly Settlement[]): void {
    const over = new Set(settlements);
    this.#waiting = this.#waiting.filter((each) => !over.has(each));
    for (const [number, each] of this.#doubted) if (over.has(each)) this.#doubted.delete(number);
  }

  /** Tries a last time; what is left is lost. */
  async close(): Promise<void> {
    await this.flush();
    clearTimeout(this.#retry);
    const left = this.#waiting.length + this.#doubted.size;
    if (left > 0) this.#onLost(left);
  }

  async #flush(): Promise<void> {
    if (!this.#wire.ready()) return;
    try {
      await this.resolve();
    } catch {
      return this.#retryLater();
    }
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      const replies = await Promise.all(batch.map((each) => this.#send(each)));
      if (replies.includes(undefined)) return this.#retryLater();
    }
  }

  async #send(settlement: Settlement): Promise<readonly number[] | undefined> {
    if (!this.#wire.ready()) {
      this.#waiting.push(settlement);
      return undefined;
    }
    const number = ++this.#last;
    try {
      const reply = await this.#wire.settle(number, settlement);
      if (reply === undefined) this.#waiting.push(settlement);
      return reply;
    } catch {
      this.#doubted.set(number, settlement);
      return undefined;
    }
  }

  #retryLater(): void {
    let over = this.#waiting.length + this.#doubted.size - this.#maxWaiting;
    if (over > 0) {
      this.#onLost(over);
      over -= this.#waiting.splice(0, over).length;
      for (const number of [...this.#doubted.keys()].slice(0, over)) this.#doubted.delete(number);
    }
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      void this.flush();
    }, RETRY_MS).unref();
  }
}
