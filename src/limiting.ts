/** Puts limits together: the counters that the configuration wants, the limiter over them, and the budgets' gauges. */
import type { Config } from "./config/schema.ts";
import type { Clock } from "./core/clock.ts";
import type { Logger } from "./core/log.ts";
import { BudgetWatch } from "./limits/budget-watch.ts";
import { Limiter } from "./limits/limiter.ts";
import type { RuleBook } from "./limits/rules.ts";
import { catalogue } from "./metrics/catalogue.ts";
import type { Registry } from "./metrics/registry.ts";
import type { CounterStore } from "./store/counter-store.ts";
import { MemoryCounters } from "./store/drivers/counters-memory.ts";

export interface Limits {
  readonly limiter: Limiter;
  /** Shows the budgets of this configuration from now on. */
  watch(rules: RuleBook | undefined): void;
  close(): Promise<void>;
}

interface Surroundings {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A start waits so long for Redis; then calls come under the policy of each limit. */
const REDIS_START_MS = 2_000;

export async function startLimits(config: Config["limits"], around: Surroundings): Promise<Limits> {
  const { registry, clock, log } = around;
  const unavailable = registry.counter(catalogue.limitsUnavailable);
  for (const policy of ["open", "closed"]) unavailable.with([policy]);
  const store = await openCounters(config, around);
  const watch = new BudgetWatch(registry, clock, log);
  const limiter = new Limiter({
    ...{ store, clock, log, watch },
    onUnavailable: (policy) => unavailable.with([policy]).inc(),
  });
  return {
    limiter,
    watch: (rules) => {
      watch.configure(rules?.budgets ?? [], store).catch((error: unknown) => {
        log.warn({ err: error }, "what budgets have used is not known yet");
      });
    },
    close: async () => store.close(),
  };
}

async function openCounters(
  { redis }: Config["limits"],
  { registry, log }: Surroundings,
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
    onLost: (settlements) => {
      lost.inc(settlements);
      log.error({ settlements }, "calls ended that limits will not count: too many waited for Redis");
    },
  });
  await counters.ready(REDIS_START_MS);
  return counters;
}
