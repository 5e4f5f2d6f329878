/** Runs the scenarios against one upstream, over the meter library, and says of each what was expected and seen. */

import type { PriceFile } from "../prices/price-file.ts";
import { createMeter } from "../sdk/index.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import {
  type Bench,
  type CallOptions,
  type Movement,
  type Scenario,
  type Seen,
  scenarios,
} from "./scenarios-table.ts";

/** How one scenario went. */
export interface Verdict {
  readonly name: string;
  readonly about: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly expected: string;
  readonly seen: string;
  /** Why it failed or was skipped; "" when it passed. */
  readonly why: string;
  /** The series that had to grow, as written on the metrics page, and whether they did. */
  readonly series: readonly { readonly series: string; readonly moved: boolean }[];
  readonly ms: number;
}

export interface Run {
  readonly upstream: Upstream;
  /** The upstream is the simulated relay, which fails on request. */
  readonly simulated: boolean;
  readonly model: string | undefined;
  readonly priceFiles: readonly PriceFile[];
}

/** A live upstream is given this long for the head of its answer, in ms. */
const FIRST_BYTE_MS = 60_000;
const IDLE_MS = 30_000;
/** So often, at this distance, the metrics are looked at until they show the call. */
const MOST_LOOKS = 25;
const LOOK_MS = 20;

/** Cheap models of many vendors: the first that the upstream lists is asked. */
const PREFERRED = [
  "gpt-4.1-nano",
  "gpt-4.1-mini",
  "gpt-4o-mini",
  "deepseek-chat",
  "deepseek-v3.2",
  "gemini-2.5-flash-lite",
  "gemini-2.5-flash",
  "claude-haiku-4-5",
  "mistral-small-latest",
  "qwen-turbo",
  "gpt-4.1",
];

/** Yields each verdict when it is known. The model is chosen from the upstream's list unless one is given. */
export async function* runScenarios(run: Run): AsyncGenerator<Verdict> {
  const laboratory = new Laboratory(run);
  const model = run.model ?? (await laboratory.chooseModel());
  for (const scenario of scenarios) {
    if (scenario.sandboxOnly === true && !run.simulated) {
      yield skipped(scenario, "only the sandbox fails on request");
    } else {
      yield await laboratory.try(scenario, model);
    }
  }
}

class Laboratory {
  readonly #run: Run;
  readonly #page: () => Promise<string>;
  readonly #call: (path: string, options: CallOptions) => Promise<Seen>;

  constructor(run: Run) {
    this.#run = run;
    const { upstream, priceFiles } = run;
    const common = {
      upstream: upstream.name,
      baseUrl: upstream.baseUrl,
      priceFiles,
      prices: upstream.pricing.own,
      includeUsage: upstream.includeUsage,
    };
    // Limits belong to a meter, series too: one for ordinary calls, one for impatient ones.
    const patient = createMeter({ ...common, timeouts: { firstByte: FIRST_BYTE_MS, idle: IDLE_MS } });
    const meters = new Map([[FIRST_BYTE_MS, patient]]);
    this.#page = async () =>
      (await Promise.all([...meters.values()].map((meter) => meter.metrics()))).join("");
    this.#call = async (path, options) => {
      const { firstByte = FIRST_BYTE_MS, knobs, ...rest } = options;
      const meter =
        meters.get(firstByte) ?? createMeter({ ...common, timeouts: { firstByte, idle: IDLE_MS } });
      meters.set(firstByte, meter);
      // Only the sandbox is told to misbehave.
      return call(
        meter.fetch,
        upstream,
        path,
        run.simulated && knobs !== undefined ? { ...rest, knobs } : rest,
      );
    };
  }

  async chooseModel(): Promise<string> {
    const { body } = await this.#call("/models", {});
    const listed = modelNames(body);
    return PREFERRED.find((name) => listed.includes(name)) ?? listed[0] ?? "gpt-4.1-mini";
  }

  async try(scenario: Scenario, model: string): Promise<Verdict> {
    const { name, about, expected, moves } = scenario;
    const bench: Bench = { model, call: (path, options = {}) => this.#call(path, options) };
    const before = await this.#page();
    const began = performance.now();
    const seen = await scenario.run(bench);
    const ms = Math.round(performance.now() - began);
    const fault = scenario.fault(seen, bench);
    let series: Verdict["series"] = [];
    // A call whose usage has to be estimated is counted a moment later.
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      const after = await this.#page();
      series = moves.map((movement) => ({
        series: written(movement, this.#run.upstream.name),
        moved: sum(after, movement) > sum(before, movement),
      }));
      if (fault !== undefined || series.every(({ moved }) => moved)) break;
    }
    const still = series.find(({ moved }) => !moved);
    const why = fault ?? (still === undefined ? "" : `${still.series} did not grow`);
    const outcome = why === "" ? "passed" : "failed";
    return { name, about, outcome, expected, seen: brief(seen), why, series, ms };
  }
}

async function call(
  fetch: typeof globalThis.fetch,
  upstream: Upstream,
  path: string,
  { body, key = upstream.apiKey, knobs, leave }: CallOptions,
): Promise<Seen> {
  let status = 0;
  let text = "";
  try {
    const response = await fetch(upstream.baseUrl + path, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        ...Object.fromEntries(upstream.headers),
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(knobs === undefined ? {} : { "x-sandbox": knobs }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    status = response.status;
    const decoder = new TextDecoder();
    for await (const piece of response.body ?? []) {
      text += decoder.decode(piece, { stream: true });
      if (leave === true) break;
    }
    return { status, code: "", body: text };
  } catch (error) {
    return { status, code: codeOf(error), body: text };
  }
}

/** The code of our own errors, or what the runtime's mean. */
function codeOf(error: unknown): string {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  if (typeof code === "string") return code;
  const reset = cause?.code === "ECONNRESET" || cause?.code === "UND_ERR_SOCKET";
  return reset ? "upstream_reset" : String(cause?.code ?? (error as Error).message);
}

function skipped({ name, about, expected }: Scenario, why: string): Verdict {
  return { name, about, outcome: "skipped", expected, seen: "", why, series: [], ms: 0 };
}

function brief({ status, code }: Seen): string {
  return [status === 0 ? "" : String(status), code].filter((part) => part !== "").join(", ");
}

function modelNames(body: string): string[] {
  try {
    const { data } = JSON.parse(body) as { data?: readonly { id?: unknown }[] };
    return (data ?? []).map(({ id }) => id).filter((id) => typeof id === "string");
  } catch {
    return [];
  }
}

/** The sum of a metric over the series that have these labels. */
function sum(page: string, { metric, labels }: Movement): number {
  const wanted = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  let total = 0;
  for (const line of page.split("\n")) {
    if (!line.startsWith(`${metric}{`) || !wanted.every((label) => line.includes(label))) continue;
    total += Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return total;
}

function written({ metric, labels }: Movement, upstream: string): string {
  const all = { upstream, ...labels };
  return `${metric}{${Object.entries(all)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(",")}}`;
}
