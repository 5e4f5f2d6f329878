/** Probes for a command that runs them and ends: the configuration, the service, and nothing that listens. */
import type { Environment } from "./config/environment.ts";
import { type Loaded, loadConfig } from "./config/load.ts";
import { systemClock } from "./core/clock.ts";
import type { Logger } from "./core/log.ts";
import type { Surroundings } from "./gateway/state.ts";
import { BoundedLabels } from "./metrics/bounded-labels.ts";
import { catalogue } from "./metrics/catalogue.ts";
import { Registry } from "./metrics/registry.ts";
import { ProbeService } from "./probes/service.ts";
import { probePlan } from "./probing.ts";
import { buildSettings, type InForce } from "./settings.ts";
import { Http1Transport } from "./upstreams/http1/transport.ts";
import { roughTokens } from "./usage/estimate.ts";
import { TrafficMetrics } from "./usage/traffic-metrics.ts";

export interface ProbeSession {
  readonly inForce: InForce;
  readonly probes: ProbeService;
  readonly registry: Registry;
  close(): Promise<void>;
}

const silent: Logger = { info: nothing, warn: nothing, error: nothing, debug: nothing };
const estimator = {
  tokens: (text: string, total: number) => Promise.resolve(roughTokens(text, total)),
  close: nothing,
};

function nothing(): void {}

/** @throws ConfigError */
export async function openProbeSession(
  file: string | undefined,
  env: Environment,
  warn: (message: string) => void,
): Promise<ProbeSession> {
  const loaded: Loaded = await loadConfig({ file, cwd: process.cwd(), env });
  const registry = new Registry();
  const labels = new BoundedLabels(
    loaded.config.metrics.maxModels,
    registry.counter(catalogue.labelOverflow).with(["model"]),
  );
  const inForce = buildSettings(loaded, { env, labels, fallback: [], warn });
  const transport = new Http1Transport();
  const probes = new ProbeService({ registry, around: () => around, settings: () => inForce.settings });
  const around: Surroundings = {
    clock: systemClock,
    transport,
    metrics: new TrafficMetrics(registry, { maxModels: loaded.config.metrics.maxModels }),
    recorder: probes.recorder,
    estimator,
    log: silent,
  };
  probes.configure(probePlan(inForce, "none"));
  return {
    inForce,
    probes,
    registry,
    async close() {
      await probes.stop();
      await transport.close();
    },
  };
}
