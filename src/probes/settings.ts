/** From the configuration to what is probed: which probe, of which upstream, with which model, how often. */
import { defaultProbes } from "../config/defaults.ts";
import type { ProbesConfig } from "../config/schema.ts";
import { keyCount } from "../upstreams/one-key.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import { probes } from "./index.ts";
import type { Probe, ProbeName } from "./probe.ts";
import type { Task } from "./run.ts";

/** A task with its rhythm. */
export interface Scheduled extends Task {
  readonly intervalMs: number;
  readonly jitterMs: number;
}

/** Models that most relays sell, for those of which nothing else is known. */
const COMMON_MODELS = {
  chat: "gpt-4o-mini",
  embeddings: "text-embedding-3-small",
  images: "gpt-image-1",
} as const;

/** What is to be probed of these upstreams. */
export function scheduled(
  config: ProbesConfig,
  upstreams: readonly Upstream[],
  passthrough: boolean,
): Scheduled[] {
  return upstreams.flatMap((upstream) => {
    const tasks = [...new Set(config.modules)].flatMap((name) => {
      const probe = probes[name];
      return canBeAsked(probe, upstream, passthrough) ? [taskOf(config, upstream, probe)] : [];
    });
    const proof = keyProbe(
      tasks.map(({ probe }) => probe.name),
      upstream,
    );
    if (proof === undefined) return tasks;
    const further = Array.from({ length: Math.max(0, keyCount(upstream) - 1) }, (_, index) =>
      taskOf(config, upstream, probes[proof], index + 2),
    );
    return [...tasks, ...further];
  });
}

/** Probes that prove something of the key, the best first. */
const KEY_PROBES: readonly ProbeName[] = ["models", "balance", "chat", "embeddings"];

/** The one among these that says most of an upstream's key; undefined where none says anything. */
export function keyProbe(names: readonly ProbeName[], { probing }: Upstream): ProbeName | undefined {
  const silent = (name: ProbeName): boolean =>
    (name === "models" && probing?.publicModels === true) ||
    (name === "balance" && probing?.balance?.apiKey !== undefined);
  return KEY_PROBES.find((name) => names.includes(name) && !silent(name));
}

/** Whether there is a way to ask, and a key to ask with where clients bring their own. */
export function canBeAsked(probe: Probe, upstream: Upstream, passthrough: boolean): boolean {
  if (!probe.applies(upstream)) return false;
  return upstream.apiKey !== undefined || !passthrough || KEYLESS.has(probe.name);
}

const KEYLESS: ReadonlySet<ProbeName> = new Set(["tls", "dns"]);

/** One probe of one upstream, as configured. */
export function taskOf(config: ProbesConfig, upstream: Upstream, probe: Probe, key = 1): Scheduled {
  const own = config.overrides[probe.name] ?? {};
  return {
    ...{ upstream, probe, key },
    model: probe.model === undefined ? "" : modelFor(config, upstream, probe.model),
    timeoutMs: own.timeout ?? config.timeout,
    intervalMs: Math.max(own.interval ?? config.interval, probe.leastIntervalMs?.(upstream) ?? 0),
    jitterMs: own.jitter ?? config.jitter,
  };
}

/** The configured model where the upstream may know it, else a cheap one of its own. */
function modelFor(config: ProbesConfig, upstream: Upstream, kind: "chat" | "embeddings" | "images"): string {
  const configured = config.models[kind];
  const own = upstream.probing?.models[kind];
  const { owns } = upstream;
  if (configured !== undefined && (owns.length === 0 || owns.some((glob) => fits(glob, configured)))) {
    return configured;
  }
  return own ?? configured ?? COMMON_MODELS[kind];
}

/** A glob in which `*` stands for any text. */
function fits(glob: string, text: string): boolean {
  const parts = glob.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(text);
}

/** The probes of which nothing is said. */
export function defaultProbesConfig(): ProbesConfig {
  return { ...defaultProbes, modules: [...defaultProbes.modules] };
}
