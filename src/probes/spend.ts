/** What probes have cost today, and whether one more may be run. */
import { PICO_PER_USD, type Pico, scaled } from "../core/money.ts";

const DAY_MS = 86_400_000;
/** Pico-dollars have twelve places. */
const PLACES = 12;

/** What outlives the process. */
export interface KeptSpend {
  /** Days of UTC since 1970. */
  readonly day: number;
  /** On that day, with what was set aside for the runs under way. */
  readonly spent: Pico;
  /** What the last run of each probe cost. */
  readonly last: ReadonlyMap<string, Pico>;
}

/** Where it is kept. Neither rejects: what goes wrong is logged there. */
export interface SpendMemory {
  /** Undefined where nothing is known. */
  load(nowMs: number): Promise<KeptSpend | undefined>;
  save(kept: KeptSpend): Promise<void>;
}

/**
 * Counts by days of UTC. With a memory it goes on where the process before it ended: what a run is expected to cost
 * is written down before the run, so that not even a process that is killed in the middle of it spends it twice.
 */
export class Spend {
  readonly #memory: SpendMemory | undefined;
  #limit: Pico;
  #day = -1;
  #spent: Pico = 0n;
  /** What a run of each probe is about to cost, while it runs: as much as its last one did. */
  readonly #reserved = new Map<string, Pico>();
  readonly #last = new Map<string, Pico>();
  #loading: Promise<void> | undefined;
  #saving: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(limitUsd: number, memory?: SpendMemory) {
    this.#limit = scaled(limitUsd, PLACES);
    this.#memory = memory;
  }

  set limitUsd(usd: number) {
    this.#limit = scaled(usd, PLACES);
  }

  get limitUsd(): number {
    return Number(this.#limit) / Number(PICO_PER_USD);
  }

  /** US dollars. */
  spentToday(nowMs: number): number {
    this.#roll(nowMs);
    return Number(this.#spent) / Number(PICO_PER_USD);
  }

  /** Resolves when what was spent before this process is known, or is known to be unknown. */
  load(nowMs: number): Promise<void> {
    this.#loading ??= this.#memory === undefined ? Promise.resolve() : this.#restore(this.#memory, nowMs);
    return this.#loading;
  }

  /** Sets aside what the probe's last run cost; false when that, with all that runs, is more than is left. */
  async reserve(probe: string, nowMs: number): Promise<boolean> {
    await this.load(nowMs);
    this.#roll(nowMs);
    const expected = this.#last.get(probe) ?? 0n;
    if (this.#committed() + expected > this.#limit || this.#spent >= this.#limit) return false;
    this.#reserved.set(probe, expected);
    if (expected > 0n) await this.#save();
    return true;
  }

  /** The run is over; `cost` is what it cost, undefined where nobody knows. */
  async settle(probe: string, cost: Pico | undefined, nowMs: number): Promise<void> {
    const reserved = this.#reserved.get(probe) ?? 0n;
    this.#reserved.delete(probe);
    this.#roll(nowMs);
    if (cost !== undefined && cost > 0n) this.#last.set(probe, cost);
    this.#spent += cost ?? 0n;
    if (reserved > 0n || (cost ?? 0n) > 0n) await this.#save();
  }

  /** Forgets the probes that are not among these. */
  retain(probes: ReadonlySet<string>): void {
    for (const probe of this.#last.keys()) if (!probes.has(probe)) this.#last.delete(probe);
  }

  /** Nothing is written down any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#saving;
  }

  #committed(): Pico {
    let total = this.#spent;
    for (const reserved of this.#reserved.values()) total += reserved;
    return total;
  }

  async #restore(memory: SpendMemory, nowMs: number): Promise<void> {
    const kept = await memory.load(nowMs);
    if (kept === undefined) return;
    this.#roll(nowMs);
    if (kept.day === this.#day) this.#spent += kept.spent;
    for (const [probe, cost] of kept.last) if (!this.#last.has(probe)) this.#last.set(probe, cost);
  }

  /** One at a time, in order. */
  #save(): Promise<void> {
    const memory = this.#memory;
    if (memory === undefined || this.#closed) return Promise.resolve();
    const kept = { day: this.#day, spent: this.#committed(), last: new Map(this.#last) };
    this.#saving = this.#saving.then(() => memory.save(kept));
    return this.#saving;
  }

  #roll(nowMs: number): void {
    const day = Math.floor(nowMs / DAY_MS);
    if (day === this.#day) return;
    this.#day = day;
    this.#spent = 0n;
  }
}
