/**
 * `GET /probe?upstream=NAME&module=chat`: runs one probe now and answers with what it found, as Prometheus' blackbox
 * exporter does, so that the scrape configuration decides the rhythm.
 */
import type { Clock } from "../core/clock.ts";
import { definitions } from "../metrics/catalogue.ts";
import { negotiate } from "../metrics/expose/negotiate.ts";
import { encoders, render } from "../metrics/expose/render.ts";
import { type Family, LabelSet } from "../metrics/family.ts";
import { bellwether } from "../metrics/profiles/bellwether.ts";
import { view } from "../metrics/profiles/view.ts";
import { Registry } from "../metrics/registry.ts";
import { keyCount } from "../upstreams/one-key.ts";
import { Board } from "./board.ts";
import { probeNamed, probes } from "./index.ts";
import type { Result } from "./run.ts";
import { ProbeRefused, type ProbeService } from "./service.ts";

export interface ProbePage {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Prometheus is answered this much before it would give up. */
const SCRAPE_MARGIN_MS = 500;
/** Scrape timeouts are taken in whole seconds, so that there are few different ones. */
const STEP_MS = 1_000;

/** Of the catalogue: what one run of a probe can tell. Counters are for the process's own page. */
const shown: ReadonlySet<string> = new Set(
  definitions
    .filter(({ name, type }) => type === "gauge" && /^bellwether_(probe|upstream)_/.test(name))
    .map(({ name }) => name),
);

/**
 * @param query of the request, without the question mark
 * @param scrapeTimeout the header `X-Prometheus-Scrape-Timeout-Seconds`
 */
export async function probePage(
  service: ProbeService,
  clock: Clock,
  query: string,
  scrapeTimeout: string | undefined,
  accept: string | undefined,
): Promise<ProbePage> {
  const parameters = new URLSearchParams(query);
  const [upstream, module] = [parameters.get("upstream"), parameters.get("module") ?? "models"];
  if (upstream === null)
    return refusal(400, `Say which: /probe?upstream=NAME&module=NAME. ${choices(service)}`);
  const probe = probeNamed(module);
  if (probe === undefined) return refusal(400, `There is no module of this name. ${choices(service)}`);
  // Whoever reaches this address could spend money: the dear ones need to be in the configuration.
  if (probe.needsPrice === true && !service.tasks.some((task) => task.probe === probe)) {
    return refusal(400, `The module ${module} is run only where it is among \`probes.modules\`.`);
  }
  try {
    const result = await service.ask(upstream, probe, limitOf(scrapeTimeout));
    if (result.outcome === "spend_cap") return refusal(503, `${result.message}.`);
    return await pageOf(service, clock, result, accept);
  } catch (error) {
    if (error instanceof ProbeRefused) return refusal(404, error.message);
    throw error;
  }
}

function choices(service: ProbeService): string {
  return `Upstreams: ${service.upstreams.join(", ") || "none"}. Modules: ${Object.keys(probes).join(", ")}.`;
}

function refusal(status: number, text: string): ProbePage {
  return { status, contentType: "text/plain; charset=utf-8", body: `${text}\n` };
}

/** Milliseconds that the scrape leaves for the probe; undefined when it does not say. */
function limitOf(header: string | undefined): number | undefined {
  const seconds = Number(header);
  if (header === undefined || !(seconds > 0)) return undefined;
  const left = seconds * 1000 - SCRAPE_MARGIN_MS;
  return left < STEP_MS ? Math.max(100, Math.ceil(left / 100) * 100) : Math.floor(left / STEP_MS) * STEP_MS;
}

async function pageOf(
  service: ProbeService,
  clock: Clock,
  result: Result,
  accept: string | undefined,
): Promise<ProbePage> {
  const registry = new Registry(definitions);
  const board = new Board(registry, clock, service.recorder);
  const { upstream } = result.task;
  board.watch(
    new Map([[upstream.name, { models: service.modelsOf(upstream.name), keys: keyCount(upstream) }]]),
  );
  board.note(result, Number.POSITIVE_INFINITY);
  registry.runHooks();
  const own = bellwether({})
    .metrics.filter(({ to }) => shown.has(to))
    .flatMap((mapping) => view(mapping, (name) => registry.source(name), new Map()) ?? []);
  const families: Family[] = [
    single("probe_success", "Whether the probe found the upstream well.", result.success ? 1 : 0),
    single("probe_duration_seconds", "Time that the probe took.", result.durationMs / 1000),
    ...own.filter(hasSamples),
  ];
  const format = negotiate(accept);
  let body = "";
  for await (const piece of render(families, format)) body += piece;
  return { status: 200, contentType: encoders[format].contentType, body };
}

function single(name: string, help: string, value: number): Family {
  return { name, type: "gauge", help, bounds: [], samples: () => [{ labels: new LabelSet([], []), value }] };
}

function hasSamples(family: Family): boolean {
  for (const sample of family.samples()) if (sample !== undefined) return true;
  return false;
}
