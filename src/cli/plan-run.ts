/** Runs `bellwether plan`: gathers the demand and the prices, and shows the result. */
import { readFileSync } from "node:fs";
import { environment } from "../config/environment.ts";
import { loadConfig } from "../config/load.ts";
import { nearest } from "../config/problems.ts";
import { demandsOfUsage } from "../ledger/plan/from-ledger.ts";
import { plan } from "../ledger/plan/plan.ts";
import {
  DEFAULT_SHAPE,
  type Demand,
  demandsOf,
  demandsOfFile,
  parseMix,
  parseWorkload,
  type WorkloadFile,
} from "../ledger/plan/workload.ts";
import { PriceBook, type PricedUpstream } from "../prices/book.ts";
import { loadPriceLists } from "../prices/data.ts";
import { presetNamed, presetNames } from "../upstreams/presets.ts";
import { resolveUpstreams } from "../upstreams/resolve.ts";
import { writeReport } from "./report-output.ts";
import { askReport } from "./report-source.ts";

/** The options of `bellwether plan`, as plan.ts reads them. */
export interface PlanCommandOptions {
  readonly config?: string;
  readonly tokens?: number;
  readonly mix?: string;
  readonly inputShare?: number;
  readonly cachedShare?: number;
  readonly inputPerCall?: number;
  readonly file?: string;
  readonly fixedCost?: string;
  readonly currency?: "USD" | "CNY";
  readonly cnyPerUsd: string;
  readonly fromLedger?: boolean;
  readonly replace?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly tz?: string;
  readonly url?: string;
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly table?: string;
}

export async function runPlan(options: PlanCommandOptions): Promise<void> {
  const env = environment();
  const { config, locate } = await loadConfig({ file: options.config, cwd: process.cwd(), env });
  const lists = loadPriceLists(config.prices.files);
  const configured: readonly PricedUpstream[] = resolveUpstreams(config, env, { locate });
  const upstreams = configured.length > 0 ? configured : knownRelays();
  const book = new PriceBook(lists, upstreams);
  const file = options.file === undefined ? undefined : readWorkload(options.file);
  const real = options.fromLedger === true ? await realTraffic(options, file) : undefined;
  const demands = real?.demands ?? demandsFor(options, file);
  const now = Date.now();
  for (const { model } of demands) {
    const priced =
      book.listPrice(model, now) ?? upstreams.map(({ name }) => book.price(name, model, now)).find(Boolean);
    if (priced !== undefined) continue;
    // What was really used may have a name that no list knows: then its sum is told as unknown.
    if (real !== undefined) continue;
    const meant = nearest(model, book.knownModels());
    throw new Error(
      `${model} has no price anywhere${meant === undefined ? "; `bellwether prices search` finds names" : `; did you mean ${meant}?`}`,
    );
  }
  const result = plan({
    demands,
    book,
    upstreams,
    now,
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    fixedCost: options.fixedCost ?? String(file?.fixedCost ?? 0),
    currency: options.currency ?? file?.currency ?? "USD",
    cnyPerUsd: options.cnyPerUsd,
    ...(real === undefined ? {} : { from: real.from, to: real.to }),
    notes: [
      ...(configured.length > 0
        ? []
        : ["No upstream is configured: these are the relays whose price list is built in."]),
      ...(real?.notes ?? []),
    ],
  });
  writeReport(result, options);
}

function readWorkload(path: string): WorkloadFile {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new Error(`--file: ${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  return parseWorkload(text, path);
}

/** What was really used, by the running Bellwether or its database. */
async function realTraffic(options: PlanCommandOptions, file: WorkloadFile | undefined) {
  if (file !== undefined || options.tokens !== undefined || options.mix !== undefined) {
    throw new Error("--from-ledger says what the traffic is; leave --tokens, --mix and --file out");
  }
  const usage = await askReport(
    "usage",
    {
      from: options.from ?? "last-month",
      ...(options.to === undefined ? {} : { to: options.to }),
      tz: options.tz ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
      by: "model",
      limit: "10000",
    },
    options,
  );
  const replace = new Map(
    (options.replace ?? []).map((text): [string, string] => {
      const at = text.indexOf("=");
      if (at < 1 || at === text.length - 1) throw new Error(`--replace: ${text} is not model=other`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
  const days = (usage.to - usage.from) / 86_400_000;
  return {
    demands: demandsOfUsage(usage, replace),
    from: usage.from,
    to: usage.to,
    notes: [
      ...(days >= 28 && days <= 31.1
        ? []
        : [`The traffic is that of ${days.toFixed(1)} days, counted as one month.`]),
      ...usage.notes,
    ],
  };
}

function demandsFor(options: PlanCommandOptions, file: WorkloadFile | undefined): Demand[] {
  if (file !== undefined) {
    if (options.tokens !== undefined || options.mix !== undefined) {
      throw new Error("--file says what the traffic is; leave --tokens and --mix out");
    }
    return demandsOfFile(file);
  }
  if (options.tokens === undefined || options.mix === undefined) {
    throw new Error(
      "say what the traffic is: --tokens 50M --mix gpt-4.1=30,deepseek-v3.2=70, or --file workload.yaml, or --from-ledger",
    );
  }
  const shape = {
    tokens: options.tokens,
    mix: parseMix(options.mix),
    inputShare: options.inputShare ?? DEFAULT_SHAPE.inputShare,
    cachedShare: options.cachedShare ?? DEFAULT_SHAPE.cachedShare,
    inputPerCall: options.inputPerCall ?? DEFAULT_SHAPE.inputPerCall,
  };
  return demandsOf(shape);
}

/** Presets with a price list of their own: what a relay would save can be planned before there is a key for it. */
function knownRelays(): PricedUpstream[] {
  return presetNames.flatMap((name) => {
    const list = presetNamed(name)?.priceList;
    return list === undefined
      ? []
      : [{ name, pricing: { list, own: {}, multiplier: 1, currency: "USD", usdPer: 1 } }];
  });
}
