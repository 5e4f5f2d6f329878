/** What a call needs from its surroundings: parts that live as long as the process, and settings in force. */
import type { Clock } from "../core/clock.ts";
import type { BellwetherError } from "../core/errors.ts";
import type { Logger } from "../core/log.ts";
import type { Limiter } from "../limits/limiter.ts";
import type { RuleBook } from "../limits/rules.ts";
import type { PriceBook } from "../prices/book.ts";
import type { Plan } from "../routing/plan.ts";
import type { Router } from "../routing/router.ts";
import type { Breakers } from "../upstreams/breaker.ts";
import type { UpstreamTransport } from "../upstreams/exchange.ts";
import type { KeyRings } from "../upstreams/key-ring.ts";
import type { RetryBudgets } from "../upstreams/retry-budget.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import type { DialectName, Family } from "../usage/dialect.ts";
import type { Estimator } from "../usage/estimate.ts";
import type { TrafficMetrics } from "../usage/traffic-metrics.ts";
import type { Recorder } from "../usage/usage.ts";
import type { Access } from "./access.ts";
import type { Paces } from "./paces.ts";

/** Replaced as a whole when the configuration is reloaded; a call keeps the one it began with. */
export interface Settings {
  readonly access: Access;
  /** Largest request body, in bytes. */
  readonly bodyLimit: number;
  readonly prices: PriceBook;
  /** The calls are Bellwether's own, made to see whether an upstream is well. */
  readonly probe?: true;
  /** Limits and budgets; probes have none, but a budget of their own. */
  readonly rules?: RuleBook;
  /** Models that no upstream knows: aliases, and names that only rules decide on. */
  readonly ownModels: ReadonlySet<string>;
  /** Rules that choose model and upstream; undefined where there are none. */
  readonly router?: Router<Upstream>;
  /** Chooses the upstream and the model to ask it for. */
  plan(model: string, dialect: DialectName, family: Family): Plan<Upstream> | undefined;
  /** The bounded `model` label of a name that a client wrote. */
  modelLabel(model: string): string;
}

export interface Surroundings {
  readonly clock: Clock;
  readonly transport: UpstreamTransport;
  readonly metrics: TrafficMetrics;
  readonly recorder: Recorder;
  readonly estimator: Estimator;
  readonly retryBudgets?: RetryBudgets;
  readonly breakers?: Breakers;
  readonly keyRings?: KeyRings;
  /** How soon answers begin; without it no call is hedged. */
  readonly paces?: Paces;
  /** Asked about calls that rules hold for. */
  readonly limiter?: Limiter;
  readonly log: Logger;
  /** Why no new call may be sent now, whoever makes it; undefined when they may. */
  refusal?(): BellwetherError | undefined;
}
