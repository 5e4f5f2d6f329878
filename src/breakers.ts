/** The circuit breakers of this process, told of in the metrics and the log. */
import { systemClock } from "./core/clock.ts";
import type { Logger } from "./core/log.ts";
import { catalogue } from "./metrics/catalogue.ts";
import type { Registry } from "./metrics/registry.ts";
import { type BreakerState, Breakers } from "./upstreams/breaker.ts";
import type { Upstream } from "./upstreams/upstream.ts";

const VALUES: Readonly<Record<BreakerState, number>> = { closed: 0, "half-open": 1, open: 2 };

const WORDS: Readonly<Record<BreakerState, string>> = {
  open: "circuit breaker open: calls that can go elsewhere do",
  "half-open": "circuit breaker half-open: a few calls try whether it is well",
  closed: "circuit breaker closed: it is well again",
};

/** @param upstreams those in force, asked at each scrape */
export function watchedBreakers(
  registry: Registry,
  log: Logger,
  upstreams: () => readonly Upstream[],
): Breakers {
  const ejections = registry.counter(catalogue.ejections);
  const breakers = new Breakers({
    clock: systemClock,
    random: Math.random,
    onEjection: ({ upstream, reason }) => ejections.with([upstream, reason]).inc(),
    onChange: ({ upstream, model, state, why }) => {
      log[state === "open" ? "warn" : "info"]({ upstream, model, ...(why && { why }) }, WORDS[state]);
    },
  });
  const gauge = registry.gauge(catalogue.breakerState);
  registry.beforeScrape(() => {
    for (const { name, breaker } of upstreams()) {
      if (breaker !== undefined) gauge.with([name]).set(VALUES[breakers.worst(name)]);
    }
  });
  return breakers;
}
