/** The composition root: puts the parts together, starts them, and stops them in order. Wiring only. */

import { lazyAdmin } from "./admin-server.ts";
import { Alerting } from "./alerting.ts";
import { alertProblems, latencyBounds } from "./alerts/resolve.ts";
import { showAppLabels } from "./app-labels.ts";
import { watchedBreakers } from "./breakers.ts";
import { alertsStatePath } from "./config/alert-paths.ts";
import type { Environment } from "./config/environment.ts";
import { ledgerPaths } from "./config/ledger-paths.ts";
import type { Loaded } from "./config/load.ts";
import { loadConfig } from "./config/load.ts";
import { ConfigError } from "./config/problems.ts";
import { Reloader, type ReloadResult } from "./config/reload.ts";
import { checkSafety } from "./config/safety.ts";
import { type Watching, watchFiles } from "./config/watch.ts";
import { systemClock } from "./core/clock.ts";
import { CallLog } from "./gateway/call-log.ts";
import { handle } from "./gateway/handle.ts";
import { refuseMalformed } from "./gateway/malformed.ts";
import { ModelLists } from "./gateway/model-lists.ts";
import { OpenCalls } from "./gateway/open-calls.ts";
import { Paces } from "./gateway/paces.ts";
import { PriceGauges } from "./gateway/price-gauges.ts";
import type { Surroundings } from "./gateway/state.ts";
import { Guard } from "./http/admin/guard.ts";
import { LiveTraffic } from "./http/admin/live.ts";
import { type Readiness, serveOperation } from "./http/operations.ts";
import { DataPlane } from "./http/server.ts";
import { Ledger } from "./ledger/ledger.ts";
import { showMonth } from "./ledger/spending/month-gauges.ts";
import { spendFrom, startLimits } from "./limiting.ts";
import { createLogger, type ProcessLogger } from "./logger.ts";
import { BoundedLabels } from "./metrics/bounded-labels.ts";
import { catalogue } from "./metrics/catalogue.ts";
import { Metrics } from "./metrics/metrics.ts";
import { ProcessMetrics } from "./metrics/process.ts";
import type { Registry } from "./metrics/registry.ts";
import { Notifier } from "./notify/notifier.ts";
import { probePage } from "./probes/page.ts";
import { ProbeService } from "./probes/service.ts";
import { probePlan, probeSpendMemory } from "./probing.ts";
import { logReload, showReloads } from "./reloading.ts";
import { type RoutingLife, withRoutes } from "./routes.ts";
import { TrafficView } from "./routing/traffic-view.ts";
import { RoutingWatch } from "./routing-watch.ts";
import { type SandboxUpstream, startSandboxUpstream } from "./sandbox-upstream.ts";
import { buildSettings, type InForce, identities } from "./settings.ts";
import { storeSettings } from "./store/configured-store.ts";
import { Http1Transport } from "./upstreams/http1/transport.ts";
import { KeyRings } from "./upstreams/key-ring.ts";
import { RetryBudgets } from "./upstreams/retry-budget.ts";
import { WorkerEstimator } from "./usage/estimate-thread.ts";
import { Recorders } from "./usage/recorders.ts";
import { TrafficMetrics } from "./usage/traffic-metrics.ts";
import { version } from "./version.ts";

export interface ServeOptions {
  readonly configFile?: string | undefined;
  /** In place of the configured ones. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly logLevel?: string | undefined;
  /** Whoever starts it knows that its upstreams are simulated. */
  readonly simulated?: boolean;
  /** In place of reading a file. */
  readonly load?: (() => Promise<Loaded>) | undefined;
  readonly cwd: string;
  readonly env: Environment;
}

export interface Running {
  /** `http://host:port` that clients can use. */
  readonly url: string;
  readonly inForce: InForce;
  /** Set when calls go to the built-in simulated relay. */
  readonly sandbox: SandboxUpstream | undefined;
  readonly log: ProcessLogger;
  reload(reason: string): Promise<ReloadResult>;
  /** Not ready any more, no new connections, calls in flight finish or are cut. True when none was cut. */
  close(): Promise<boolean>;
}

/** At the end, estimates that calls still wait for may take this long. */
const ESTIMATES_MS = 10_000;

/** At the end, notifications that are not told yet may take this long. */
const NOTIFICATIONS_MS = 5_000;

/** Starts everything. @throws ConfigError, or the system's error when it cannot listen. */
export async function serve(options: ServeOptions): Promise<Running> {
  const { env, cwd } = options;
  const load = async (file: string | undefined): Promise<Loaded> => {
    const read = options.load?.() ?? loadConfig({ file, cwd, env });
    const loaded = overridden(await read, options);
    checkSafety(loaded);
    const problems = alertProblems(loaded.config, latencyBounds(loaded.config), loaded.locate);
    if (problems.length > 0) throw new ConfigError(problems);
    return loaded;
  };
  const initial = await load(options.configFile);
  const { config } = initial;
  const log = await createLogger(config.log);
  const metrics = new Metrics({ buckets: config.metrics.buckets, process: new ProcessMetrics() });
  const { registry } = metrics;
  const overflow = registry.counter(catalogue.labelOverflow).with(["model"]);
  const labels = new BoundedLabels(config.metrics.maxModels, overflow);
  const warn = (message: string): void => log.warn({}, message);

  const sandbox = await startSandboxUpstream(initial, env);
  const fallback = sandbox === undefined ? [] : [sandbox.upstream];
  const keyRings = new KeyRings(systemClock, ({ upstream, position, of, status, ms }) => {
    log.warn({ upstream, key: `${position} of ${of}`, status, ms }, "an API key rests");
    probes.recorder.refused(upstream, position, status);
  });
  const breakers = watchedBreakers(registry, log, () => inForce.upstreams);
  const routing: RoutingLife = {
    view: new TrafficView(systemClock),
    random: Math.random,
    breaker: (upstream, model) => breakers.state(upstream, model),
    budgetShare: ({ scope, name }) => limits.share(scope, name),
  };
  const routingWatch = new RoutingWatch(routing.view, registry, log);
  const build = (loaded: Loaded): Promise<InForce> =>
    withRoutes(buildSettings(loaded, { env, labels, fallback, warn }), routing);
  let inForce = await build(initial);

  const traffic = new TrafficMetrics(registry, { maxModels: config.metrics.maxModels });
  const priceGauges = new PriceGauges(registry, () => inForce.settings.prices);
  const transport = new Http1Transport(() => ledger?.flush());
  const estimator = new WorkerEstimator();
  const openCalls = new OpenCalls();
  const notifier = new Notifier({ clock: systemClock, log, registry });
  const modelLists = new ModelLists(transport, labels, systemClock, () => inForce.upstreams);
  const live = new LiveTraffic(systemClock);
  const ledger = config.ledger.enabled ? openLedger(initial, cwd, log, registry) : undefined;
  if (ledger !== undefined) {
    const { client } = ledger;
    showMonth(registry, {
      spend: () => client.spend,
      upstreams: () => inForce.upstreams.map(({ name }) => name),
    });
  }
  const probes = new ProbeService({
    ...{ registry, spendMemory: probeSpendMemory(initial, cwd, log, ledger?.client) },
    around: () => around,
    settings: () => inForce.settings,
  });
  const limits = await startLimits(config.limits, { registry, clock: systemClock, log });
  const around: Surroundings = {
    clock: systemClock,
    transport,
    limiter: limits.limiter,
    retryBudgets: new RetryBudgets(),
    breakers,
    keyRings,
    paces: new Paces(systemClock),
    metrics: traffic,
    recorder: new Recorders([
      ...(ledger === undefined ? [] : [ledger.recorder]),
      priceGauges,
      modelLists,
      new CallLog(log),
      openCalls,
      probes.recorder,
      live,
      routing.view,
    ]),
    estimator,
    log,
    refusal: () => ledger?.refusal(),
  };

  let alerting: Alerting | undefined;
  const putIntoForce = (next: InForce): void => {
    inForce = next;
    metrics.setUpstreams(identities(next.upstreams));
    prepareSeries(traffic, next);
    breakers.configure(next.upstreams);
    notifier.configure(next.loaded.config.channels, next.loaded.config.notify);
    alerting?.configure(next.loaded.config);
    probes.configure(probePlan(next, "as configured"));
    limits.watch(next.settings.rules);
    showAppLabels(registry, next.loaded.config.apps);
    routingWatch.configure(next);
  };
  putIntoForce(inForce);

  let watching: Watching | undefined;
  const reloader = new Reloader({
    initial,
    load,
    apply: async (next) => {
      putIntoForce(await build(next));
      transport.retain(inForce.upstreams);
      keyRings.retain(inForce.upstreams);
      priceGauges.reset();
    },
    onResult(result) {
      logReload(result, log);
      watching?.follow(reloader.current.files);
    },
    clock: systemClock,
  });
  registry.gauge(catalogue.buildInfo).with([version, process.version]).set(1);
  showReloads(registry, reloader);

  let stopping = false;
  const readiness = (): Readiness => ({
    ready: !stopping,
    checks: {
      server: stopping ? "shutting down" : "ok",
      configuration: reloader.status.success ? "ok" : "the last reload failed; the one before stays in force",
      upstreams: inForce.upstreams.length > 0 ? "ok" : "none",
      ...(ledger !== undefined && { ledger: ledger.client.status.problem ?? "ok" }),
    },
  });
  const about = () => ({
    version,
    uptimeSeconds: Math.floor(process.uptime()),
    upstreams: inForce.upstreams.map(({ name }) => name),
    simulated:
      options.simulated === true || (sandbox !== undefined && inForce.upstreams.includes(sandbox.upstream)),
  });
  const guard = new Guard({
    token: () => inForce.loaded.config.server.adminToken?.reveal(),
    now: () => systemClock.wall(),
  });
  const admin = lazyAdmin(
    {
      inForce: () => inForce,
      live,
      ledger: ledger?.client,
      limits,
      board: probes.board,
      breakers,
      alerting: () => alerting,
      notifier,
      simulated: () => about().simulated,
      log,
    },
    guard,
  );
  const operations = {
    admin: admin.serve,
    metrics,
    readiness,
    about,
    probe: (query: string, limit: string | undefined, accept: string | undefined) =>
      probePage(probes, systemClock, query, limit, accept),
  };
  const { host, port, headersLimit, requestTimeout } = config.server;
  const server = new DataPlane(
    { host, port, headersLimit, requestTimeout },
    {
      call: (client) => handle(client, inForce.settings, around),
      malformed: (error, method, target) => refuseMalformed(error, method, target, inForce.settings, around),
      operation: (request, response) => serveOperation(operations, request, response),
      cors: () => {
        const { cors } = inForce.loaded.config.server;
        return cors.origins.length > 0 ? cors : undefined;
      },
    },
  );
  const closeParts = async (): Promise<void> => {
    watching?.close();
    routingWatch.close();
    await alerting?.close();
    await probes.stop();
    await transport.close();
    await openCalls.none(ESTIMATES_MS);
    // Whoever still waits for an estimate gets a rough one, and settles before the next turn.
    estimator.close();
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([ledger?.close(), limits.close(), sandbox?.close(), notifier.close(NOTIFICATIONS_MS)]);
    log.flush();
  };
  try {
    if (ledger !== undefined && (inForce.settings.rules?.budgets.length ?? 0) > 0) {
      ledger.start();
      await limits.restore(inForce.settings.rules, spendFrom(ledger.client));
    }
    const address = await server.listen();
    const url = `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`;
    const { externalUrl = url } = config.alerts;
    const statePath = alertsStatePath(initial, cwd);
    alerting = new Alerting({ registry, notifier, clock: systemClock, log, externalUrl, statePath }, config);
    ledger?.start();
    await alerting.start();
    watching = watchFiles(reloader.current.files, () => void reloader.reload("file changed"));
    return {
      url,
      get inForce() {
        return inForce;
      },
      sandbox,
      log,
      reload: (reason) => reloader.reload(reason),
      async close() {
        stopping = true;
        admin.close();
        const clean = await server.close(inForce.loaded.config.server.shutdown.drain);
        await closeParts();
        return clean;
      },
    };
  } catch (error) {
    await closeParts();
    throw error;
  }
}

function openLedger(loaded: Loaded, cwd: string, log: ProcessLogger, registry: Registry): Ledger {
  const { journal, retentionDays } = loaded.config.ledger;
  const paths = ledgerPaths(loaded, cwd);
  return new Ledger({
    settings: { journal: paths.journal, store: storeSettings(loaded, cwd), retentionDays },
    maxBytes: journal.maxBytes,
    whenFull: journal.whenFull,
    log,
    registry,
  });
}

/** The configuration with the command line's options over it. */
function overridden(loaded: Loaded, options: ServeOptions): Loaded {
  const { config } = loaded;
  const server = {
    ...config.server,
    host: options.host ?? config.server.host,
    port: options.port ?? config.server.port,
  };
  const level = (options.logLevel ?? config.log.level) as typeof config.log.level;
  return { ...loaded, config: { ...config, server, log: { ...config.log, level } } };
}

/** The series that alerts divide by and rate exist before the first call. */
function prepareSeries(traffic: TrafficMetrics, { loaded, settings, upstreams }: InForce): void {
  const { config } = loaded;
  const apps =
    config.apps.length > 0 && config.server.auth === "keys"
      ? config.apps.map(({ name }) => name)
      : ["anonymous"];
  for (const upstream of upstreams) {
    const served = Object.entries(config.models)
      .filter(([, model]) => model.route !== true)
      .filter(([, model]) => model.upstreams === undefined || model.upstreams.includes(upstream.name))
      .map(([name, { alias }]) => alias ?? name);
    const own = Object.keys(upstream.pricing.own);
    const models = [...new Set([...served, ...own])].map((model) => settings.modelLabel(model));
    traffic.prepare({
      upstream: upstream.name,
      models: models.length > 0 ? models : ["other"],
      endpoints: ["chat"],
      apps,
    });
  }
}
