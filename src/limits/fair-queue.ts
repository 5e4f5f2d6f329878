/**
 * Calls that wait a short while for room under a limit. Apps take turns; calls of one app that the same rules hold for
 * are let in in the order they came. Whoever waits for a rule is not overtaken under it by calls that come later.
 */
import type { MaybePromise } from "../store/counter-store.ts";
import { LimitRefusal } from "./limit-refusal.ts";

/** What is let in; `release` gives it back where nobody waits for it any more. */
interface Granted {
  release(): void;
}

/** How long calls of an app may wait, and how many of them. */
export interface QueueTerms {
  readonly waitMs: number;
  readonly size: number;
}

export interface QueuedCall<T extends Granted> extends QueueTerms {
  readonly id: string;
  readonly app: string;
  /** Calls of an app with the same one are let in in the order they came. */
  readonly lane: object;
  /** The rules that it needs room under. */
  readonly keys: readonly string[];
  /** @throws LimitRefusal (or rejects with it) where there is no room. */
  attempt(): MaybePromise<T>;
  /** Its client has left. */
  left(): boolean;
}

export type QueueOutcome = "admitted" | "refused" | "left";

export interface QueueOptions {
  /** Monotonic milliseconds. */
  now(): number;
  /** Others count in the same place, and do not say when they free something: it has to be asked for. */
  readonly shared: boolean;
  /** So many calls of an app wait now. */
  onWaiting(app: string, calls: number): void;
  onOver(app: string, outcome: QueueOutcome, waitedMs: number): void;
}

interface Waiter<T extends Granted> {
  readonly call: QueuedCall<T>;
  readonly since: number;
  readonly resolve: (granted: T | undefined) => void;
  readonly reject: (error: unknown) => void;
  /** Why it waits. */
  refusal: LimitRefusal;
  /** The rule it waits for. */
  key: string;
  deadline: NodeJS.Timeout | undefined;
  /** It is being tried now. */
  tried: boolean;
  /** Its time has run out. */
  late: boolean;
  over: boolean;
}

type Lanes<T extends Granted> = Map<object, Waiter<T>[]>;

/** A rule that has no room, why, and how many wait for it. */
interface Full {
  waiting: number;
  refusal: LimitRefusal;
}

/** How often shared counters are asked again, in milliseconds: it is one round trip for each rule that is full. */
const POLL_MS = 50;
/** A refusal that does not say when to come again. */
const UNKNOWN_WAIT_MS = 1_000;

const WAITED_FOR: ReadonlySet<string> = new Set(["rate", "tokens", "concurrency"]);

export class FairQueue<T extends Granted> {
  readonly #options: QueueOptions;
  readonly #waiters = new Map<string, Waiter<T>>();
  /** In the order of their turns. */
  readonly #apps = new Map<string, Lanes<T>>();
  readonly #full = new Map<string, Full>();
  #serving = false;
  #again = false;
  #wake: NodeJS.Timeout | undefined;
  #wakeAt = Number.POSITIVE_INFINITY;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** Calls that wait. */
  get size(): number {
    return this.#waiters.size;
  }

  /**
   * Lets the call in at once or when it is its turn; undefined when its client has left meanwhile.
   * @throws LimitRefusal (or rejects with it) when there is no room in time.
   */
  enter(call: QueuedCall<T>): MaybePromise<T | undefined> {
    const ahead = this.#waiters.size === 0 ? undefined : call.keys.find((key) => this.#full.has(key));
    if (ahead !== undefined) return this.#wait(call, this.#full.get(ahead)?.refusal, ahead, false);
    try {
      const granted = call.attempt();
      if (!(granted instanceof Promise)) return granted;
      return granted.catch((error: unknown) => this.#wait(call, error));
    } catch (error) {
      return this.#wait(call, error);
    }
  }

  /** Room may have become free. */
  freed(): void {
    if (this.#waiters.size === 0) return;
    this.#again = true;
    if (!this.#serving) void this.#serve();
  }

  /** A call's client has left: whatever it waits for is not for it. */
  leave(id: string): void {
    const waiter = this.#waiters.get(id);
    if (waiter === undefined) return;
    this.#end(waiter, "left");
    waiter.resolve(undefined);
    this.freed();
  }

  /** `tried`: it has just been refused itself. */
  #wait(
    call: QueuedCall<T>,
    error: unknown,
    key = keyOf(error),
    tried = true,
  ): Promise<T | undefined> | undefined {
    if (!isWaitedFor(error) || key === undefined) throw error;
    if (call.left()) return undefined;
    const { app, waitMs, size } = call;
    // Calls in a window are not taken back: it is known that there will be no room in time.
    const hopeless = tried && error.reason === "rate" && (error.retryAfterMs ?? 0) > waitMs;
    if (hopeless || this.#count(app) >= size) throw error;
    return new Promise((resolve, reject) => {
      const since = this.#options.now();
      const state = { tried: false, late: false, over: false, deadline: undefined };
      const waiter: Waiter<T> = { call, since, resolve, reject, refusal: error, key, ...state };
      waiter.deadline = setTimeout(() => this.#late(waiter), waitMs);
      this.#waiters.set(call.id, waiter);
      this.#block(waiter);
      const lanes = this.#apps.get(app) ?? new Map<object, Waiter<T>[]>();
      this.#apps.set(app, lanes);
      const lane = lanes.get(call.lane);
      if (lane === undefined) lanes.set(call.lane, [waiter]);
      else lane.push(waiter);
      this.#options.onWaiting(app, this.#count(app));
      this.#wakeIn(this.#patience(error));
    });
  }

  /** Lets in whoever's turn it is, until nobody fits. */
  async #serve(): Promise<void> {
    this.#serving = true;
    /** Rules without room, and when to come again. */
    let full = new Map<string, number>();
    while (this.#again) {
      this.#again = false;
      full = new Map();
      while (await this.#round(full));
    }
    this.#serving = false;
    this.#wakeIn(Math.min(...full.values()));
  }

  /** Gives each app one turn; false when nobody was let in. */
  async #round(full: Map<string, number>): Promise<boolean> {
    let granted = false;
    for (const [app, lanes] of [...this.#apps]) {
      if (!(await this.#turn(lanes, full))) continue;
      granted = true;
      toTheEnd(this.#apps, app);
    }
    return granted;
  }

  /**
   * Lets in one call of an app, if one fits. Under a rule without room nobody else is tried, so that whoever's turn it
   * is gets what becomes free.
   */
  async #turn(lanes: Lanes<T>, full: Map<string, number>): Promise<boolean> {
    for (const [lane, [head]] of [...lanes]) {
      if (head === undefined || head.call.keys.some((key) => full.has(key))) continue;
      const refusal = await this.#try(head);
      if (refusal === undefined) {
        toTheEnd(lanes, lane);
        return true;
      }
      full.set(head.key, this.#patience(refusal));
    }
    return false;
  }

  /** Tries a call that waits; the refusal where there is still no room for it. */
  async #try(waiter: Waiter<T>): Promise<LimitRefusal | undefined> {
    waiter.tried = true;
    try {
      const granted = await waiter.call.attempt();
      if (waiter.over) granted.release();
      else {
        this.#end(waiter, "admitted");
        waiter.resolve(granted);
      }
      return undefined;
    } catch (error) {
      const key = keyOf(error);
      if (waiter.over) return undefined;
      if (!isWaitedFor(error) || key === undefined || waiter.late) {
        this.#end(waiter, "refused");
        waiter.reject(error);
        return undefined;
      }
      waiter.tried = false;
      this.#unblock(waiter);
      waiter.refusal = error;
      waiter.key = key;
      this.#block(waiter);
      return error;
    }
  }

  /** Its time has run out: one last try, which also tells when to come again. */
  #late(waiter: Waiter<T>): void {
    waiter.late = true;
    if (!waiter.tried) void this.#lastTry(waiter);
  }

  async #lastTry(waiter: Waiter<T>): Promise<void> {
    this.#remove(waiter);
    try {
      const granted = await waiter.call.attempt();
      if (waiter.over) return granted.release();
      this.#end(waiter, "admitted");
      waiter.resolve(granted);
    } catch (error) {
      if (waiter.over) return;
      this.#end(waiter, "refused");
      waiter.reject(error);
    }
    this.freed();
  }

  #end(waiter: Waiter<T>, outcome: QueueOutcome): void {
    waiter.over = true;
    clearTimeout(waiter.deadline);
    this.#waiters.delete(waiter.call.id);
    this.#unblock(waiter);
    this.#remove(waiter);
    const { app } = waiter.call;
    this.#options.onWaiting(app, this.#count(app));
    this.#options.onOver(app, outcome, this.#options.now() - waiter.since);
  }

  #remove({ call: { app, lane, id } }: Waiter<T>): void {
    const lanes = this.#apps.get(app);
    const waiters = lanes?.get(lane);
    const at = waiters?.findIndex(({ call }) => call.id === id) ?? -1;
    if (lanes === undefined || waiters === undefined || at === -1) return;
    waiters.splice(at, 1);
    if (waiters.length === 0) lanes.delete(lane);
    if (lanes.size === 0) this.#apps.delete(app);
  }

  #block({ key, refusal }: Waiter<T>): void {
    const full = this.#full.get(key);
    if (full === undefined) this.#full.set(key, { waiting: 1, refusal });
    else {
      full.waiting++;
      full.refusal = refusal;
    }
  }

  #unblock({ key }: Waiter<T>): void {
    const full = this.#full.get(key);
    if (full !== undefined && --full.waiting === 0) this.#full.delete(key);
  }

  #count(app: string): number {
    let sum = 0;
    for (const waiters of this.#apps.get(app)?.values() ?? []) sum += waiters.length;
    return sum;
  }

  #patience({ retryAfterMs = UNKNOWN_WAIT_MS }: LimitRefusal): number {
    return this.#options.shared ? Math.min(retryAfterMs, POLL_MS) : retryAfterMs;
  }

  /** Looks again then, or earlier where that has been asked for. */
  #wakeIn(ms: number): void {
    if (this.#waiters.size === 0 || ms === Number.POSITIVE_INFINITY) return;
    const due = this.#options.now() + ms;
    if (this.#wake !== undefined && this.#wakeAt <= due) return;
    clearTimeout(this.#wake);
    this.#wakeAt = due;
    this.#wake = setTimeout(() => {
      this.#wake = undefined;
      this.freed();
    }, ms).unref();
  }
}

function isWaitedFor(error: unknown): error is LimitRefusal {
  return error instanceof LimitRefusal && WAITED_FOR.has(error.reason);
}

function keyOf(error: unknown): string | undefined {
  return error instanceof LimitRefusal ? error.key : undefined;
}

function toTheEnd<Key, Value>(map: Map<Key, Value>, key: Key): void {
  const value = map.get(key);
  if (value === undefined) return;
  map.delete(key);
  map.set(key, value);
}
