/**
 * Writes src/prices/data/list-prices.json: the vendors' list prices, in our own format, from the data of
 * the npm package @pydantic/genai-prices (MIT). Run it after updating the package; a test compares.
 *
 *   node scripts/generate-list-prices.mjs           write the file
 *   node scripts/generate-list-prices.mjs --check   fail when the file is not what would be written
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { calcPrice, findProvider } from "@pydantic/genai-prices";

/** @typedef {import("@pydantic/genai-prices").Provider} Provider */
/** @typedef {import("@pydantic/genai-prices").ModelInfo} Model */
/** @typedef {import("../src/prices/price-file.ts").PriceFile} PriceFile */
/** @typedef {import("../src/prices/price-file.ts").PriceVariant} PriceVariant */

const target = new URL("../src/prices/data/list-prices.json", import.meta.url);

/** First-party vendors in the order in which a bare model name is looked up, then hosts and resellers. */
const providers = [
  ...["openai", "anthropic", "google", "deepseek", "mistral", "x-ai", "moonshotai", "zai", "minimax"],
  ...["cohere", "voyageai", "perplexity"],
  ...["openrouter", "groq", "together", "fireworks", "cerebras"],
];

/** The package's price keys that Bellwether meters, and what they are called here (same units). */
/** @type {Readonly<Record<string, string>>} */
const tokenKeys = {
  input_mtok: "input",
  cache_read_mtok: "cachedInput",
  cache_write_mtok: "cacheWrite5m",
  cache_write_5m_mtok: "cacheWrite5m",
  cache_write_1h_mtok: "cacheWrite1h",
  input_audio_mtok: "audioInput",
  input_image_mtok: "imageInput",
  output_mtok: "output",
  output_reasoning_mtok: "reasoning",
  output_audio_mtok: "audioOutput",
  output_image_mtok: "imageOutput",
};

/** Known keys for things that no dialect reports, so that no call could be charged for them. */
const ignored = new Set([
  ...["web_searches_kcount", "storage_searches_kcount", "output_citation_mtok"],
  ...["cache_audio_read_mtok", "cache_image_read_mtok", "input_video_mtok", "output_video_mtok"],
  ...["input_document_kpages", "input_annotated_document_kpages", "input_text_messages_kcount"],
]);

/**
 * One `ModelPrice` of the package as one price of ours; undefined when it prices nothing we meter.
 * @param {import("@pydantic/genai-prices").ModelPrice} prices
 * @param {string} where
 */
function priceOf(prices, where) {
  /** @type {Record<string, unknown>} */
  const price = {};
  /** @type {Map<number, Record<string, number>>} */
  const tiers = new Map();
  for (const [key, value] of Object.entries(prices)) {
    const ours = tokenKeys[key];
    if (value === undefined) continue;
    if (ours !== undefined && typeof value === "number") price[ours] = value;
    else if (ours !== undefined && typeof value === "object") {
      price[ours] = value.base;
      for (const tier of value.tiers) {
        tiers.set(tier.start, { ...tiers.get(tier.start), [ours]: tier.price });
      }
    } else if (key === "audio_hours" || key === "input_audio_hours") price.perHour = value;
    else if (key === "requests_kcount") price.perRequest = value / 1000;
    else if (!ignored.has(key)) throw new Error(`${where}: unknown price key ${key}; map it or ignore it`);
  }
  if (Object.keys(price).length === 0) return undefined;
  if (tiers.size > 0) {
    price.tiers = [...tiers].sort(([a], [b]) => a - b).map(([above, rates]) => ({ above, ...rates }));
  }
  return price;
}

/**
 * The package keeps a model's prices in order, the last that applies being in force. A daily window that
 * stands after a dated price belongs to that price and must not reach back before its date.
 * @param {Model} model
 * @param {string} where
 * @returns {PriceVariant[]}
 */
function pricesOf(model, where) {
  const variants = Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }];
  const result = [];
  /** @type {string | undefined} */
  let from;
  for (const { constraint, prices } of variants) {
    const price = priceOf(prices, where);
    if (price === undefined) continue;
    if (constraint?.type === "start_date") from = constraint.start_date;
    if (from !== undefined) price.from = from;
    if (constraint?.type === "time_of_date") {
      price.between = [constraint.start_time, constraint.end_time].map((time) =>
        time.slice(0, "hh:mm".length),
      );
    }
    result.push(price);
  }
  // A `:free` variant has a price, and it is zero; any other model without prices is unpriced.
  return result.length === 0 && model.id.endsWith(":free") ? [{ input: 0, output: 0 }] : result;
}

/**
 * Every literal of a rule for names.
 * @param {import("@pydantic/genai-prices").MatchLogic} match
 * @returns {string[]}
 */
function literals(match) {
  if ("or" in match) return match.or.flatMap(literals);
  if ("and" in match) return match.and.flatMap(literals);
  return "regex" in match ? [] : Object.values(match);
}

/**
 * Exact names only. The start of a name counts as a name when it looks complete and the package itself
 * resolves it to this model; whatever else such a prefix would match is not taken over.
 * @param {Provider} provider
 * @param {Model} model
 */
function namesOf(provider, model) {
  const complete = (/** @type {string} */ name) => !/[-@.:/]$|-20\d\d$/.test(name);
  const resolves = (/** @type {string} */ name) =>
    calcPrice({}, name, { providerId: provider.id })?.model.id === model.id;
  const names = [model.id, ...literals(model.match)].map((name) => name.toLowerCase());
  return [...new Set(names)].filter((name) => complete(name) && resolves(name)).sort();
}

/**
 * @param {PriceFile | undefined} previous
 * @returns {PriceFile}
 */
export function generate(previous) {
  const entry = createRequire(import.meta.url).resolve("@pydantic/genai-prices");
  const { version, license } = JSON.parse(
    readFileSync(entry.replace(/dist.[^/\\]+$/, "package.json"), "utf8"),
  );
  const source = `@pydantic/genai-prices ${version}`;
  const sameSource = previous?.source === source;
  /** @type {Record<string, import("../src/prices/price-file.ts").PriceList>} */
  const lists = {};
  for (const list of providers) {
    const provider = findProvider({ providerId: list });
    if (provider?.id !== list) throw new Error(`the package knows no provider ${list}`);
    /** @type {Record<string, import("../src/prices/price-file.ts").ModelPrices>} */
    const models = {};
    for (const model of provider.models) {
      const prices = pricesOf(model, `${list}/${model.id}`);
      const names = namesOf(provider, model);
      if (prices.length === 0 || names.length === 0) continue;
      const id = model.id.toLowerCase();
      const key = names.includes(id) ? id : String(names[0]);
      models[key] = {
        ...(names.length > 1 ? { names: names.filter((name) => name !== key) } : {}),
        ...(model.context_window === undefined ? {} : { contextWindow: model.context_window }),
        prices,
      };
    }
    lists[list] = { models };
  }
  return {
    format: 1,
    generated: "by scripts/generate-list-prices.mjs; do not edit",
    source,
    url: "https://github.com/pydantic/genai-prices",
    licence: license ?? "MIT, Copyright (c) Pydantic Services Inc. 2025 to present",
    date: sameSource ? previous.date : new Date().toISOString().slice(0, 10),
    lists,
  };
}

/**
 * One model per line: compact to load, and a change of price is a change of one line.
 * @param {PriceFile} file
 */
export function render(file) {
  const { lists, ...head } = file;
  const renderList = (/** @type {[string, PriceFile["lists"][string]]} */ [name, list]) => {
    const models = Object.entries(list.models).map(
      ([key, model]) => `${JSON.stringify(key)}:${JSON.stringify(model)}`,
    );
    return `${JSON.stringify(name)}:{"models":{\n${models.join(",\n")}\n}}`;
  };
  const fields = Object.entries(head).map(
    ([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`,
  );
  return `{\n${fields.join(",\n")},\n"lists":{\n${Object.entries(lists).map(renderList).join(",\n")}\n}\n}\n`;
}

function existing() {
  try {
    return readFileSync(target, "utf8");
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const before = existing();
  const after = render(generate(before === undefined ? undefined : JSON.parse(before)));
  if (process.argv.includes("--check")) {
    if (before !== after) {
      process.stderr.write("list-prices.json is stale: run `node scripts/generate-list-prices.mjs`\n");
      process.exitCode = 1;
    }
  } else writeFileSync(target, after);
}
