/** A metrics page as rows, and exact sums over them: amounts of money stay decimal text, never floats. */
import { formatUsd, scaled } from "../../src/core/money.ts";

/** One sample, or one entry of the books that are compared with samples. */
export interface Row {
  readonly labels: Readonly<Record<string, string>>;
  /** A decimal number, as it is written. */
  readonly value: string;
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** The samples of `name`. */
export function rowsOf(page: string, name: string): Row[] {
  return page.split("\n").flatMap((line) => {
    const [, found, labels = "", value = ""] = SAMPLE.exec(line) ?? [];
    if (found !== name) return [];
    const pairs = [...labels.matchAll(LABEL)].map(([, label = "", text = ""]) => [label, text]);
    return [{ labels: Object.fromEntries(pairs) as Record<string, string>, value }];
  });
}

/** Twelve places: everything is summed in millionths of a millionth. */
const PLACES = 12;

/** Sums by these labels, as exact decimals; sums of zero are left out. The key is the labels' values. */
export function sums(rows: readonly Row[], ...by: readonly string[]): Record<string, string> {
  const found = new Map<string, bigint>();
  for (const { labels, value } of rows) {
    const key = by.map((label) => labels[label] ?? "").join(" ");
    found.set(key, (found.get(key) ?? 0n) + exact(value));
  }
  const written = [...found].filter(([, sum]) => sum !== 0n).map(([key, sum]) => [key, formatUsd(sum)]);
  return Object.fromEntries(written.sort()) as Record<string, string>;
}

/** @throws RangeError for what has more than twelve decimal places, which an exact page never shows. */
function exact(value: string): bigint {
  const sum = scaled(value, PLACES);
  if (formatUsd(sum) !== value) throw new RangeError(`not an exact amount: ${value}`);
  return sum;
}
