/** Puts limits together: the counters that the configuration wants, the limiter over them, and the budgets' gauges. */
import type { Config } from "./config/schema.ts";
import type { Clock } from "./core/clock.ts";
import type { Logger } from "./core/log.ts";
import type { LedgerClient } from "./ledger/ledger-process.ts";
import { type BudgetState, budgetStates } from "./limits/budget-states.ts";
import { BudgetWatch } from "./limits/budget-watch.ts";
import { Limiter } from "./limits/limiter.ts";
import { restoreBudgets, type SpendSource } from "./limits/restore.ts";
import type { RuleBook, Scope } from "./limits/rules.ts";
import { catalogue } from "./metrics/catalogue.ts";
import type { Registry } from "./metrics/registry.ts";
import type { CounterStore } from "./store/counter-store.ts";
import { MemoryCounters } from "./store/drivers/counters-memory.ts";

export interface Limits {
  readonly limiter: Limiter;
  /** Used share of the owner's fullest budget; undefined when it has none. */
  share(scope: Scope, name: string): number | undefined;
  /** Shows the budgets of this configuration from now on. */
  watch(rules: RuleBook | undefined): void;
  /**
   * Tells the counters what budgets have used before this process began; to be awaited before calls are taken.
   * Resolves when that is done, or when the ledger has not answered in time, which is logged.
   */
  restore(rules: RuleBook | undefined, source: SpendSource): Promise<void>;
  /** How full the budgets of a configuration are. */
  budgets(rules: RuleBook | undefined): Promise<readonly BudgetState[]>;
  close(): Promise<void>;
}

interface Surroundings {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A start waits so long for Redis; then calls come under the policy of each limit. */
const REDIS_START_MS = 2_000;
/** A start waits so long for the ledger to tell what budgets have used. */
const RESTORE_MS = 10_000;
const RESTORE_RETRY_MS = 50;

export async function startLimits(config: Config["limits"], around: Surroundings): Promise<Limits> {
  const { registry, clock, log } = around;
  const unavailable = registry.counter(catalogue.limitsUnavailable);
  for (const policy of ["open", "closed"]) unavailable.with([policy]);
  const startedAt = clock.wall();
  let known: { readonly rules: RuleBook; readonly source: SpendSource } | undefined;
  const reseed = async (): Promise<boolean> => {
    if (known === undefined) return false;
    await restoreBudgets(known.rules.budgets, store, known.source, clock.wall());
    return true;
  };
  const store = await openCounters(config, around, () => reseed());
  const watch = new BudgetWatch(registry, clock, log);
  const waiting = registry.gauge(catalogue.queueWaiting);
  const waited = registry.histogram(catalogue.queueWait);
  const limiter = new Limiter({
    ...{ store, clock, log, watch },
    queue: {
      onWaiting: (app, calls) => waiting.with([app]).set(calls),
      onOver: (app, outcome, ms) => waited.with([app, outcome]).observe(ms / 1000),
    },
    onUnavailable: (policy) => unavailable.with([policy]).inc(),
  });
  return {
    limiter,
    share: (scope, name) => watch.share(scope, name),
    watch: (rules) => {
      if (known !== undefined && rules !== undefined) known = { ...known, rules };
      watch.configure(rules?.budgets ?? [], store).catch((error: unknown) => {
        log.warn({ err: error }, "what budgets have used is not known yet");
      });
    },
    restore: async (rules, source) => {
      if (rules === undefined || rules.budgets.length === 0) return;
      known = { rules, source };
      await patiently(
        () => restoreBudgets(rules.budgets, store, source, startedAt),
        (err) => log.error({ err }, "budgets begin at zero: the ledger does not tell what has been used"),
      );
      await watch.configure(rules.budgets, store).catch(() => undefined);
    },
    budgets: (rules) => budgetStates(rules?.budgets ?? [], store, clock.wall()),
    close: async () => store.close(),
  };
}

/** Tries until it works or has taken too long: then `giveUp` is told why. */
export async function patiently<T>(
  work: () => Promise<T>,
  giveUp: (error: unknown) => void,
): Promise<T | undefined> {
  const deadline = performance.now() + RESTORE_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > deadline) {
        giveUp(error);
        return undefined;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, RESTORE_RETRY_MS));
  }
}

/** What the ledger's database tells, once it has taken over what a process before this one left in the journal. */
export function spendFrom(client: LedgerClient): SpendSource {
  return {
    sql: client.sql,
    query: async (query) => {
      // There is one until all was taken over for the first time.
      if (client.status.problem !== undefined) throw new Error(client.status.problem);
      return client.query(query);
    },
  };
}

async function openCounters(
  { redis }: Config["limits"],
  { registry, log }: Surroundings,
  onEmpty: () => Promise<boolean>,
): Promise<CounterStore> {
  const url = redis?.reveal() ?? "";
  if (url === "") return new MemoryCounters();
  const { RedisCounters } = await import("./store/drivers/counters-redis.ts");
  const lost = registry.counter(catalogue.settlementsLost).with([]);
  const counters = new RedisCounters({
    url,
    onAvailability: (available, why) => {
      if (available) log.info({}, "the counters of limits are reached in Redis");
      else
        log.warn(
          { why },
          "the counters of limits cannot be reached in Redis; each limit's `whenUnavailable` decides",
        );
    },
    onEmpty,
    onLost: (settlements) => {
      lost.inc(settlements);
      log.error({ settlements }, "calls ended that limits will not count: too many waited for Redis");
    },
  });
  await counters.ready(REDIS_START_MS);
  return counters;
}
