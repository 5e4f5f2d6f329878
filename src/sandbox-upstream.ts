/** The built-in simulated relay as an upstream, for a first try without any key. Loaded only then. */

import { defaultUpstream } from "./config/defaults.ts";
import type { Environment } from "./config/environment.ts";
import type { Loaded } from "./config/load.ts";
import type { OwnPrice } from "./prices/pricing.ts";
import { allDialects } from "./upstreams/presets.ts";
import { resolveUpstreams } from "./upstreams/resolve.ts";
import type { Upstream } from "./upstreams/upstream.ts";

export interface SandboxUpstream {
  readonly upstream: Upstream;
  readonly url: string;
  close(): Promise<void>;
}

/** Starts the sandbox when neither configuration nor environment name an upstream. */
export async function startSandboxUpstream(
  loaded: Loaded,
  env: Environment,
): Promise<SandboxUpstream | undefined> {
  if (resolveUpstreams(loaded.config, env, { locate: loaded.locate }).length > 0) return undefined;
  const { SANDBOX_KEY, startSandbox } = await import("./sandbox/server.ts");
  const { sandboxPrices } = await import("./sandbox/models.ts");
  const sandbox = await startSandbox();
  const upstream: Upstream = {
    name: "sandbox",
    provider: "sandbox",
    baseUrl: `${sandbox.url}/v1`,
    rootUrl: sandbox.url,
    apiKey: SANDBOX_KEY,
    dialects: new Set(allDialects),
    timeouts: defaultUpstream.timeouts,
    breaker: defaultUpstream.breaker,
    onClientGone: defaultUpstream.onClientGone,
    drain: defaultUpstream.drain,
    includeUsage: true,
    headers: [],
    proxy: undefined,
    ca: undefined,
    owns: [],
    pricing: { list: undefined, own: numbers(sandboxPrices), multiplier: 1, currency: "USD", usdPer: 1 },
  };
  return { upstream, url: sandbox.url, close: () => sandbox.close() };
}

/** Decimal text as the numbers that a configuration would hold; a number's shortest text is the same decimal. */
function numbers(prices: Readonly<Record<string, object>>): Readonly<Record<string, OwnPrice>> {
  return Object.fromEntries(
    Object.entries(prices).map(([model, price]) => [
      model,
      Object.fromEntries(Object.entries(price).map(([kind, text]) => [kind, Number(text)])),
    ]),
  );
}
