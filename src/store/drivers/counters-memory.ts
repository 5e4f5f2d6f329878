/** Counters in this process: plain objects, decided at once. What they hold is gone when it ends. */
import {
  type BudgetClaim,
  type Claim,
  type ClaimState,
  type CounterStore,
  type Decision,
  type Hold,
  SLOTS,
  type SlotClaim,
  type WindowClaim,
} from "../counter-store.ts";

/** After so many new keys, those of the past are looked for and forgotten. */
const SWEEP_EVERY = 256;
/** A budget's counter outlives its period, for calls that settle late. */
const GRACE_MS = 86_400_000;

export class MemoryCounters implements CounterStore {
  readonly shared = false;
  readonly #windows = new Map<string, Window>();
  /** How many calls hold a slot. */
  readonly #slots = new Map<string, number>();
  readonly #budgets = new Map<string, Budget>();
  #made = 0;

  decide(_id: string, claims: readonly Claim[], nowMs: number, leaseMs: number): Decision {
    let granted = true;
    const states: ClaimState[] = [];
    for (const claim of claims) {
      const state = this.#look(claim, nowMs);
      if (!state.fits && (claim.kind !== "budget" || claim.enforced)) granted = false;
      states.push(state);
    }
    if (!granted) return { granted, states };
    const hold = { over: false, reservations: claims.map((claim) => this.#take(claim, nowMs, leaseMs)) };
    return { granted, states, hold };
  }

  settle(
    _id: string,
    claims: readonly Claim[],
    actual: readonly number[],
    decidedAt: number,
    nowMs: number,
    hold?: Hold,
  ): readonly (number | undefined)[] {
    const mine = hold === undefined || hold.over ? undefined : (hold as MemoryHold);
    if (mine !== undefined) mine.over = true;
    return claims.map((claim, index) =>
      this.#settle(claim, actual[index] ?? 0, decidedAt, nowMs, mine?.reservations[index], mine),
    );
  }

  #settle(
    claim: Claim,
    actual: number,
    decidedAt: number,
    nowMs: number,
    reservation: Reservation | undefined,
    hold: MemoryHold | undefined,
  ): number | undefined {
    if (claim.kind === "budget") {
      return this.#budget(claim.key, claim.endsAt, nowMs).settle(reservation, actual);
    }
    if (claim.kind === "window") {
      if (actual !== claim.amount) this.#window(claim).correct(decidedAt, actual - claim.amount, nowMs);
    } else if (hold !== undefined) this.#slots.set(claim.key, (this.#slots.get(claim.key) ?? 1) - 1);
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
        return lookAtSlots(claim, this.#slots.get(claim.key) ?? 0);
      case "budget":
        return this.#budget(claim.key, claim.endsAt, nowMs).look(claim, nowMs);
    }
  }

  #take(claim: Claim, nowMs: number, leaseMs: number): Reservation | undefined {
    switch (claim.kind) {
      case "window":
        this.#window(claim).add(nowMs, claim.amount);
        return undefined;
      case "slot":
        this.#slots.set(claim.key, (this.#slots.get(claim.key) ?? 0) + 1);
        return undefined;
      case "budget":
        return this.#budget(claim.key, claim.endsAt, nowMs).reserve(claim.amount, nowMs + leaseMs);
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
  /** Where it stands in the list; -1 when it is over. */
  place: number;
}

interface MemoryHold extends Hold {
  /** In the order of the claims; those of budgets. */
  readonly reservations: readonly (Reservation | undefined)[];
}

class Budget {
  readonly endsAt: number;
  used = 0;
  #reserved = 0;
  #seeded = false;
  /**
   * A list rather than a map: the tables that a map leaves behind keep what was in them from being collected young.
   */
  readonly #reservations: Reservation[] = [];
  /** None ends earlier than this. */
  #nextEnd = Number.POSITIVE_INFINITY;

  constructor(endsAt: number) {
    this.endsAt = endsAt;
  }

  look({ amount, limit }: BudgetClaim, nowMs: number): ClaimState {
    if (nowMs >= this.#nextEnd) this.#expire(nowMs);
    const used = this.used + this.#reserved;
    const fits = used + amount <= limit;
    return { fits, used, waitMs: fits ? 0 : Math.max(1, this.endsAt - nowMs) };
  }

  reserve(amount: number, until: number): Reservation {
    const reservation = { amount, until, place: this.#reservations.length };
    this.#reservations.push(reservation);
    this.#reserved += amount;
    if (until < this.#nextEnd) this.#nextEnd = until;
    return reservation;
  }

  settle(reservation: Reservation | undefined, actual: number): number {
    if (reservation !== undefined) this.#release(reservation);
    this.used += actual;
    return this.used;
  }

  seed(used: number): void {
    if (this.#seeded) return;
    this.#seeded = true;
    this.used += used;
  }

  #release(reservation: Reservation): void {
    const { place } = reservation;
    if (place === -1) return;
    reservation.place = -1;
    this.#reserved -= reservation.amount;
    // The last one takes its place.
    const last = this.#reservations.pop();
    if (last !== undefined && last !== reservation) {
      last.place = place;
      this.#reservations[place] = last;
    }
  }

  #expire(nowMs: number): void {
    for (const each of [...this.#reservations]) if (each.until <= nowMs) this.#release(each);
    this.#nextEnd = this.#reservations.reduce(
      (least, { until }) => Math.min(least, until),
      Number.POSITIVE_INFINITY,
    );
  }
}
