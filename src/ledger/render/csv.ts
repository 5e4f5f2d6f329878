/** A table as CSV (RFC 4180): exact values, times in ISO 8601, the totals left to whoever reads it. */
import type { Value } from "../../store/ledger-store.ts";
import type { ReportColumn, ReportTable } from "../reports/report.ts";

export function renderCsv(table: ReportTable): string {
  const lines = table.rows.map((row) =>
    table.columns.map((column, index) => cell(row[index] ?? null, column)),
  );
  return [table.columns.map(({ name }) => quoted(name)), ...lines]
    .map((line) => `${line.join(",")}\n`)
    .join("");
}

function cell(value: Value, { unit }: ReportColumn): string {
  if (value === null) return "";
  if (unit === "time") return new Date(Number(value)).toISOString();
  // Spreadsheets run text that begins so as a formula, and names come from clients.
  if (unit === "text" && /^[=+\-@\t\r]/.test(String(value))) return quoted(`'${String(value)}`);
  return quoted(String(value));
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
