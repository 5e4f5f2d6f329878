/** The ledger's rows as JSON lines and back: as exports write them, and as a running Bellwether takes them. */
import { formatUsd } from "../../core/money.ts";
import { COLUMNS, type LedgerRow } from "../../store/ledger-row.ts";
import type { Value } from "../../store/ledger-store.ts";
import { textFormats, type Values } from "./export-rows.ts";
import { recognise } from "./import-formats.ts";

/** One line, with its end. */
export function lineOf(row: LedgerRow): string {
  const values: Record<string, Value> = {};
  for (const { name, type, value } of COLUMNS) {
    const held = value(row);
    if (held === undefined) continue;
    values[name] = type === "money" || typeof held === "bigint" ? formatUsd(BigInt(held)) : held;
  }
  return textFormats.jsonl.line(values);
}

/** What exports write in a line, as a database tells it: times are milliseconds. */
export function valuesOfLine(line: string): Values {
  const values = JSON.parse(line) as Record<string, Value>;
  for (const { name, type } of COLUMNS) {
    const value = values[name];
    if (type === "time" && typeof value === "string") values[name] = Date.parse(value);
  }
  return values;
}

/** Names the line that is no call. */
export class UnreadableLineError extends Error {
  override readonly name = "UnreadableLineError";
}

/** @throws UnreadableLineError */
export function rowsOfLines(text: string): LedgerRow[] {
  const rows: LedgerRow[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    try {
      const fields = JSON.parse(line) as Record<string, unknown>;
      const row = recognise(Object.keys(fields)).row(fields);
      if (row !== undefined) rows.push(row);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new UnreadableLineError(`Line ${index + 1} cannot be read: ${why}`);
    }
  }
  return rows;
}
