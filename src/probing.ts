/** What is to be probed, from the configuration in force, and where it is kept what that has cost. */
import type { Loaded } from "./config/load.ts";
import { probeSpendPath } from "./config/probe-paths.ts";
import type { ProbesConfig } from "./config/schema.ts";
import type { Logger } from "./core/log.ts";
import type { LedgerClient } from "./ledger/ledger-process.ts";
import { patiently, spendFrom } from "./limiting.ts";
import type { ProbePlan } from "./probes/service.ts";
import { defaultProbesConfig } from "./probes/settings.ts";
import type { SpendMemory } from "./probes/spend.ts";
import { SpendFile } from "./probes/spend-file.ts";
import { probesCost, withLedger } from "./probes/spend-ledger.ts";
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

/** Keeps what a gateway's probes have cost today: in a file, and in the ledger where there is one. */
export function probeSpendMemory(
  loaded: Loaded,
  cwd: string,
  log: Logger,
  ledger: LedgerClient | undefined,
): SpendMemory {
  const file = new SpendFile(probeSpendPath(loaded, cwd, "gateway"), log);
  if (ledger === undefined) return file;
  const source = spendFrom(ledger);
  return withLedger(file, (nowMs) =>
    patiently(
      () => probesCost(source, nowMs),
      (err) => log.error({ err }, "the ledger does not tell what probes have cost today: the file counts"),
    ),
  );
}
