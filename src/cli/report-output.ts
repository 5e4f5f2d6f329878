/** Writes a report the way it was asked for: text, JSON or CSV to standard output, pages and pictures to files. */
import { writeFileSync } from "node:fs";
import { nearest } from "../config/problems.ts";
import { renderCsv } from "../ledger/render/csv.ts";
import { renderText } from "../ledger/render/text.ts";
import type { ReportResult, ReportTable } from "../ledger/reports/report.ts";
import { styler } from "./style.ts";

export interface OutputOptions {
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly table?: string;
}

/** @throws Error when the options contradict each other, or there is no such table. */
export function writeReport(result: ReportResult, options: OutputOptions, stream = process.stdout): void {
  stream.write(reportText(result, options, stream));
}

function reportText(result: ReportResult, options: OutputOptions, stream: NodeJS.WriteStream): string {
  if (options.json === true) return `${JSON.stringify(result, null, 2)}\n`;
  if (options.csv === true) return renderCsv(tableOf(result, options.table));
  const width = stream.isTTY === true ? Math.max(40, stream.columns ?? 80) : undefined;
  const shown =
    options.table === undefined ? result : { ...result, tables: [tableOf(result, options.table)] };
  return renderText(shown, { width, paint: styler(stream) });
}

function tableOf(result: ReportResult, name: string | undefined): ReportTable {
  const found = name === undefined ? result.tables[0] : result.tables.find((table) => table.name === name);
  if (found !== undefined) return found;
  const names = result.tables.map((table) => table.name);
  const meant = name === undefined ? undefined : nearest(name, names);
  throw new Error(
    `--table: the report ${result.report} has no table ${name ?? ""}${meant === undefined ? "" : `; did you mean ${meant}?`} It has ${names.join(", ")}.`,
  );
}

/** Writes a file that somebody named, and says so on the error output, so that `--json` stays JSON. */
export function writeNamed(path: string, content: string | Uint8Array): void {
  writeFileSync(path, content);
  process.stderr.write(`${path} written\n`);
}
