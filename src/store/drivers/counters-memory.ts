/** Counters in this process: plain objects, decided at once. What they hold is gone when it ends. */
import {
  type BudgetClaim,
  type Claim,
  type ClaimState,
  type CounterStore,
  type Decision,
  SLOTS,
  type SlotClaim,
  type WindowClaim,
} from "../counter-store.ts";

/** After so many new keys, those of the past are looked for and forgotten. */
const SWEEP_EVERY = 256;
/** A budget's counter outlives its period, for calls that settle late. */
const GRACE_MS = 86_400_000;

export class MemoryCounters implements CounterStore {
  readonly #windows = new Map<string, Window>();
  readonly #slots = new Map<string, Set<string>>();
  readonly #budgets = new Map<string, Budget>();
  #made = 0;

  decide(id: string, claims: readonly Claim[], nowMs: number, leaseMs: number): Decision {
    let granted = true;
    const states: ClaimState[] = [];
    for (const claim of claims) {
      const state = this.#look(claim, nowMs);
      if (!state.fits && (claim.kind !== "budget" || claim.enforced)) granted = false;
      states.push(state);
    }
    if (granted) for (const claim of claims) this.#take(id, claim, nowMs, leaseMs);
    return { granted, states };
  }

  settle(
    id: string,
    claims: readonly Claim[],
    actual: readonly number[],
    decidedAt: number,
    nowMs: number,
  ): readonly (number | undefined)[] {
    return claims.map((claim, index) => this.#settle(id, claim, actual[index] ?? 0, decidedAt, nowMs));
  }

  #settle(id: string, claim: Claim, actual: number, decidedAt: number, nowMs: number): number | undefined {
    if (claim.kind === "budget") return this.#budget(claim.key, claim.endsAt, nowMs).settle(id, actual);
    if (claim.kind === "window") {
      if (actual !== claim.amount) this.#window(claim).correct(decidedAt, actual - claim.amount, nowMs);
    } else {
      const holders = this.#slots.get(claim.key);
      holders?.delete(id);
      if (holders?.size === 0) this.#slots.delete(claim.key);
    }
    return undefined;
  }

  seed(key: string, used: number, endsAt: number): void {
    this.#budget(key, endsAt, 0).seed(used);
  }

  used(key: string): number {
    return this.#budgets.get(key)?.used ?? 0;
  }

  close(): void {
    // Nothing is held that would keep a process alive.
  }

  #look(claim: Claim, nowMs: number): ClaimState {
    switch (claim.kind) {
      case "window":
        return this.#window(claim).look(claim, nowMs);
      case "slot":
        return lookAtSlots(claim, this.#slots.get(claim.key)?.size ?? 0);
      case "budget":
        return this.#budget(claim.key, claim.endsAt, nowMs).look(claim, nowMs);
    }
  }

  #take(id: string, claim: Claim, nowMs: number, leaseMs: number): void {
    switch (claim.kind) {
      case "window":
        return this.#window(claim).add(nowMs, claim.amount);
      case "slot": {
        const holders = this.#slots.get(claim.key);
        if (holders === undefined) this.#slots.set(claim.key, new Set([id]));
        else holders.add(id);
        return;
      }
      case "budget":
        return this.#budget(claim.key, claim.endsAt, nowMs).reserve(id, claim.amount, nowMs + leaseMs);
    }
  }

  #window({ key, windowMs }: WindowClaim): Window {
    let window = this.#windows.get(key);
    if (window === undefined) {
      window = new Window(windowMs);
      this.#windows.set(key, window);
    }
    return window;
  }

  #budget(key: string, endsAt: number, nowMs: number): Budget {
    let budget = this.#budgets.get(key);
    if (budget === undefined) {
      if (++this.#made % SWEEP_EVERY === 0) {
        for (const [name, { endsAt: over }] of this.#budgets) {
          if (over + GRACE_MS < nowMs) this.#budgets.delete(name);
        }
      }
      budget = new Budget(endsAt);
      this.#budgets.set(key, budget);
    }
    return budget;
  }
}

/** How long to wait for a call to end is unknown: a second is a polite guess. */
const SLOT_WAIT_MS = 1_000;

function lookAtSlots({ limit }: SlotClaim, used: number): ClaimState {
  const fits = used + 1 <= limit;
  return { fits, used, waitMs: fits ? 0 : SLOT_WAIT_MS };
}

/** A window's slots in a ring; one more than the window has, because the oldest counts until it is wholly over. */
class Window {
  readonly #slotMs: number;
  readonly #ring = new Float64Array(SLOTS + 1);
  #newest = 0;
  #total = 0;

  constructor(windowMs: number) {
    this.#slotMs = windowMs / SLOTS;
  }

  look({ amount, limit }: WindowClaim, nowMs: number): ClaimState {
    this.#advance(nowMs);
    const used = this.#total;
    const fits = used + amount <= limit;
    return { fits, used, waitMs: fits ? 0 : this.#wait(used + amount - limit, nowMs) };
  }

  add(nowMs: number, amount: number): void {
    this.#advance(nowMs);
    this.#put(this.#newest, amount);
  }

  correct(atMs: number, difference: number, nowMs: number): void {
    this.#advance(nowMs);
    const slot = Math.floor(atMs / this.#slotMs);
    if (slot >= this.#newest - SLOTS && slot <= this.#newest) this.#put(slot, difference);
  }

  #put(slot: number, amount: number): void {
    const at = slot % this.#ring.length;
    this.#ring[at] = (this.#ring[at] ?? 0) + amount;
    this.#total += amount;
  }

  /** Forgets the slots that are over. A clock that goes back counts on in the newest slot. */
  #advance(nowMs: number): void {
    const slot = Math.floor(nowMs / this.#slotMs);
    if (slot <= this.#newest) return;
    const { length } = this.#ring;
    const from = Math.max(this.#newest + 1, slot - length + 1);
    for (let each = from; each <= slot; each++) {
      this.#total -= this.#ring[each % length] ?? 0;
      this.#ring[each % length] = 0;
    }
    this.#newest = slot;
  }

  /** Until the oldest slots that hold `needed` together are over. */
  #wait(needed: number, nowMs: number): number {
    let freed = 0;
    let slot = this.#newest - SLOTS;
    for (; slot < this.#newest; slot++) {
      freed += this.#ring[((slot % this.#ring.length) + this.#ring.length) % this.#ring.length] ?? 0;
      if (freed >= needed) break;
    }
    return Math.max(1, Math.ceil((slot + SLOTS + 1) * this.#slotMs - nowMs));
  }
}

interface Reservation {
  readonly amount: number;
  readonly until: number;
}

class Budget {
  readonly endsAt: number;
  used = 0;
  #reserved = 0;
  #seeded = false;
  /** In the order they were made, which is nearly that of their ends. */
  readonly #reservations = new Map<string, Reservation>();

  constructor(endsAt: number) {
    this.endsAt = endsAt;
  }

  look({ amount, limit }: BudgetClaim, nowMs: number): ClaimState {
    this.#expire(nowMs);
    const used = this.used + this.#reserved;
    const fits = used + amount <= limit;
    return { fits, used, waitMs: fits ? 0 : Math.max(1, this.endsAt - nowMs) };
  }

  reserve(id: string, amount: number, until: number): void {
    this.#release(id);
    this.#reservations.set(id, { amount, until });
    this.#reserved += amount;
  }

  settle(id: string, actual: number): number {
    this.#release(id);
    this.used += actual;
    return this.used;
  }

  seed(used: number): void {
    if (this.#seeded) return;
    this.#seeded = true;
    this.used += used;
  }

  #release(id: string): void {
    const reservation = this.#reservations.get(id);
    if (reservation === undefined) return;
    this.#reservations.delete(id);
    this.#reserved -= reservation.amount;
  }

  #expire(nowMs: number): void {
    for (const [id, { until }] of this.#reservations) {
      if (until > nowMs) return;
      this.#release(id);
    }
  }
}
