/**
 * One turn of a conversation, as all text APIs have it: what the model reads, thinks, says and which tools
 * it calls. Each API's file only translates its requests into an `Ask` and a `Turn` into its wire shape.
 */
import type { Quantities } from "../core/quantities.ts";
import type { Call } from "./call.ts";
import type { Model } from "./models.ts";
import { hash, idFrom, mix, Random } from "./random.ts";
import { instanceOf } from "./schema.ts";
import { countTokens, piecesOf, prose } from "./text.ts";

export interface Tool {
  readonly name: string;
  readonly schema: unknown;
}

export interface Ask {
  readonly model: Model;
  /** Everything the model reads. */
  readonly prompt: string;
  /** The last thing the user said; it decides whether tools are called. "" after a tool's result. */
  readonly lastWord: string;
  readonly maxTokens: number | undefined;
  readonly tools: readonly Tool[];
  /** `required` is any of them; otherwise the name of one. */
  readonly toolChoice: "auto" | "none" | "required" | { readonly name: string };
  /** JSON mode: the schema to fit, or `{}`. */
  readonly schema: unknown;
  readonly stops: readonly string[];
  /** The request switches thinking on for models that do not always think. */
  readonly thinks: boolean;
  /** Parts of the prompt are marked for the cache (Anthropic): so long is what is written kept. */
  readonly cacheFor?: "5m" | "1h" | undefined;
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly pieces: readonly string[];
}

export interface Turn {
  /** Depends on the seed and the prompt alone. */
  readonly seed: number;
  readonly input: number;
  readonly cached: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  /** Tokens of thinking; part of `output`. */
  readonly reasoning: number;
  readonly thoughts: readonly string[];
  readonly pieces: readonly string[];
  readonly tools: readonly ToolCall[];
  readonly finish: "stop" | "length" | "tools" | "sequence";
  /** The stop sequence that ended the turn. */
  readonly stop: string | null;
  /** Output tokens, thinking included. */
  readonly output: number;
}

const SHORTEST = 8;
const LONGEST = 48;
const CACHEABLE_FROM = 1024;
const CACHE_STEP = 128;
const BLOCK_BYTES = 4096;
const HASHED_CHARACTERS = 2048;

/** The model's answer to `ask`; `index` tells the choices of one request apart. */
export function takeTurn(call: Call, ask: Ask, index = 0): Turn {
  const seed = mix(hash(call.seed, ask.prompt.slice(-HASHED_CHARACTERS)) + ask.prompt.length + index);
  const random = new Random(seed);
  const limit = ask.maxTokens ?? Number.MAX_SAFE_INTEGER;
  const thinking = call.knobs.reasoning ?? (ask.model.reasons || ask.thinks ? random.between(16, 96) : 0);
  const reasoning = Math.min(thinking, limit);
  const room = limit - reasoning;
  const read = whatIsRead(call, ask);
  const calls = calledTools(ask, seed);
  const called = calls.reduce((sum, tool) => sum + tool.pieces.length, 0);
  const calling = calls.length > 0 && called <= room;
  const said = calling ? SILENCE : cutAtStop(speech(call, ask, seed, random), ask.stops);
  const pieces = said.pieces.length > room ? said.pieces.slice(0, room) : said.pieces;
  const whole = pieces.length === said.pieces.length;
  // Written out, since spreading `read` costs more than all the rest.
  return {
    seed,
    input: read.input,
    cached: read.cached,
    cacheWrite5m: read.cacheWrite5m,
    cacheWrite1h: read.cacheWrite1h,
    reasoning,
    thoughts: prose(mix(seed + 1), reasoning),
    pieces,
    tools: calling ? calls : [],
    finish: calling ? "tools" : !whole ? "length" : said.stop === null ? "stop" : "sequence",
    stop: whole ? said.stop : null,
    output: reasoning + (calling ? called : pieces.length),
  };
}

const SILENCE: Said = { pieces: [], stop: null };

/** Several independent answers to one request. */
export function takeTurns(call: Call, ask: Ask, choices: number): readonly Turn[] {
  return Array.from({ length: choices }, (_, index) => takeTurn(call, ask, index));
}

/** The normal form of what the turns used; the input is read once. */
export function quantitiesOf(turns: readonly Turn[], output = sumOf(turns, "output")): Quantities {
  const first = turns[0];
  return {
    inputTokens: first?.input ?? 0,
    cachedInputTokens: first?.cached ?? 0,
    outputTokens: output,
    reasoningTokens: Math.min(sumOf(turns, "reasoning"), output),
  };
}

export function sumOf(turns: readonly Turn[], field: "output" | "reasoning"): number {
  return turns.reduce((sum, turn) => sum + turn[field], 0);
}

function whatIsRead(call: Call, ask: Ask): Pick<Turn, "input" | "cached" | "cacheWrite5m" | "cacheWrite1h"> {
  const { knobs } = call;
  const input = knobs.input ?? Math.max(1, countTokens(ask.prompt));
  const automatic = ask.model.maker !== "anthropic" && ask.model.price.cachedInput !== undefined;
  const steps = input < CACHEABLE_FROM ? 0 : Math.floor(input / CACHE_STEP);
  const half = automatic || ask.cacheFor !== undefined ? Math.floor(steps / 2) * CACHE_STEP : 0;
  const quarter = Math.floor(steps / 4) * CACHE_STEP;
  const cached = Math.min(input, knobs.cached ?? half);
  const cacheWrite5m = Math.min(input - cached, knobs.cacheWrite ?? (ask.cacheFor === "5m" ? quarter : 0));
  const cacheWrite1h = Math.min(
    input - cached - cacheWrite5m,
    knobs.cacheWrite1h ?? (ask.cacheFor === "1h" ? quarter : 0),
  );
  return { input, cached, cacheWrite5m, cacheWrite1h };
}

/** The tools asked for by `tool_choice`, else those the user's last words name, else, at "use the tool", the first. */
function calledTools(ask: Ask, seed: number): readonly ToolCall[] {
  const { tools, toolChoice, lastWord } = ask;
  if (tools.length === 0 || toolChoice === "none") return [];
  const called = (): readonly Tool[] => {
    if (typeof toolChoice === "object") return tools.filter((tool) => tool.name === toolChoice.name);
    const named = tools.filter((tool) => lastWord.includes(tool.name));
    if (named.length > 0) return named;
    return toolChoice === "required" || /\btools?\b/i.test(lastWord) ? tools.slice(0, 1) : [];
  };
  return called().map((tool, index) => ({
    id: idFrom(seed + index, 24),
    name: tool.name,
    pieces: piecesOf(JSON.stringify(instanceOf(tool.schema) ?? {})),
  }));
}

function speech(call: Call, ask: Ask, seed: number, random: Random): readonly string[] {
  if (ask.schema !== undefined) return piecesOf(JSON.stringify(jsonFor(ask.schema)));
  if (call.knobs.size !== undefined) return blocks(seed, call.knobs.size);
  return prose(seed, call.knobs.output ?? random.between(SHORTEST, LONGEST));
}

function jsonFor(schema: unknown): unknown {
  const made = instanceOf(schema);
  return typeof made === "object" && made !== null ? made : { answer: made };
}

/** Pieces of four KiB each, `size` bytes in all. */
function blocks(seed: number, size: number): readonly string[] {
  const block = prose(seed, BLOCK_BYTES)
    .join("")
    .replaceAll(/[^ -~]/g, "~")
    .slice(0, BLOCK_BYTES);
  const whole = Array.from({ length: Math.floor(size / BLOCK_BYTES) }, () => block);
  const rest = size % BLOCK_BYTES;
  return rest === 0 ? whole : [...whole, block.slice(0, rest)];
}

interface Said {
  readonly pieces: readonly string[];
  /** The stop sequence that cut it. */
  readonly stop: string | null;
}

/** Ends the text before the first stop sequence in it. */
function cutAtStop(pieces: readonly string[], stops: readonly string[]): Said {
  if (stops.length === 0) return { pieces, stop: null };
  const text = pieces.join("");
  let end = text.length;
  let stop: string | null = null;
  for (const candidate of stops) {
    const found = candidate === "" ? -1 : text.indexOf(candidate);
    if (found >= 0 && found < end) {
      end = found;
      stop = candidate;
    }
  }
  if (stop === null) return { pieces, stop };
  const kept: string[] = [];
  let length = 0;
  for (const piece of pieces) {
    if (length >= end) break;
    kept.push(piece.slice(0, end - length));
    length += piece.length;
  }
  return { pieces: kept, stop };
}
