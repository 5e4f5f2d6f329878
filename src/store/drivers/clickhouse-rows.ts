/** Rows to ClickHouse's TabSeparated and back: every version reads and writes it, and money keeps all its digits. */
import { formatUsd, scaled } from "../../core/money.ts";
import { COLUMNS, type ColumnType, type LedgerRow } from "../ledger-row.ts";
import type { Value } from "../ledger-store.ts";

/** The column types that ClickHouse gets. */
export const CLICKHOUSE_TYPES: Readonly<Record<ColumnType, string>> = {
  text: "String",
  category: "String",
  boolean: "UInt8",
  integer: "Int64",
  float: "Float64",
  money: "Decimal(38, 12)",
  time: "Int64",
};

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\t": "\\t",
  "\n": "\\n",
  "\r": "\\r",
  "\0": "\\0",
};
const UNESCAPES: Readonly<Record<string, string>> = {
  t: "\t",
  n: "\n",
  r: "\r",
  "0": "\0",
  b: "\b",
  f: "\f",
};

/** One line, with its end. */
export function toLine(row: LedgerRow): string {
  const fields = COLUMNS.map(({ type, value }) => {
    const held = value(row);
    if (held === undefined) return "\\N";
    if (type === "money") return formatUsd(BigInt(held));
    if (typeof held === "boolean") return held ? "1" : "0";
    return typeof held === "string"
      ? held.replace(/[\\\t\n\r\0]/g, (found) => ESCAPES[found] ?? found)
      : String(held);
  });
  return `${fields.join("\t")}\n`;
}

/** The rows of an answer in the format TabSeparatedWithNamesAndTypes. */
export function fromLines(text: string): Record<string, Value>[] {
  const lines = text.split("\n");
  const names = (lines[0] ?? "").split("\t").map(unescaped);
  const readers = (lines[1] ?? "").split("\t").map(readerOf);
  return lines.slice(2, text.endsWith("\n") ? -1 : undefined).map((line) => {
    const fields = line.split("\t");
    return Object.fromEntries(
      names.map((name, index) => {
        const field = fields[index] ?? "\\N";
        return [name, field === "\\N" ? null : (readers[index] ?? unescaped)(field)];
      }),
    );
  });
}

function unescaped(field: string): string {
  return field.includes("\\")
    ? field.replace(/\\(.)/gs, (_, letter: string) => UNESCAPES[letter] ?? letter)
    : field;
}

function readerOf(type: string): (field: string) => Value {
  const [, inner = type] = /^(?:LowCardinality\()?Nullable\((.*?)\)+$/.exec(type) ?? [];
  if (/^(U?Int(16|32|64|128|256)|Int8|Float\d+)$/.test(inner)) return number;
  // What a comparison gives, and what booleans are kept as. Bool is what newer servers call it.
  if (inner === "UInt8" || inner === "Bool") return (field) => field === "1" || field === "true";
  if (inner.startsWith("Decimal")) return (field) => formatUsd(scaled(field, 12));
  return unescaped;
}

function number(field: string): Value {
  const value = Number(field);
  return Number.isNaN(value) ? null : value;
}
