/** What probes have cost today, and whether one more may be run. */
import { PICO_PER_USD, type Pico, scaled } from "../core/money.ts";

const DAY_MS = 86_400_000;
/** Pico-dollars have twelve places. */
const PLACES = 12;

/** Counts by days of UTC. In memory: a new process begins anew. */
export class Spend {
  #limit: Pico;
  #day = -1;
  #spent: Pico = 0n;
  /** What a run of each probe is about to cost, while it runs: as much as its last one did. */
  readonly #reserved = new Map<string, Pico>();
  readonly #last = new Map<string, Pico>();

  constructor(limitUsd: number) {
    this.#limit = scaled(limitUsd, PLACES);
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

  /** Sets aside what the probe's last run cost; false when that, with all that runs, is more than is left. */
  reserve(probe: string, nowMs: number): boolean {
    this.#roll(nowMs);
    const expected = this.#last.get(probe) ?? 0n;
    let total = this.#spent + expected;
    for (const reserved of this.#reserved.values()) total += reserved;
    if (total > this.#limit || this.#spent >= this.#limit) return false;
    this.#reserved.set(probe, expected);
    return true;
  }

  /** The run is over; `cost` is what it cost, undefined where nobody knows. */
  settle(probe: string, cost: Pico | undefined, nowMs: number): void {
    this.#reserved.delete(probe);
    if (cost === undefined) return;
    this.#roll(nowMs);
    if (cost > 0n) this.#last.set(probe, cost);
    this.#spent += cost;
  }

  /** Forgets the probes that are not among these. */
  retain(probes: ReadonlySet<string>): void {
    for (const probe of this.#last.keys()) if (!probes.has(probe)) this.#last.delete(probe);
  }

  #roll(nowMs: number): void {
    const day = Math.floor(nowMs / DAY_MS);
    if (day === this.#day) return;
    this.#day = day;
    this.#spent = 0n;
  }
}
