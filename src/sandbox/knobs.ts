/**
 * The knobs: everything the simulated relay can be told to do. They come from three places, later ones win:
 * the admin endpoint (all calls), a model's name (`sandbox-slow`), and the request header `x-sandbox`.
 * The table is the one source: parser, admin endpoint and docs/sandbox.md follow it.
 */
import { isObject } from "./json.ts";
import type { Random } from "./random.ts";

/** A value was given that a knob, or no knob, understands. The message says which there are. */
export class KnobError extends Error {
  override readonly name = "KnobError";
}

interface Knob<T> {
  /** What may be written, for the documentation and for errors. */
  readonly form: string;
  readonly help: string;
  /** @throws KnobError when the value does not fit. */
  read(value: unknown): T;
}

/** Z(0.99) of the standard normal distribution: how many deviations p99 lies above p50. */
const Z99 = 2.326_347_874;

/** A length of time: fixed, or drawn from a distribution. Milliseconds. */
export class Delay {
  readonly text: string;
  readonly #draw: (random: Random) => number;

  private constructor(text: string, draw: (random: Random) => number) {
    this.text = text;
    this.#draw = draw;
  }

  /** Reads `250`, `uniform(50,300)` or `lognormal(200,900)` (the latter by its median and 99th percentile). */
  static parse(value: unknown): Delay {
    if (value instanceof Delay) return value;
    const text = String(value).replaceAll(/\s/g, "");
    const match = /^(?:(\d+(?:\.\d+)?)|(uniform|lognormal)\((\d+(?:\.\d+)?),(\d+(?:\.\d+)?)\))$/.exec(text);
    if (match === null) throw new KnobError(`not a delay: ${text}`);
    const [, fixed, kind, first, second] = match;
    if (fixed !== undefined) {
      const milliseconds = Number(fixed);
      return new Delay(text, () => milliseconds);
    }
    const low = Number(first);
    const high = Number(second);
    if (high < low || (kind === "lognormal" && low === 0)) throw new KnobError(`not a delay: ${text}`);
    if (kind === "uniform") return new Delay(text, (random) => low + random.fraction() * (high - low));
    const sigma = Math.log(high / low) / Z99;
    return new Delay(text, (random) => low * Math.exp(sigma * random.normal()));
  }

  sample(random: Random): number {
    return this.#draw(random);
  }

  toJSON(): string {
    return this.text;
  }
}

const delay = (help: string): Knob<Delay> => ({
  form: "ms, uniform(low,high) or lognormal(p50,p99)",
  help,
  read: (value) => Delay.parse(value),
});

const number = (help: string, low = 0, high = Number.MAX_SAFE_INTEGER): Knob<number> => ({
  form: high <= 1 ? `${low} to ${high}` : "a number",
  help,
  read(value) {
    const read = typeof value === "number" ? value : value === "" ? Number.NaN : Number(value);
    if (!(read >= low && read <= high)) throw new KnobError(`not a number from ${low} to ${high}: ${value}`);
    return read;
  },
});

const flag = (help: string): Knob<boolean> => ({
  form: "true or false",
  help,
  read(value) {
    if (value === true || value === "true" || value === "") return true;
    if (value === false || value === "false") return false;
    throw new KnobError(`neither true nor false: ${String(value)}`);
  },
});

const words = <const W extends string>(choices: readonly W[], help: string): Knob<W> => ({
  form: choices.map((choice) => `\`${choice}\``).join(", "),
  help,
  read(value) {
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw new KnobError(`not one of ${choices.join(", ")}: ${String(value)}`);
    return found;
  },
});

const free = (help: string): Knob<string> => ({ form: "text", help, read: (value) => String(value) });

const numbers = (help: string, fits: (value: number) => boolean): Knob<readonly number[]> => ({
  form: "numbers, parted by commas",
  help,
  read(value) {
    const read = (Array.isArray(value) ? value : String(value).split(",")).map(Number);
    if (!read.every(fits)) throw new KnobError(`not such numbers: ${String(value)}`);
    return read;
  },
});

const cut: Knob<number | "utf8" | "random"> = {
  form: "bytes a write, `utf8` or `random`",
  help: "cut the body into many TCP writes: every N bytes, inside every multi-byte character, or by seed",
  read(value) {
    if (value === "utf8" || value === "random") return value;
    const size = Number(value);
    if (!Number.isInteger(size) || size < 1) throw new KnobError(`no size to cut at: ${String(value)}`);
    return size;
  },
};

export const knobTable = {
  latency: delay("wait before the head of the answer"),
  firstToken: delay("wait between the head of a stream and its first event"),
  tokensPerSecond: number("pace of a stream; 0 is as fast as the client reads"),
  output: number("output tokens, or fewer where the request's own limit is lower"),
  input: number("input tokens to report, instead of counting the request's text"),
  cached: number("input tokens to report as read from the cache"),
  cacheWrite: number("input tokens to report as written to the cache (five minutes)"),
  cacheWrite1h: number("input tokens to report as written to the cache (one hour)"),
  reasoning: number("output tokens to report as spent on thinking"),
  size: number("make the answer's text about this many bytes long"),
  answerModel: free("the model name the answer carries, instead of the requested one"),
  anyModel: flag("accept every model name"),
  balance: number("dollars that the billing endpoints say are left"),
  unlimited: flag("the billing endpoints say that there is no limit, each in its own way"),
  currency: free("the currency of balances that name theirs, as CNY"),
  textAmounts: flag("the billing endpoints write all numbers as text"),
  keyExpires: number("when the key expires, in seconds since the epoch, as one-api and new-api tell"),
  usage: words(
    ["normal", "none", "last-chunk", "every-chunk"],
    "where usage is reported: as the API says, nowhere, in the last content chunk, cumulative in every chunk",
  ),
  status: number("answer with this status: an error, 204, or a redirect", 200, 599),
  errorCode: free("code of the error that `status` makes; with `status=200` an error all the same, in a 200"),
  retryAfter: free("value of `retry-after` in a 429 or 503; by default 1"),
  location: free("where a redirect points"),
  failRate: number("share of calls that fail, chosen by seed", 0, 1),
  failWith: free("how they fail: a status, `reset` or `hang`; by default 500"),
  early: flag("answer before the request's body has been read"),
  readPause: number("wait this many ms before reading the request's body"),
  bodyLimit: number("answer 413 to a body of more bytes"),
  hang: words(["head", "stream"], "stop, and keep the connection open: before the head, or amid the body"),
  reset: words(["head", "stream"], "reset the connection (TCP RST): before the head, or amid the body"),
  after: number("how many events of a stream `hang`, `reset`, `half` and `streamError` let pass"),
  half: words(
    ["json", "sized", "chunked"],
    "half a body: ended properly; closed short of its Content-Length; closed without the last chunk",
  ),
  malformed: words(
    ["status-line", "header", "length", "chunk"],
    "an answer that is not HTTP: which part is wrong",
  ),
  contentType: free("the Content-Type header, whatever the body is"),
  html: flag("a web page instead of the answer, with the same status"),
  framing: words(
    ["sized", "chunked", "close"],
    "how the body's end is marked: Content-Length, chunked, or the end of the connection",
  ),
  cut,
  cutPause: number("wait this many ms between the cut writes"),
  eol: words(["lf", "crlf", "cr"], "line ends of a stream's events"),
  comments: flag("a `: keep-alive` comment before every event"),
  openEnd: flag("the last event lacks its blank line"),
  done: flag("`false` leaves out the final `[DONE]`"),
  streamError: flag("an error event inside the stream, then its end"),
  encoding: words(
    ["identity", "gzip", "br", "deflate", "asked"],
    "compress the body, also unasked; `asked` takes the first of these that the client accepts",
  ),
  informational: numbers(
    "1xx heads to send before the answer, e.g. 102,103",
    (status) => status >= 100 && status < 200 && status !== 101,
  ),
  trailers: flag("trailer fields after a chunked body"),
  duplicateHeaders: flag("two `set-cookie` and two `x-sandbox-duplicate` headers"),
  keepAlive: flag("`false` closes the connection after the answer"),
} satisfies Record<string, Knob<unknown>>;

type Table = typeof knobTable;
export type KnobName = keyof Table;
export type Knobs = { readonly [K in KnobName]?: ReturnType<Table[K]["read"]> };

/** Models whose name alone sets knobs; `sandbox-NNN` (a status from 200 to 599) does too. */
export const modelKnobs: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "sandbox-fast": {},
  "sandbox-slow": { latency: "lognormal(800,2500)", firstToken: "lognormal(400,1500)", tokensPerSecond: 20 },
  "sandbox-typing": { firstToken: 300, tokensPerSecond: 50 },
  "sandbox-long": { output: 2000 },
  "sandbox-flaky": { failRate: 0.2, failWith: "500" },
  "sandbox-hang": { hang: "head" },
  "sandbox-hang-stream": { hang: "stream", after: 3 },
  "sandbox-reset": { reset: "head" },
  "sandbox-reset-stream": { reset: "stream", after: 3 },
  "sandbox-half": { half: "sized" },
  "sandbox-half-json": { half: "json" },
  "sandbox-malformed": { malformed: "status-line" },
  "sandbox-html": { html: true, contentType: "text/html" },
  "sandbox-no-usage": { usage: "none" },
  "sandbox-cumulative-usage": { usage: "every-chunk" },
  "sandbox-last-chunk-usage": { usage: "last-chunk" },
  "sandbox-stream-error": { streamError: true, after: 3 },
  "sandbox-cut-utf8": { cut: "utf8" },
  "sandbox-crlf": { eol: "crlf" },
  "sandbox-gzip": { encoding: "gzip" },
  "sandbox-cached": { input: 2048, cached: 1024 },
};

const STATUS_MODEL = /^sandbox-([2-5]\d\d)$/;

/** The knobs a model's name sets. */
export function knobsOfModel(model: string): Knobs {
  if (!model.startsWith("sandbox-")) return NONE;
  const known = modelPresets.get(model);
  if (known !== undefined) return known;
  const status = STATUS_MODEL.exec(model)?.[1];
  return status === undefined ? NONE : { status: Number(status) };
}

const NONE: Knobs = {};

/** Reads knobs from an object such as the admin endpoint's JSON. @throws KnobError */
export function readKnobs(values: unknown): Knobs {
  if (!isObject(values)) throw new KnobError("knobs are a JSON object");
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, readKnob(name, value)]));
}

/** Reads the header form, `latency=200; status=429; early`. @throws KnobError */
export function readKnobHeader(header: string): Knobs {
  const pairs: [string, unknown][] = [];
  for (const part of header.split(";")) {
    if (part.trim() === "") continue;
    const equals = part.indexOf("=");
    const name = (equals < 0 ? part : part.slice(0, equals)).trim();
    pairs.push([name, readKnob(name, equals < 0 ? "" : part.slice(equals + 1).trim())]);
  }
  return Object.fromEntries(pairs);
}

function readKnob(name: string, value: unknown): unknown {
  if (!Object.hasOwn(knobTable, name)) {
    throw new KnobError(`no knob is called ${name}; there are ${Object.keys(knobTable).join(", ")}`);
  }
  try {
    return knobTable[name as KnobName].read(value);
  } catch (error) {
    if (error instanceof KnobError) throw new KnobError(`knob ${name}: ${error.message}`);
    throw error;
  }
}

const modelPresets = new Map(Object.entries(modelKnobs).map(([model, values]) => [model, readKnobs(values)]));
