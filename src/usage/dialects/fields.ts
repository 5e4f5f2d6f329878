/**
 * Careful access to parsed JSON that somebody else wrote. Nothing here throws: what has the wrong type
 * reads as absent, because a relay may send anything.
 */
import { count, type Quantities, type Quantity } from "../../core/quantities.ts";
import type { Reading } from "../dialect.ts";

export type Fields = Readonly<Record<string, unknown>>;

const NO_FIELDS: Fields = Object.freeze({});
const NO_ITEMS: readonly unknown[] = Object.freeze([]);

/** Model names longer than this are cut. The longest real ones (fine-tuned models) have about 100 characters. */
const MAX_NAME = 256;

/** The members of an object; none when it is no object. */
export function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : NO_FIELDS;
}

/** The elements of an array; none when it is no array. */
export function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : NO_ITEMS;
}

/** A text as it is, anything else as "". */
export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A model's, tier's or option's name: bounded in length, "" when it is no text. */
export function name(value: unknown): string {
  if (typeof value !== "string") return "";
  return value.length > MAX_NAME ? value.slice(0, MAX_NAME) : value;
}

/** The first value that is a count. */
export function firstCount(...values: readonly unknown[]): number | undefined {
  for (const value of values) {
    const found = count(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The sum of counts, itself a count even where a relay's figures are absurd. */
export function sum(...counts: readonly number[]): number {
  let total = 0;
  for (const each of counts) total += each;
  return Math.min(total, Number.MAX_SAFE_INTEGER);
}

/** Both halves are told; else the output is looked at, in case that it has to be counted. */
export function tellsBothHalves({ inputTokens = 0, outputTokens = 0 }: Quantities): boolean {
  return inputTokens > 0 && outputTokens > 0;
}

/** Overwrites one quantity, unless the value is no count; tells whether it was one. */
export function put(quantities: Quantities, quantity: Quantity, value: unknown): boolean {
  const found = count(value);
  if (found === undefined) return false;
  quantities[quantity] = found;
  return true;
}

/** Notes the model and the service tier that an answer names. */
export function readNames(model: unknown, serviceTier: unknown, reading: Reading): void {
  if (typeof model === "string" && model !== "") reading.model = name(model);
  if (typeof serviceTier === "string" && serviceTier !== "") reading.serviceTier = name(serviceTier);
}

/** Notes a piece of the model's output; true when it is a text that is not empty. */
export function readOutput(piece: unknown, reading: Reading): boolean {
  if (typeof piece !== "string" || piece === "") return false;
  reading.outputSeen = true;
  reading.text.add(piece);
  return true;
}

/** Relays and vendors report an error in a 200 as `{"error": {…}}` or `{"error": "…"}`; a null is no error. */
export function readError(error: unknown, reading: Reading): boolean {
  const failed = typeof error === "string" ? error !== "" : typeof error === "object" && error !== null;
  if (failed) reading.failed = true;
  return failed;
}

/** Tokens up to which thinking counts as of this effort; the bounds are our own, between the vendors' examples. */
const EFFORT_TOKENS: readonly (readonly [number, string])[] = [
  [0, "none"],
  [1_024, "minimal"],
  [4_096, "low"],
  [16_384, "medium"],
];

/** The effort that a number of thinking tokens stands for; without one the model decides, which is `medium`. */
export function effortOfTokens(tokens: number | undefined): string {
  if (tokens === undefined) return "medium";
  return EFFORT_TOKENS.find(([most]) => tokens <= most)?.[1] ?? "high";
}
