/** What is to be probed, from the configuration in force. */
import type { ProbesConfig } from "./config/schema.ts";
import type { ProbePlan } from "./probes/service.ts";
import { defaultProbesConfig } from "./probes/settings.ts";
import type { InForce } from "./settings.ts";

/**
 * `as configured`: without a section `probes` nothing runs on its own, but may be asked for. Otherwise these probes
 * run, or none.
 */
export function probePlan(inForce: InForce, which: "as configured" | "none" | ProbesConfig): ProbePlan {
  const { loaded, upstreams } = inForce;
  const { probes, server, models } = loaded.config;
  const given = typeof which === "object" ? which : probes;
  const served = upstreams.map(({ name }) => {
    const names = Object.entries(models)
      .filter(([, model]) => model.upstreams?.includes(name) ?? upstreams.length === 1)
      .map(([model, { alias }]) => alias ?? model);
    return [name, [...new Set(names)]] as const;
  });
  return {
    config: given ?? defaultProbesConfig(),
    upstreams,
    passthrough: server.auth === "passthrough",
    scheduled: given !== undefined && which !== "none",
    models: new Map(served),
  };
}
