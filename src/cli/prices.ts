/** `bellwether prices`: list, search and explain prices, and import other people's price files. */
import { readFileSync, writeFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { stringify } from "yaml";
import { environment } from "../config/environment.ts";
import { loadConfig } from "../config/load.ts";
import type { Quantities } from "../core/quantities.ts";
import { PriceBook, type PricedUpstream } from "../prices/book.ts";
import { loadPriceLists } from "../prices/data.ts";
import type { PriceEntry } from "../prices/entry.ts";
import { importLiteLlm } from "../prices/import.ts";
import { type PriceLists, vendorOrder } from "../prices/lists.ts";
import type { PriceFile } from "../prices/price-file.ts";
import { type OwnPrice, ownPriceKeys } from "../prices/pricing.ts";
import { resolveUpstreams } from "../upstreams/resolve.ts";
import { explain, explanationJson, explanationText, isPriced } from "./prices-explain.ts";
import { type Paint, priceFields, remarks, table } from "./prices-text.ts";
import { styler } from "./style.ts";

/** What of the configuration concerns prices. */
export interface ConfiguredPrices {
  /** None when there is neither a configuration file nor a key in the environment. */
  readonly upstreams: readonly PricedUpstream[];
  /** Paths of the price files (`prices.files`). */
  readonly files: readonly string[];
}

/** Given in tests; the command itself reads the configuration and writes to standard output. */
export interface PricesDependencies {
  load(config: string | undefined): Promise<ConfiguredPrices>;
  write(text: string): void;
  readonly paint: Paint;
}

async function configuredPrices(file: string | undefined): Promise<ConfiguredPrices> {
  const env = environment();
  const { config, locate } = await loadConfig({ file, cwd: process.cwd(), env });
  return { upstreams: resolveUpstreams(config, env, { locate }), files: config.prices.files };
}

const defaults: PricesDependencies = {
  load: configuredPrices,
  write: (text) => void process.stdout.write(text),
  paint: styler(process.stdout),
};

interface Shared {
  readonly config?: string;
  readonly json?: boolean;
}

interface ListOptions extends Shared {
  readonly provider?: string;
  readonly upstream?: string;
}

interface ExplainOptions extends Shared {
  readonly upstream?: string;
  readonly at?: number;
  readonly tier?: string;
  readonly size?: string;
  readonly quality?: string;
  readonly seconds?: number;
  readonly [quantity: string]: unknown;
}

interface ImportOptions extends Shared {
  readonly out?: string;
  readonly upstream?: string;
  readonly provider?: readonly string[];
  readonly date?: string;
}

/** Options of `explain` that are plain counts. */
const counts = [
  ["--input <n>", "input tokens, all kinds together", "inputTokens"],
  ["--cached <n>", "of these, read from the prompt cache", "cachedInputTokens"],
  ["--cache-write <n>", "of these, written to a five-minute cache", "cacheWrite5mTokens"],
  ["--cache-write-1h <n>", "of these, written to a one-hour cache", "cacheWrite1hTokens"],
  ["--audio-in <n>", "of these, audio", "audioInputTokens"],
  ["--image-in <n>", "of these, images", "imageInputTokens"],
  ["--output <n>", "output tokens, all kinds together", "outputTokens"],
  ["--reasoning <n>", "of these, spent on thinking", "reasoningTokens"],
  ["--audio-out <n>", "of these, audio", "audioOutputTokens"],
  ["--image-out <n>", "of these, images", "imageOutputTokens"],
  ["--images <n>", "generated images, where priced per image", "images"],
  ["--characters <n>", "characters of speech, where priced per character", "characters"],
] as const;

/** The command. Its actions throw what the user has to know; the caller prints it and sets the exit status. */
export function pricesCommand(dependencies: PricesDependencies = defaults): Command {
  const prices = new Command("prices")
    .description("List, search and explain prices, and import price files")
    .addHelpText(
      "after",
      `
Examples:
  bellwether prices list --upstream holysheep
  bellwether prices search claude
  bellwether prices explain gpt-4.1 --input 1000 --cached 500 --output 200
  bellwether prices import model_prices_and_context_window.json --out litellm-prices.json

Prices are USD per million tokens unless another unit is named.`,
    );
  addList(prices, dependencies);
  addSearch(prices, dependencies);
  addExplain(prices, dependencies);
  addImport(prices, dependencies);
  return prices;
}

function addList(prices: Command, dependencies: PricesDependencies): void {
  shared(prices.command("list"))
    .description("List prices: every list, one list, or what one configured upstream charges")
    .option("--provider <list>", "only this price list (openai, anthropic, holysheep, …)")
    .option("--upstream <name>", "what this configured upstream charges")
    .action(async (options: ListOptions) => {
      const { lists, upstreams } = await load(options, dependencies);
      const rows =
        options.upstream === undefined
          ? listed(lists, oneOrAll(lists, options.provider), () => true)
          : charged(lists, upstreams, options.upstream);
      show(rows, options, dependencies);
    });
}

function addSearch(prices: Command, dependencies: PricesDependencies): void {
  shared(prices.command("search"))
    .description("Search all price lists for models whose name contains a text")
    .argument("<text>", "part of a model name")
    .action(async (text: string, options: Shared) => {
      const { lists } = await load(options, dependencies);
      const wanted = text.toLowerCase();
      const rows = listed(lists, [...lists.listNames()], (name) => name.includes(wanted));
      if (rows.length === 0) throw new Error(`no price list knows a model with ${text} in its name`);
      show(rows, options, dependencies);
    });
}

function addExplain(prices: Command, dependencies: PricesDependencies): void {
  const command = shared(prices.command("explain"))
    .description("Show what a call costs, line by line, with the source of each price")
    .argument("<model>", "model name as a client sends it");
  for (const [flags, description] of counts) command.option(flags, description, wholeNumber);
  command
    .option("--seconds <s>", "seconds of audio, where priced by time", seconds)
    .option("--size <wxh>", "size of the images (1024x1792)")
    .option("--quality <q>", "quality of the images (hd)")
    .option("--tier <name>", "service tier (batch, flex, priority)")
    .option("--upstream <name>", "only at this configured upstream")
    .option("--at <date>", "at this time (2026-03-13 or 2026-03-13T17:00:00Z) instead of now", date)
    .action(async (model: string, options: ExplainOptions) => {
      const { lists, upstreams } = await load(options, dependencies);
      const names = upstreams.map(({ name }) => name);
      if (options.upstream !== undefined) find(upstreams, options.upstream);
      const explanation = explain(
        new PriceBook(lists, upstreams),
        options.upstream === undefined ? names : [options.upstream],
        {
          model,
          quantities: quantitiesOf(options),
          context: {
            serviceTier: options.tier ?? "",
            image: { size: options.size ?? "", quality: options.quality ?? "" },
          },
          at: options.at ?? Date.now(),
        },
      );
      dependencies.write(
        options.json === true
          ? json(explanationJson(explanation))
          : explanationText(explanation, dependencies.paint),
      );
      if (!isPriced(explanation)) {
        throw new Error(`${model} is unpriced; \`bellwether prices search\` finds similar names`);
      }
    });
}

function addImport(prices: Command, dependencies: PricesDependencies): void {
  prices
    .command("import")
    .description("Convert LiteLLM's model_prices_and_context_window.json to a price file")
    .argument("<file>", "the file to read")
    .option("--out <file>", "write the price file here; name it under `prices.files` in the configuration")
    .option("--upstream <name>", "print YAML for this upstream's `prices:` instead of a price file")
    .option("--provider <list>", "only this price list (openai, anthropic, …); may be repeated", together)
    .option("--date <date>", "when these prices were known to hold (default: today)")
    .option("--json", "print the price file even when it goes to --out")
    .addHelpText(
      "after",
      `
Examples:
  bellwether prices import model_prices_and_context_window.json --out litellm-prices.json
  bellwether prices import model_prices_and_context_window.json --provider openai --upstream backup`,
    )
    .action(async (path: string, options: ImportOptions) => {
      const imported = importLiteLlm(
        readFileSync(path, "utf8"),
        options.date ?? new Date().toISOString().slice(0, 10),
      );
      const file = only(imported.file, options.provider);
      const models = Object.values(file.lists).flatMap((list) => Object.keys(list.models)).length;
      if (options.upstream !== undefined) {
        dependencies.write(stringify({ upstreams: { [options.upstream]: { prices: ownPrices(file) } } }));
        return;
      }
      if (options.out !== undefined) writeFileSync(options.out, json(file));
      if (options.out === undefined || options.json === true) dependencies.write(json(file));
      else {
        const skipped = `${imported.skipped.length} entries have no price that Bellwether meters`;
        dependencies.write(`${models} models written to ${options.out}; ${skipped}\n`);
      }
    });
}

function shared(command: Command): Command {
  return command
    .option("-c, --config <file>", "configuration file (default: bellwether.yaml, if there is one)")
    .option("--json", "print JSON");
}

async function load(options: Shared, dependencies: PricesDependencies) {
  const { upstreams, files } = await dependencies.load(options.config);
  return { lists: loadPriceLists(files), upstreams };
}

/** The models of some lists as they are listed there, whoever may be configured. */
function listed(
  lists: PriceLists,
  names: readonly string[],
  wanted: (name: string) => boolean,
): PriceEntry[] {
  const pricing = { own: {}, multiplier: 1, currency: "USD", usdPer: 1 };
  const book = new PriceBook(
    lists,
    names.map((name) => ({ name, pricing: { ...pricing, list: name } })),
  );
  const now = Date.now();
  return names.flatMap((list) =>
    [...lists.models(list)]
      .filter(({ key, model }) => [key, ...(model.names ?? [])].some(wanted))
      .flatMap(({ key }) => book.price(list, key, now) ?? []),
  );
}

/** Everything an upstream has a price for, its own prices first. */
function charged(lists: PriceLists, upstreams: readonly PricedUpstream[], name: string): PriceEntry[] {
  const upstream = find(upstreams, name);
  const book = new PriceBook(lists, [upstream]);
  const now = Date.now();
  const result = new Map<string, PriceEntry>();
  const add = (model: string) => {
    const entry = book.price(name, model, now);
    if (entry !== undefined) result.set(`${entry.layer} ${entry.list} ${entry.model}`, entry);
  };
  Object.keys(upstream.pricing.own).forEach(add);
  const own = upstream.pricing.list;
  for (const list of own === undefined ? vendorOrder : [own, ...vendorOrder]) {
    for (const { key } of lists.models(list)) add(key);
  }
  return [...result.values()];
}

function show(entries: readonly PriceEntry[], options: Shared, dependencies: PricesDependencies): void {
  if (options.json === true) {
    const rows = entries.map((entry) => ({
      model: entry.model,
      list: entry.list,
      layer: entry.layer,
      source: entry.source,
      date: entry.date,
      contextWindow: entry.contextWindow ?? null,
      usd: priceFields(entry),
      tiersAbove: entry.standard.tiers.map(({ above }) => above),
      notes: entry.notes,
    }));
    dependencies.write(json(rows));
    return;
  }
  const { paint } = dependencies;
  const rows = entries.map((entry) => {
    const usd = priceFields(entry);
    return [
      entry.model,
      usd.input ?? "",
      usd.cachedInput ?? "",
      usd.output ?? "",
      entry.list,
      remarks(entry),
    ];
  });
  const header = ["model", "input", "cached", "output", "list", ""];
  const [first = "", ...rest] = table([header, ...rows], [1, 2, 3]);
  dependencies.write(`${[paint("bold", first), ...rest].join("\n")}\n`);
}

function oneOrAll(lists: PriceLists, provider: string | undefined): string[] {
  const names = [...lists.listNames()];
  if (provider === undefined) return names;
  if (!names.includes(provider)) {
    throw new Error(`there is no price list ${provider}; known are ${names.join(", ")}`);
  }
  return [provider];
}

function find(upstreams: readonly PricedUpstream[], name: string): PricedUpstream {
  const found = upstreams.find((upstream) => upstream.name === name);
  if (found !== undefined) return found;
  const names = upstreams.map((upstream) => upstream.name).join(", ");
  throw new Error(`there is no upstream ${name}; configured are ${names === "" ? "none" : names}`);
}

function quantitiesOf(options: ExplainOptions): Quantities {
  const result: Quantities = {};
  for (const [flags, , quantity] of counts) {
    const name = flags
      .slice(2, flags.indexOf(" "))
      .replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    const value = options[name];
    if (typeof value === "number") result[quantity] = value;
  }
  if (options.seconds !== undefined) result.audioMs = Math.round(options.seconds * 1000);
  return result;
}

function only(file: PriceFile, providers: readonly string[] | undefined): PriceFile {
  if (providers === undefined) return file;
  const missing = providers.find((provider) => file.lists[provider] === undefined);
  if (missing !== undefined) {
    throw new Error(`the file has no prices of ${missing}; it has ${Object.keys(file.lists).join(", ")}`);
  }
  return {
    ...file,
    lists: Object.fromEntries(providers.map((name) => [name, file.lists[name] ?? { models: {} }])),
  };
}

/** What an upstream's `prices:` can say: no context tiers, no service tiers. Vendors in the usual order. */
function ownPrices(file: PriceFile): Record<string, OwnPrice> {
  const result: Record<string, OwnPrice> = {};
  const rank = (list: string) =>
    vendorOrder.includes(list) ? vendorOrder.indexOf(list) : vendorOrder.length;
  for (const list of Object.keys(file.lists).sort((left, right) => rank(left) - rank(right))) {
    for (const [key, model] of Object.entries(file.lists[list]?.models ?? {})) {
      const prices = model.prices[0] ?? {};
      const own = ownPriceKeys
        .filter((field) => prices[field] !== undefined)
        .map((field) => [field, prices[field]]);
      if (own.length > 0 && result[key] === undefined) result[key] = Object.fromEntries(own);
    }
  }
  return result;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function together(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0 && text.trim() !== "") return value;
  throw new InvalidArgumentError("It must be a whole number that is not negative.");
}

function seconds(text: string): number {
  const value = Number(text);
  if (value >= 0 && value <= 1e9 && text.trim() !== "") return value;
  throw new InvalidArgumentError("It must be a number of seconds that is not negative.");
}

function date(text: string): number {
  const value = Date.parse(text);
  if (!Number.isNaN(value)) return value;
  throw new InvalidArgumentError("It must be a date such as 2026-03-13 or 2026-03-13T17:00:00Z.");
}
