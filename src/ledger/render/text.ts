/** A report as text: tables that fit a width, and on a terminal bars, sparklines and colours. */
import type { Value } from "../../store/ledger-store.ts";
import type { ReportColumn, ReportResult, ReportTable } from "../reports/report.ts";
import { formatRange, formatValue, isNumeric } from "./format.ts";

export type Paint = (format: "bold" | "dim" | "yellow" | "cyan", text: string) => string;

export interface TextOptions {
  /** Columns of the terminal; undefined: as wide as it gets, without bars and sparklines. */
  readonly width: number | undefined;
  readonly paint: Paint;
}

const GAP = 2;
const SMALLEST_TEXT = 12;
const BAR_WIDTH = 12;
/** A single row of more columns than this is shown downwards. */
const MOST_COLUMNS = 16;
const BLOCKS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const SPARKS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

export function renderText(result: ReportResult, options: TextOptions): string {
  const { paint, width } = options;
  const title = result.report === "plan" ? "plan" : `${result.report}, ${formatRange(result)}`;
  const parts = result.tables
    .map((table) =>
      table.series === undefined ? tableText(table, result, options) : sparks(table, result, options),
    )
    .filter((text) => text !== "");
  const notes = result.notes
    .flatMap((note) => wrap(`note: ${note}`, width))
    .map((line) => paint("dim", line));
  return `${[paint("bold", title), ...parts, ...(notes.length === 0 ? [] : [notes.join("\n")])].join("\n\n")}\n`;
}

interface Shown {
  readonly column: ReportColumn;
  /** Cells of the rows, and of the totals at the end. */
  cells: string[];
  width: number;
}

function tableText(table: ReportTable, { timeZone }: ReportResult, options: TextOptions): string {
  const { paint, width } = options;
  if (table.rows.length === 0) return "";
  if (table.rows.length === 1 && table.columns.length > MOST_COLUMNS) return record(table, timeZone, paint);
  const totals = table.totals !== undefined && table.rows.length > 1 ? [table.totals] : [];
  const lines = [...table.rows, ...totals];
  const columns = table.columns.flatMap((column, index): Shown[] => {
    const values = lines.map((row) => row[index] ?? null);
    // A column of nothing tells nothing.
    if (values.every((value) => value === null || value === 0) && index > 0 && values.length > 0) return [];
    const cells = values.map((value, at) =>
      totals.length > 0 && at === lines.length - 1 && value === null
        ? index === 0
          ? "total"
          : ""
        : formatValue(value, column, timeZone),
    );
    return [{ column, cells, width: Math.max(displayWidth(column.title), ...cells.map(displayWidth)) }];
  });
  const hidden = width === undefined ? [] : narrow(columns, width);
  const bars = width === undefined ? [] : barsOf(table, columns, width);
  const rows = lines.map((_, at) => {
    const text = columns.map(({ column, cells, width: size }) =>
      pad(cells[at] ?? "", size, isNumeric(column.unit)),
    );
    const bar = bars[at] === undefined || bars[at] === "" ? [] : [paint("cyan", bars[at] ?? "")];
    const line = [...text, ...bar].join(" ".repeat(GAP)).trimEnd();
    return totals.length > 0 && at === lines.length - 1 ? paint("bold", line) : line;
  });
  const header = columns
    .map(({ column, width: size }) => pad(column.title, size, isNumeric(column.unit)))
    .join(" ".repeat(GAP))
    .trimEnd();
  const more = [
    ...(table.omitted === undefined
      ? []
      : [`${table.omitted.toLocaleString("en")} more rows; --limit shows them`]),
    ...(hidden.length === 0 ? [] : [`not shown for lack of width: ${hidden.join(", ")}`]),
  ];
  return [
    paint("bold", table.title),
    paint("dim", header),
    ...rows,
    ...more.flatMap((line) => wrap(line, width)).map((line) => paint("dim", line)),
  ].join("\n");
}

/** One row of many columns reads better downwards. */
function record({ columns, rows }: ReportTable, timeZone: string, paint: Paint): string {
  const size = Math.max(...columns.map(({ title }) => displayWidth(title)));
  return columns
    .flatMap((column, index) => {
      const value = rows[0]?.[index] ?? null;
      if (value === null || value === "") return [];
      return [`${paint("dim", pad(column.title, size, false))}  ${formatValue(value, column, timeZone)}`];
    })
    .join("\n");
}

/** Cuts long names, then leaves columns out from the right, until all fits. Returns the titles left out. */
function narrow(columns: Shown[], width: number): string[] {
  const total = () => columns.reduce((sum, column) => sum + column.width + GAP, -GAP);
  for (;;) {
    const over = total() - width;
    if (over <= 0) break;
    const longest = columns
      .filter(
        ({ column, width: size }) => column.unit === "text" && column.name !== "id" && size > SMALLEST_TEXT,
      )
      .sort((a, b) => b.width - a.width)[0];
    if (longest === undefined) break;
    longest.width = Math.max(SMALLEST_TEXT, longest.width - over);
    longest.cells = longest.cells.map((cell) => cut(cell, longest.width));
  }
  const hidden: string[] = [];
  while (total() > width && columns.length > 2) hidden.unshift(columns.pop()?.column.title ?? "");
  return hidden;
}

/** Bars of the money, else of the calls, where there is room for them. */
function barsOf(table: ReportTable, columns: readonly Shown[], width: number): string[] {
  const used = columns.reduce((sum, column) => sum + column.width + GAP, 0);
  const measure = ["cost_usd", "month", "failed", "calls"].find((name) =>
    columns.some(({ column }) => column.name === name && isNumeric(column.unit)),
  );
  const index = table.columns.findIndex(({ name }) => name === measure);
  if (used + BAR_WIDTH > width || index < 0 || table.rows.length < 2) return [];
  const values = table.rows.map((row) => numeric(row[index] ?? null));
  const largest = Math.max(...values);
  return values.map((value) => (largest > 0 ? bar(value / largest) : ""));
}

function bar(share: number): string {
  const eighths = Math.max(0, Math.round(share * BAR_WIDTH * 8));
  return "█".repeat(Math.floor(eighths / 8)) + (BLOCKS[eighths % 8] ?? "");
}

/** One line a measure: its course and its largest value. */
function sparks(table: ReportTable, { timeZone }: ReportResult, { paint, width }: TextOptions): string {
  if (width === undefined || table.rows.length < 2) return "";
  const measures = table.columns.slice(1);
  const room = Math.max(8, width - 36);
  const lines = measures.flatMap((column, at) => {
    const values = table.rows.map((row) => row[at + 1] ?? null);
    if (values.every((value) => numeric(value) === 0)) return [];
    const largest = values.reduce(
      (most, value) => (numeric(value) > numeric(most) ? value : most),
      values[0] ?? null,
    );
    const label = pad(column.title, 14, false);
    return [
      `${label}  ${paint("cyan", sparkline(values, room))}  max ${formatValue(largest, column, timeZone)}`,
    ];
  });
  return lines.length === 0 ? "" : [paint("bold", table.title), ...lines].join("\n");
}

/** Values as blocks, from nothing to the largest; where there are more than fit, neighbours become their largest. */
export function sparkline(values: readonly Value[], room: number): string {
  const points: number[] = [];
  const step = Math.max(1, values.length / room);
  for (let at = 0; at < values.length; at += step) {
    const part = values.slice(Math.floor(at), Math.max(Math.floor(at) + 1, Math.floor(at + step)));
    points.push(Math.max(...part.map(numeric)));
  }
  const largest = Math.max(...points);
  if (!(largest > 0)) return "▁".repeat(points.length);
  return points.map((point) => SPARKS[Math.min(7, Math.floor((point / largest) * 7.999))]).join("");
}

function numeric(value: Value): number {
  const number = Number(value ?? 0);
  return Number.isFinite(number) && number > 0 ? number : 0;
}

function pad(text: string, width: number, right: boolean): string {
  const space = " ".repeat(Math.max(0, width - displayWidth(text)));
  return right ? space + text : text + space;
}

function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = "";
  for (const character of text) {
    if (displayWidth(kept + character) > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

function wrap(text: string, width: number | undefined): string[] {
  if (width === undefined) return [text];
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || displayWidth(last) + 1 + displayWidth(word) > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** Columns of a terminal: Chinese, Japanese and Korean characters take two, marks above others none. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += /\p{M}/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
