/**
 * The meter: a `fetch` that meters every LLM call made through it, and what it has seen. The records, prices
 * and metrics are the gateway's own code.
 */

import { MeteredCall } from "./call.ts";
import { Core } from "./core.ts";
import type { Fetch, MeterOptions } from "./options.ts";
import { type PromRegistry, registerWith } from "./prom-client.ts";
import { type AppRequest, type FetchInit, type FetchInput, methodOf, readRequest, urlOf } from "./request.ts";
import { type MetricsServer, type ServeOptions, serveMetrics } from "./serve.ts";
import type { Stats } from "./stats.ts";
import type { Target } from "./targets.ts";

export interface MetricsPageOptions {
  /** Names that dashboards already use: `holysheep`, `ai_api`, `llm`, `genai`. Default: Bellwether's own. */
  readonly profile?: string | readonly string[];
  /** The scraper's `Accept` header; it may ask for OpenMetrics. */
  readonly accept?: string;
}

export interface Meter {
  /** A drop-in `fetch`. What is no call of an LLM API goes through it unmetered. */
  readonly fetch: Fetch;
  /** Resolves when the price lists are there. The first call waits for them by itself. */
  ready(): Promise<void>;
  /** The metrics page as text, for Prometheus. @throws UnknownProfileError */
  metrics(options?: MetricsPageOptions): Promise<string>;
  /** Adds the metrics to a registry of prom-client, under the names of `profile`. */
  register(registry: PromRegistry, profile?: string): void;
  /** Serves `/metrics` on a port, in Node.js, Bun and Deno; 0 takes any free one. */
  serve(port: number, options?: ServeOptions): Promise<MetricsServer>;
  /** What the last calls were like. */
  stats(filter?: { readonly model?: string }): Stats;
}

/** Makes a meter. @throws RangeError or Error when an option is wrong: the message says which and what to write. */
export function createMeter(options: MeterOptions = {}): Meter {
  const core = new Core(options);
  const metrics = async ({ profile, accept }: MetricsPageOptions = {}): Promise<Page> => {
    const names = profile === undefined ? [] : typeof profile === "string" ? [profile] : profile;
    const page = await core.metrics.page(names, accept);
    let text = "";
    for await (const chunk of page.body) text += chunk;
    return { contentType: page.contentType, text };
  };
  return {
    fetch: fetchOf(core),
    ready: () => core.load(),
    metrics: async (page) => (await metrics(page)).text,
    register: (registry, profile) => registerWith(registry, core.metrics, profile),
    serve: (port, serve) => serveMetrics(port, serve ?? {}, metrics),
    stats: (filter) => core.stats.read(filter?.model),
  };
}

/** A metered `fetch`, when nothing else of a meter is wanted: give it `onUsage`, or `openTelemetry`. */
export function meteredFetch(options: MeterOptions = {}): Fetch {
  return createMeter(options).fetch;
}

interface Page {
  readonly contentType: string;
  readonly text: string;
}

/** One promise less for each `async` that is not there: calls that need not wait for anything do not. */
function fetchOf(core: Core): Fetch {
  return (input: FetchInput, init?: FetchInit) => {
    try {
      const url = urlOf(input);
      const method = methodOf(input, init);
      const target = core.targets.find(method, url);
      if (target === undefined) return core.fetch(input, init);
      if (!core.ready) return core.load().then(() => meteredCall(core, target, method, url, input, init));
      return meteredCall(core, target, method, url, input, init);
    } catch (error) {
      return Promise.reject(error);
    }
  };
}

function meteredCall(
  core: Core,
  target: Target,
  method: string,
  url: string,
  input: FetchInput,
  init: FetchInit | undefined,
): Promise<Response> {
  const { includeUsage } = target.upstream;
  const read = readRequest(input, init, url, target.operation, includeUsage);
  const send = (request: AppRequest) => new MeteredCall(core, target, method, request).run();
  return read instanceof Promise ? read.then(send) : send(read);
}
