/**
 * Checks price files that come from outside. Written by hand, because a start without a configuration file
 * must not wait for a validation library, and because the fault must name the model.
 */
import type { PriceFile } from "./price-file.ts";

/** With an upstream's factor of at most 100, no price can then exceed the integers that are exact. */
const MAX_PER_MILLION = 9e6;
const MAX_PER_UNIT = 90;
const SECONDS_PER_HOUR = 3600;
const MAX_FAULTS = 5;
const MAX_NAME = 200;

type Path = readonly string[];
type Fault = (path: Path, message: string) => void;
type Check = (value: unknown, path: Path, fault: Fault) => void;

const number =
  (max: number): Check =>
  (value, path, fault) => {
    if (!(typeof value === "number" && value >= 0 && value <= max)) {
      fault(path, `must be a number from 0 to ${max}, not ${JSON.stringify(value)}`);
    }
  };

const whole: Check = (value, path, fault) => {
  if (!(Number.isSafeInteger(value) && Number(value) > 0)) fault(path, "must be a whole number above 0");
};

const text: Check = (value, path, fault) => {
  if (typeof value !== "string") fault(path, "must be text");
};

const flag: Check = (value, path, fault) => {
  if (typeof value !== "boolean") fault(path, "must be true or false");
};

const matching =
  (pattern: RegExp, example: string): Check =>
  (value, path, fault) => {
    if (typeof value !== "string" || !pattern.test(value)) fault(path, `must look like ${example}`);
  };

const name: Check = (value, path, fault) => {
  if (typeof value !== "string" || value === "" || value.length > MAX_NAME || value !== value.toLowerCase()) {
    fault(path, `${JSON.stringify(value)} must be a name in lower case`);
  }
};

const list =
  (item: Check, least = 0): Check =>
  (value, path, fault) => {
    if (!Array.isArray(value) || value.length < least) {
      fault(path, least === 0 ? "must be a list" : `must be a list of at least ${least}`);
    } else for (const [index, each] of value.entries()) item(each, [...path, String(index)], fault);
  };

/** An object whose keys are names and whose values are all of one kind. */
const record =
  (item: Check, key: Check = name): Check =>
  (value, path, fault) => {
    if (!isObject(value)) fault(path, "must be an object");
    else {
      for (const [each, content] of Object.entries(value)) {
        key(each, path, fault);
        item(content, [...path, each], fault);
      }
    }
  };

/** An object of exactly these fields; those named in `required` must be there. */
const fields =
  (checks: Readonly<Record<string, Check>>, required: readonly string[] = []): Check =>
  (value, path, fault) => {
    if (!isObject(value)) {
      fault(path, "must be an object");
      return;
    }
    for (const key of required) {
      if (value[key] === undefined) fault(path, `lacks ${key}`);
    }
    for (const [key, content] of Object.entries(value)) {
      const check = Object.hasOwn(checks, key) ? checks[key] : undefined;
      if (check === undefined) fault([...path, key], "is not known here");
      else check(content, [...path, key], fault);
    }
  };

const perMillion = number(MAX_PER_MILLION);
const perUnit = number(MAX_PER_UNIT);

const price: Readonly<Record<string, Check>> = {
  input: perMillion,
  cachedInput: perMillion,
  cacheWrite5m: perMillion,
  cacheWrite1h: perMillion,
  output: perMillion,
  reasoning: perMillion,
  audioInput: perMillion,
  audioOutput: perMillion,
  imageInput: perMillion,
  imageOutput: perMillion,
  perMillionCharacters: perMillion,
  perImage: perUnit,
  perHour: perUnit,
  perSecond: number(MAX_PER_UNIT / SECONDS_PER_HOUR),
  perRequest: perUnit,
  images: record(perUnit),
};

const tiers = list(fields({ above: whole, ...price }, ["above"]));
const time = matching(/^([01]\d|2[0-3]):[0-5]\d$/, "16:30");
const date = matching(/^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, "2026-03-13");

const between: Check = (value, path, fault) => {
  if (!Array.isArray(value) || value.length !== 2) fault(path, 'must be two times, as ["16:30", "00:30"]');
  else list(time)(value, path, fault);
};

const variant = fields({
  ...price,
  tiers,
  from: date,
  between,
  serviceTiers: record(fields({ ...price, tiers })),
});

const model = fields(
  { names: list(name), contextWindow: whole, source: text, date: text, note: text, prices: list(variant, 1) },
  ["prices"],
);

/** A factor on every price of the list, or the prices of single models. */
const tierPrices: Check = (value, path, fault) => {
  const check = typeof value === "number" ? number(1) : record(fields(price));
  check(value, path, fault);
};

const priceList = fields(
  { source: text, date: text, flat: flag, serviceTiers: record(tierPrices), models: record(model) },
  ["models"],
);

const format: Check = (value, path, fault) => {
  if (value !== 1) fault(path, "must be 1");
};

const priceFile = fields(
  {
    format,
    source: text,
    date: text,
    url: text,
    licence: text,
    generated: text,
    note: text,
    lists: record(priceList),
  },
  ["format", "source", "date", "lists"],
);

/** What is wrong with a price file, as `place: fault`; empty when nothing is. */
export function priceFileFaults(value: unknown): readonly string[] {
  const faults: string[] = [];
  priceFile(value, [], (path, message) => {
    if (faults.length < MAX_FAULTS)
      faults.push(`${path.length === 0 ? "the file" : path.join(" → ")} ${message}`);
  });
  return faults;
}

/** @throws Error saying where in `origin` what is wrong; at most five faults at once. */
export function parsePriceFile(content: string, origin: string): PriceFile {
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (error) {
    throw new Error(`price file ${origin} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const faults = priceFileFaults(json);
  if (faults.length === 0) return json as PriceFile;
  throw new Error(
    `price file ${origin} is not in Bellwether's price format (\`bellwether prices import\` writes it):\n  ${faults.join("\n  ")}`,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
