/** Looks once a second at what the rules in force watch, and tells when one begins to take calls, or ends. */
import type { Config } from "./config/schema.ts";
import type { Logger } from "./core/log.ts";
import { catalogue } from "./metrics/catalogue.ts";
import type { Registry } from "./metrics/registry.ts";
import type { Rule } from "./routing/router.ts";
import type { TrafficView } from "./routing/traffic-view.ts";
import type { InForce } from "./settings.ts";
import type { Upstream } from "./upstreams/upstream.ts";

const TICK_MS = 1_000;

export class RoutingWatch {
  readonly #view: TrafficView;
  readonly #registry: Registry;
  readonly #log: Logger;
  #rules: readonly Rule<Upstream>[] = [];
  readonly #active = new Map<string, boolean>();
  #timer: NodeJS.Timeout | undefined;

  constructor(view: TrafficView, registry: Registry, log: Logger) {
    this.#view = view;
    this.#registry = registry;
    this.#log = log;
  }

  /** Goes by these rules from now on. Watches that stay the same know what they knew. */
  configure({ settings, loaded }: InForce): void {
    const { router } = settings;
    this.#rules = (router?.rules ?? []).filter(({ watches }) => watches.length > 0);
    this.#view.active = this.#rules.length > 0 || loaded.config.routes.some(needsView);
    this.#view.retain(router?.watches ?? new Set());
    this.#registry.gauge(catalogue.routeActive).clear();
    for (const name of this.#active.keys()) {
      if (!this.#rules.some((rule) => rule.name === name)) this.#active.delete(name);
    }
    this.#show();
    if (this.#rules.length === 0) this.close();
    else {
      this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
      this.#timer.unref();
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    this.#view.tick();
    this.#show();
  }

  #show(): void {
    for (const { name, watches, target } of this.#rules) {
      const active = watches.every(({ on }) => on);
      const before = this.#active.get(name) ?? false;
      this.#active.set(name, active);
      this.#registry
        .gauge(catalogue.routeActive)
        .with([name])
        .set(active ? 1 : 0);
      if (active && !before)
        this.#log.warn({ route: name, use: target.text }, "a route begins to take calls");
      if (!active && before) this.#log.info({ route: name }, "a route takes no more calls");
    }
  }
}

function needsView({ use: { strategy } }: Config["routes"][number]): boolean {
  return strategy === "fastest" || strategy === "least-busy";
}
