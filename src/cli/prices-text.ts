/** How `bellwether prices` shows prices and sums: exact decimals, aligned columns, colour on terminals only. */
import { formatUsd, type Pico } from "../core/money.ts";
import { amountOf, type Charge, type ChargeKind } from "../prices/cost.ts";
import type { PriceEntry } from "../prices/entry.ts";

/** Styles text where the output is a terminal; see style.ts. */
export type Paint = (format: "bold" | "dim" | "yellow", text: string) => string;

interface Unit {
  readonly label: string;
  /** What a rate is shown per, and how many units that is. */
  readonly per: string;
  readonly times: bigint;
}

const MILLION = 1_000_000n;
const perMillionTokens = (label: string): Unit => ({ label, per: "M tokens", times: MILLION });

const units: Readonly<Record<ChargeKind, Unit>> = {
  input: perMillionTokens("input"),
  cachedInput: perMillionTokens("cached input"),
  cacheWrite5m: perMillionTokens("cache write, 5 min"),
  cacheWrite1h: perMillionTokens("cache write, 1 h"),
  audioInput: perMillionTokens("audio input"),
  imageInput: perMillionTokens("image input"),
  output: perMillionTokens("output"),
  reasoning: perMillionTokens("reasoning output"),
  audioOutput: perMillionTokens("audio output"),
  imageOutput: perMillionTokens("image output"),
  image: { label: "images", per: "image", times: 1n },
  character: { label: "characters", per: "M characters", times: MILLION },
  audioMs: { label: "audio, ms", per: "hour", times: 1n },
  request: { label: "request", per: "request", times: 1n },
};

/** A rate in pico-dollars per unit as exact USD in the unit it is usually quoted in. */
export function quoted(kind: ChargeKind, rate: number): string {
  return formatUsd(BigInt(rate) * units[kind].times);
}

/** The lines of a bill that were used, whole input and output before their subsets. */
function usedLines(bill: readonly Charge[]): Charge[] {
  const rank = Object.keys(units);
  return bill
    .filter(({ quantity }) => quantity > 0)
    .sort((left, right) => rank.indexOf(left.kind) - rank.indexOf(right.kind));
}

/** A bill as text: quantity × price = amount. */
export function billRows(bill: readonly Charge[]): string[][] {
  return usedLines(bill).map((line) => {
    const { label } = units[line.kind];
    const { per } = units[line.from];
    const amount = amountOf(line);
    if (line.rate === undefined || amount === undefined) {
      return [label, String(line.quantity), "", "unpriced", "not part of the sum"];
    }
    const borrowed = line.from === line.kind ? "" : `  (no price of its own: as ${units[line.from].label})`;
    return [
      label,
      String(line.quantity),
      `× ${quoted(line.from, line.rate)} per ${per}`,
      `= ${formatUsd(amount)}`,
      borrowed.trim(),
    ];
  });
}

export function billJson(bill: readonly Charge[]) {
  return usedLines(bill).map((line) => {
    const amount = amountOf(line);
    return {
      kind: line.kind,
      quantity: line.quantity,
      price: line.rate === undefined ? null : quoted(line.from, line.rate),
      per: units[line.from].per,
      priceOf: line.from,
      usd: amount === undefined ? null : formatUsd(amount),
    };
  });
}

/** What is known of an entry, in the order a reader asks: where from, how sure, since when. */
export function provenance(entry: PriceEntry): string[] {
  const where = {
    own: "your own price, final",
    preset: `price list ${entry.list}`,
    list: `list price of ${entry.list}`,
  }[entry.layer];
  const since = entry.from === undefined ? [] : [`in force since ${entry.from}`];
  const hours =
    entry.between === undefined ? [] : [`daily from ${entry.between[0]} to ${entry.between[1]} UTC`];
  return [
    `${where}, model ${entry.model}${entry.rules.length === 0 ? "" : ` (by ${entry.rules.join(", ")})`}`,
    `source: ${entry.source}${entry.date === "" ? "" : `, ${entry.date}`}`,
    ...[...since, ...hours, ...entry.notes].map((note) => `note: ${note}`),
  ];
}

/** The prices of an entry for a table or for JSON: exact USD as text, by what is priced. */
export function priceFields(entry: PriceEntry): Record<string, string> {
  const { base } = entry.standard;
  const fields: [ChargeKind, number | undefined][] = [
    ["input", base.input],
    ["cachedInput", base.cachedInput],
    ["cacheWrite5m", base.cacheWrite5m],
    ["cacheWrite1h", base.cacheWrite1h],
    ["audioInput", base.audioInput],
    ["imageInput", base.imageInput],
    ["output", base.output],
    ["reasoning", base.reasoning],
    ["audioOutput", base.audioOutput],
    ["imageOutput", base.imageOutput],
    ["image", base.image],
    ["character", base.character],
    ["audioMs", base.hour],
    ["request", base.request],
  ];
  return Object.fromEntries(
    fields.flatMap(([kind, rate]) => (rate === undefined ? [] : [[kind, quoted(kind, rate)]])),
  );
}

/** The prices of an entry, one per row: what, how much, per what. */
export function priceRows(entry: PriceEntry): string[][] {
  return Object.entries(priceFields(entry)).map(([kind, usd]) => {
    const { label, per } = units[kind as ChargeKind];
    return [label, usd, `USD per ${per}`];
  });
}

/** One line of what is special about an entry: prices per image, second or character, tiers. */
export function remarks(entry: PriceEntry): string {
  const fields = priceFields(entry);
  const special = (["image", "character", "audioMs", "request"] as const)
    .filter((kind) => fields[kind] !== undefined)
    .map((kind) => `${fields[kind]} per ${units[kind].per}`);
  const tiers = entry.standard.tiers.map(({ above }) => `other prices above ${above} input tokens`);
  return [...special, ...tiers].join("; ");
}

/** Columns as wide as their widest cell; the numbers of the columns in `right` are right-aligned. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return right.includes(column) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
}

/** `17.9 % less than` …: how one amount compares with another. */
export function comparison(amount: Pico, list: Pico): string {
  if (amount === list) return "the same as the list price";
  const difference = amount < list ? list - amount : amount - list;
  const percent = list === 0n ? "" : ` (${(Number((difference * 1000n) / list) / 10).toString()} %)`;
  return `${formatUsd(difference)} USD${percent} ${amount < list ? "less" : "more"} than the list price`;
}
