/** The exporter's composition root: probes and their metrics, without the gateway. Wiring only. */
import type { Environment } from "./config/environment.ts";
import { type Loaded, loadConfig } from "./config/load.ts";
import { probeSpendPath } from "./config/probe-paths.ts";
import { ConfigError } from "./config/problems.ts";
import { Reloader, type ReloadResult } from "./config/reload.ts";
import { type Watching, watchFiles } from "./config/watch.ts";
import { systemClock } from "./core/clock.ts";
import { exporterProbes } from "./exporter-environment.ts";
import { CallLog } from "./gateway/call-log.ts";
import { PriceGauges } from "./gateway/price-gauges.ts";
import type { Surroundings } from "./gateway/state.ts";
import { OperationsServer } from "./http/operations-server.ts";
import { createLogger, type ProcessLogger } from "./logger.ts";
import { BoundedLabels } from "./metrics/bounded-labels.ts";
import { catalogue } from "./metrics/catalogue.ts";
import { Metrics } from "./metrics/metrics.ts";
import { ProcessMetrics } from "./metrics/process.ts";
import { probePage } from "./probes/page.ts";
import { ProbeService } from "./probes/service.ts";
import type { Scheduled } from "./probes/settings.ts";
import { SpendFile } from "./probes/spend-file.ts";
import { probePlan } from "./probing.ts";
import { logReload, showReloads } from "./reloading.ts";
import { buildSettings, type InForce, identities } from "./settings.ts";
import { Http1Transport } from "./upstreams/http1/transport.ts";
import { WorkerEstimator } from "./usage/estimate-thread.ts";
import { Recorders } from "./usage/recorders.ts";
import { TrafficMetrics } from "./usage/traffic-metrics.ts";
import { version } from "./version.ts";

export interface ExporterOptions {
  readonly configFile?: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly logLevel?: string | undefined;
  readonly cwd: string;
  readonly env: Environment;
}

export interface RunningExporter {
  readonly url: string;
  readonly inForce: InForce;
  readonly tasks: readonly Scheduled[];
  readonly log: ProcessLogger;
  reload(reason: string): Promise<ReloadResult>;
  close(): Promise<void>;
}

const NO_UPSTREAM = {
  path: "",
  message: "there is nothing to watch: no upstream is configured, and no key is in the environment",
  hint: "Set HOLYSHEEP_API_KEY (or OPENAI_API_KEY, …), or write a bellwether.yaml with `upstreams`.",
};

/** Starts everything. @throws ConfigError, or the system's error when it cannot listen. */
export async function runExporter(options: ExporterOptions): Promise<RunningExporter> {
  const { env, cwd, host, port } = options;
  const load = async (file: string | undefined): Promise<Loaded> => {
    const loaded = await loadConfig({ file, cwd, env });
    const level = (options.logLevel ?? loaded.config.log.level) as Loaded["config"]["log"]["level"];
    return { ...loaded, config: { ...loaded.config, log: { ...loaded.config.log, level } } };
  };
  const initial = await load(options.configFile);
  const { config } = initial;
  const log = await createLogger(config.log);
  const warn = (message: string): void => log.warn({}, message);
  const metrics = new Metrics({ buckets: config.metrics.buckets, process: new ProcessMetrics() });
  const { registry } = metrics;
  const overflow = registry.counter(catalogue.labelOverflow).with(["model"]);
  const labels = new BoundedLabels(config.metrics.maxModels, overflow);
  const build = (loaded: Loaded): InForce => {
    const built = buildSettings(loaded, { env, labels, fallback: [], warn });
    if (built.upstreams.length === 0) throw new ConfigError([NO_UPSTREAM]);
    return built;
  };
  let inForce = build(initial);
  const priceGauges = new PriceGauges(registry, () => inForce.settings.prices);
  const transport = new Http1Transport();
  const estimator = new WorkerEstimator();
  const spendMemory = new SpendFile(probeSpendPath(initial, cwd, "exporter"), log);
  const probes = new ProbeService({
    ...{ registry, spendMemory },
    around: () => around,
    settings: () => inForce.settings,
  });
  const around: Surroundings = {
    clock: systemClock,
    transport,
    metrics: new TrafficMetrics(registry, { maxModels: config.metrics.maxModels }),
    recorder: new Recorders([priceGauges, new CallLog(log), probes.recorder]),
    estimator,
    log,
  };
  const putIntoForce = (next: InForce): void => {
    const own = exporterProbes(next.loaded.config, env, warn);
    inForce = next;
    metrics.setUpstreams(identities(next.upstreams));
    // What probes ask has its own label, whatever else is known.
    probes.configure(probePlan(next, own));
    labels.allow(probes.tasks.map(({ model }) => model).filter((model) => model !== ""));
    transport.retain(next.upstreams);
    priceGauges.reset();
  };
  let watching: Watching | undefined;
  const reloader = new Reloader({
    initial,
    load,
    apply: (next) => putIntoForce(build(next)),
    onResult(result) {
      logReload(result, log);
      watching?.follow(reloader.current.files);
    },
    clock: systemClock,
  });
  registry.gauge(catalogue.buildInfo).with([version, process.version]).set(1);
  showReloads(registry, reloader);
  const server = new OperationsServer(
    { host, port },
    {
      metrics,
      readiness: () => ({ ready: true, checks: { upstreams: "ok" } }),
      about: () => ({ version, uptimeSeconds: Math.floor(process.uptime()), upstreams: probes.upstreams }),
      probe: (query, limit, accept) => probePage(probes, systemClock, query, limit, accept),
      front: ["Bellwether's exporter: probes, balances and keys of LLM relays and vendors.", ""],
    },
  );
  const address = await server.listen();
  try {
    putIntoForce(inForce);
    watching = watchFiles(reloader.current.files, () => void reloader.reload("file changed"));
  } catch (error) {
    await server.close();
    throw error;
  }
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`,
    get inForce() {
      return inForce;
    },
    get tasks() {
      return probes.tasks;
    },
    log,
    reload: (reason) => reloader.reload(reason),
    async close() {
      watching?.close();
      await probes.stop();
      await server.close();
      estimator.close();
      await transport.close();
      log.flush();
    },
  };
}
