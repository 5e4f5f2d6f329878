/**
 * Decides whether a call may go on: all its limits and budgets in one question to the counters, with
 * what it may need reserved until it is settled by what it did need.
 */
import type { Clock } from "../core/clock.ts";
import type { Logger } from "../core/log.ts";
import type { Claim, CounterStore, Decision, Hold, MaybePromise } from "../store/counter-store.ts";
import type { Usage } from "../usage/usage.ts";
import type { BudgetWatch } from "./budget-watch.ts";
import { FairQueue, type QueueOptions, type QueueTerms } from "./fair-queue.ts";
import { refusalOf, unavailable, unpriced } from "./refusals.ts";
import type { BudgetRule, Rule, RuleSet, Subject } from "./rules.ts";

/** A call before it is sent. */
export interface AdmissionRequest extends Subject {
  readonly id: string;
  /** What it may need at most, as far as that can be told. */
  readonly tokens: number;
  /** The same in nano-dollars; undefined when the model has no price. */
  readonly cost: number | undefined;
  /** Milliseconds after which it has surely ended, whatever became of it. */
  readonly leaseMs: number;
  /** It has been downgraded already, and budgets that downgrade let it through. */
  readonly downgraded: boolean;
  /** Tells whether the client is still there. */
  readonly caller: { readonly left: boolean };
}

export interface LimiterOptions {
  readonly store: CounterStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly watch: BudgetWatch;
  /** Counts a call that was decided without the counters. */
  onUnavailable(policy: "open" | "closed"): void;
  /** Is told of calls that wait. */
  readonly queue: Pick<QueueOptions, "onWaiting" | "onOver">;
}

const PICO_PER_NANO = 1_000;

/** Nano-dollars; what is left of a thousand pico-dollars is rounded up. At most as many as counters take. */
export function nanoOf(pico: bigint): number {
  const amount = Number(pico);
  if (!Number.isSafeInteger(amount)) {
    return Math.min(Number((pico + 999n) / 1_000n), Number.MAX_SAFE_INTEGER);
  }
  const rest = amount % PICO_PER_NANO;
  return (amount - rest) / PICO_PER_NANO + (rest > 0 ? 1 : 0);
}

export class Limiter {
  readonly #options: LimiterOptions;
  readonly #queue: FairQueue<Admission>;

  constructor(options: LimiterOptions) {
    this.#options = options;
    const { shared } = options.store;
    this.#queue = new FairQueue({ ...options.queue, shared, now: () => options.clock.monotonic() });
  }

  /**
   * The admission of a call under the rules that hold for it, to be settled once. With `terms` it waits for room;
   * undefined when its client has left meanwhile.
   * @throws LimitRefusal (or rejects with it) when the call may not go on.
   */
  admit(
    request: AdmissionRequest,
    held: RuleSet,
    terms: QueueTerms | undefined,
  ): MaybePromise<Admission | undefined> {
    if (terms === undefined) return this.#admit(request, held);
    const { id, app } = request;
    return this.#queue.enter({
      ...{ id, app, lane: held, keys: held.keys, waitMs: terms.waitMs, size: terms.size },
      attempt: () => this.#admit(request, held),
      left: () => request.caller.left,
    });
  }

  /** A call's client has left: it waits no longer. */
  leave(id: string): void {
    if (this.#queue.size > 0) this.#queue.leave(id);
  }

  #admit(request: AdmissionRequest, held: RuleSet): MaybePromise<Admission> {
    const { rules, strict } = held;
    if (request.cost === undefined && strict !== undefined) throw unpriced(strict, request);
    const now = this.#options.clock.wall();
    const claims = rules.map((rule) => claimOf(rule, request, now));
    let decision: MaybePromise<Decision>;
    try {
      decision = this.#options.store.decide(request.id, claims, now, request.leaseMs);
    } catch {
      return this.#withoutCounters(request, held, claims, now);
    }
    if (!(decision instanceof Promise)) return this.#conclude(decision, request, rules, claims, now);
    return decision.then(
      (decided) => this.#conclude(decided, request, rules, claims, now),
      () => this.#withoutCounters(request, held, claims, now),
    );
  }

  #conclude(
    { granted, states, hold }: Decision,
    request: AdmissionRequest,
    rules: readonly Rule[],
    claims: readonly Claim[],
    now: number,
  ): Admission {
    if (!granted) throw refusalOf(rules, claims, states, request, now);
    let downgrade: Downgrade | undefined;
    for (let at = 0; !request.downgraded && at < rules.length && downgrade === undefined; at++) {
      const rule = rules[at];
      if (rule?.kind === "budget" && states[at]?.fits === false) downgrade = downgradeOf(rule);
    }
    return this.#admission({ id: request.id, rules, claims, hold, decidedAt: now }, downgrade);
  }

  #admission(taken: Taken, downgrade?: Downgrade): Admission {
    return new Admission(taken, downgrade, this.#options, this.#queue);
  }

  /** The counters cannot be reached: each rule says what is to be done then. */
  #withoutCounters(
    request: AdmissionRequest,
    { rules, closed }: RuleSet,
    claims: readonly Claim[],
    now: number,
  ): Admission {
    // It may have been counted all the same. Windows forget by themselves; the rest is settled.
    const kept = (_: unknown, index: number): boolean => claims[index]?.kind !== "window";
    const taken = { rules: rules.filter(kept), claims: claims.filter(kept), hold: undefined };
    const admission = this.#admission({ id: request.id, ...taken, decidedAt: now });
    this.#options.onUnavailable(closed === undefined ? "open" : "closed");
    if (closed === undefined) return admission;
    admission.release();
    throw unavailable(closed);
  }
}

/** Another model, in place of the one that a budget has no room for. */
export interface Downgrade {
  readonly model: string;
  /** Whose budget it is, as the route is called: `budget:app:shop`. */
  readonly route: string;
}

function downgradeOf(rule: BudgetRule): Downgrade | undefined {
  if (rule.downgradeTo === undefined) return undefined;
  const owner = rule.scope === "all" ? "all" : `${rule.scope}:${rule.name}`;
  return { model: rule.downgradeTo, route: `budget:${owner}` };
}

function claimOf(rule: Rule, { tokens, cost = 0 }: AdmissionRequest, now: number): Claim {
  switch (rule.kind) {
    case "requests":
    case "concurrency":
      return rule.claim;
    case "tokens": {
      const { key, limit, windowMs } = rule;
      // A call that needs more than the whole limit waits for an empty window, not for ever.
      return { kind: "window", key, amount: Math.min(tokens, limit), limit, windowMs };
    }
    case "budget": {
      const { key, endsAt } = rule.calendar.period(now);
      const amount = rule.unit === "usd" ? cost : tokens;
      return {
        kind: "budget",
        key,
        amount,
        limit: rule.limit,
        enforced: rule.onExceeded === "block",
        endsAt,
      };
    }
  }
}

/** What a call has used, and where. */
type Spent = Pick<Usage, "quantities" | "cost" | "upstream"> &
  Partial<Pick<Usage, "modelRequested" | "modelSent">>;

/** What was claimed for a call, under which rules, in the same order. */
interface Taken {
  readonly id: string;
  readonly rules: readonly Rule[];
  readonly claims: readonly Claim[];
  readonly hold: Hold | undefined;
  readonly decidedAt: number;
}

/** A call that may go on. Exactly one of `settle` and `release` counts, the first. */
export class Admission {
  /** What to ask for instead, because a budget says so. */
  readonly downgrade: Downgrade | undefined;
  readonly #taken: Taken;
  readonly #options: LimiterOptions;
  readonly #queue: FairQueue<Admission>;
  #over = false;

  constructor(
    taken: Taken,
    downgrade: Downgrade | undefined,
    options: LimiterOptions,
    queue: FairQueue<Admission>,
  ) {
    this.#queue = queue;
    this.#taken = taken;
    this.downgrade = downgrade;
    this.#options = options;
  }

  /** The call has ended: what it used counts from now on, in place of what was reserved. */
  settle({ quantities, cost, upstream, modelRequested, modelSent }: Spent): void {
    if (this.#over) return;
    const tokens = (quantities.inputTokens ?? 0) + (quantities.outputTokens ?? 0);
    const money = cost === undefined ? 0 : nanoOf(cost);
    this.#settle(
      this.#taken.rules.map((rule) => {
        if (rule.kind === "requests") return 1;
        // The call went on elsewhere, and was paid for there.
        const { scope, name } = rule;
        if (scope === "upstream" && name !== upstream) return 0;
        const elsewhere = modelSent !== undefined && name !== modelSent && name !== modelRequested;
        if (scope === "model" && elsewhere) return 0;
        return rule.kind === "budget" && rule.unit === "usd" ? money : tokens;
      }),
    );
  }

  /** The call was not made: nothing counts. */
  release(): void {
    if (!this.#over) this.#settle(this.#taken.rules.map(() => 0));
  }

  #settle(actual: readonly number[]): void {
    this.#over = true;
    const { store, clock, log } = this.#options;
    const { id, claims, decidedAt, hold } = this.#taken;
    const used = store.settle(id, claims, actual, decidedAt, clock.wall(), hold);
    if (used instanceof Promise) {
      used
        .then((each) => this.#note(each))
        .catch((error: unknown) => log.error({ err: error }, "a limit could not be settled"));
    } else this.#note(used);
  }

  #note(used: readonly (number | undefined)[]): void {
    this.#queue.freed();
    const { rules, decidedAt } = this.#taken;
    for (let at = 0; at < used.length; at++) {
      const rule = rules[at];
      const amount = used[at];
      if (rule?.kind === "budget" && amount !== undefined) {
        this.#options.watch.note(rule, decidedAt, amount);
      }
    }
  }
}
