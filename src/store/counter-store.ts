/**
 * The port to the counters that limits and budgets are kept in. A driver is one file in drivers/ and passes
 * test/helpers/counter-store-suite.ts, so that one process and many behave alike.
 *
 * A decision is atomic over all its claims: either all are granted and counted, or none is. Amounts are
 * non-negative integers below 2⁵³; times are wall-clock milliseconds given by the caller, so that what is
 * decided depends on nothing else.
 */

/** Parts that a window is kept in: it gives way in steps of a sixtieth of its length. */
export const SLOTS = 60;

/**
 * At most `limit` in any window of that length. A sliding window in slots rather than a token bucket: a bucket
 * grants up to twice the limit within one window (its burst, and what flows in meanwhile), and upstreams that
 * count calls per minute then refuse some.
 */
export interface WindowClaim {
  readonly kind: "window";
  readonly key: string;
  readonly amount: number;
  readonly limit: number;
  readonly windowMs: number;
}

/** At most `limit` calls at a time. Leases that their holder does not renew end by themselves. */
export interface SlotClaim {
  readonly kind: "slot";
  readonly key: string;
  readonly limit: number;
}

/** At most `limit` until `endsAt`, what calls in flight have reserved included. The key names the period. */
export interface BudgetClaim {
  readonly kind: "budget";
  readonly key: string;
  /** What is reserved until the call settles. */
  readonly amount: number;
  readonly limit: number;
  /** When false the claim is always granted, and its state tells whether it was exceeded. */
  readonly enforced: boolean;
  readonly endsAt: number;
}

export type Claim = WindowClaim | SlotClaim | BudgetClaim;

/** How a claim stood when it was decided. */
export interface ClaimState {
  /** There was room for it. */
  readonly fits: boolean;
  /** Counted before this claim, reservations included. */
  readonly used: number;
  /** Milliseconds until there may be room; 0 when there was. */
  readonly waitMs: number;
}

export interface Decision {
  readonly granted: boolean;
  /** In the order of the claims. */
  readonly states: readonly ClaimState[];
  /** To be handed back when the call is settled, where the driver wants that. */
  readonly hold?: Hold;
}

/** What a driver keeps of a call that was granted; its own affair. */
export interface Hold {
  /** It has been handed back. */
  over: boolean;
}

export type MaybePromise<T> = T | Promise<T>;

export interface CounterStore {
  /** Other processes count in the same place. */
  readonly shared: boolean;
  /**
   * Decides over all claims of a call at once. `leaseMs`: how long reservations of budgets hold at most.
   * Rejects when the counters cannot be reached; settle the call then too, for it may have been counted.
   */
  decide(id: string, claims: readonly Claim[], nowMs: number, leaseMs: number): MaybePromise<Decision>;
  /**
   * Replaces what was estimated at `decidedAt` by what it was, and gives slots back: `actual` has the true amount of
   * each claim, which is not looked at for a slot. `hold`: what the decision had, if there was one. Never rejects: what cannot be delivered now is kept and delivered
   * once. Resolves to what each budget has used, where it is known.
   */
  settle(
    id: string,
    claims: readonly Claim[],
    actual: readonly number[],
    decidedAt: number,
    nowMs: number,
    hold?: Hold,
  ): MaybePromise<readonly (number | undefined)[]>;
  /** Adds to a budget what was used before these counters knew of it; only the first time for each key. */
  seed(key: string, used: number, endsAt: number): MaybePromise<void>;
  /** What a budget has used, reservations not included. */
  used(key: string): MaybePromise<number>;
  close(): MaybePromise<void>;
}
