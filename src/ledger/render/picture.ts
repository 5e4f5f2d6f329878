/** The four standard charts: what each model cost, how fast it was against a line, how often it worked, how much it was used. */
import type { Value } from "../../store/ledger-store.ts";
import type { ReportResult, ReportTable } from "../reports/report.ts";
import { formatMoney, formatMs, formatRange, printable } from "./format.ts";
import { type Bar, barChart, barHeight, LIGHT, ringChart, type Theme, text } from "./svg.ts";

export interface ChartOptions {
  /** What calls are to be faster than, in milliseconds. */
  readonly slaMs: number;
}

export interface Chart {
  readonly title: string;
  readonly width: number;
  readonly height: number;
  /** What is within the `svg` element. */
  readonly body: string;
}

const MODELS = 7;
const WIDTH = 540;

/** A result's rows by model, with its columns by name. */
interface ModelRow {
  readonly model: string;
  number(name: string): number | null;
}

/** Undefined when the result has no table by model with these figures. */
export function standardCharts(
  result: ReportResult,
  { slaMs }: ChartOptions,
  theme: Theme,
): Chart[] | undefined {
  const table =
    result.report === "summary" ? result.tables.find(({ name }) => name === "by_model") : undefined;
  if (table === undefined) return undefined;
  const rows = modelRows(table);
  const chart = (title: string, body: string, height: number): Chart => ({
    title,
    body,
    height,
    width: WIDTH,
  });
  const some = rows.slice(0, MODELS);
  const height = Math.max(210, barHeight(some.length));
  return [
    chart("Cost share", ringChart(slices(rows), WIDTH, theme), height),
    chart(
      `Latency: p95, p50 within it, p99 as tick; ${formatMs(slaMs)} line`,
      barChart({
        theme,
        width: WIDTH,
        line: { value: slaMs, text: formatMs(slaMs) },
        bars: some.flatMap((row): Bar[] => {
          const [p50, p95, p99] = [row.number("p50_ms"), row.number("p95_ms"), row.number("p99_ms")];
          if (p50 === null || p95 === null || p99 === null) return [];
          return [
            { label: row.model, value: p95, inner: p50, tick: p99, text: formatMs(p95), bad: p95 > slaMs },
          ];
        }),
      }),
      height,
    ),
    chart(
      "Success rate",
      barChart({
        theme,
        width: WIDTH,
        max: 1,
        bars: some.flatMap((row): Bar[] => {
          const rate = row.number("success_rate");
          if (rate === null) return [];
          const shown = `${(rate * 100).toFixed(rate > 0.99 && rate < 1 ? 2 : 1)} %`;
          return [{ label: row.model, value: rate, text: shown, bad: rate < 0.95 }];
        }),
      }),
      height,
    ),
    chart(
      "Calls per model",
      barChart({
        theme,
        width: WIDTH,
        bars: some.map((row) => {
          const calls = row.number("calls") ?? 0;
          return { label: row.model, value: calls, text: calls.toLocaleString("en") };
        }),
      }),
      height,
    ),
  ];
}

/** All four on one sheet, as a whole SVG document. @throws Error when the result is not a summary by model. */
export function pictureOf(result: ReportResult, options: ChartOptions): string {
  const charts = standardCharts(result, options, LIGHT);
  if (charts === undefined) throw new Error("the picture needs the summary by model; leave --by out");
  const [gap, head] = [40, 84];
  const cell = { width: WIDTH + gap, height: Math.max(...charts.map(({ height }) => height)) + 56 };
  const width = gap + 2 * cell.width;
  const height = head + 2 * cell.height + 10;
  const placed = charts.map(({ title, body }, index) => {
    const x = gap + (index % 2) * cell.width;
    const y = head + Math.floor(index / 2) * cell.height;
    const heading = text(0, 0, title, { fill: LIGHT.ink, size: 16, weight: 600 });
    return `<g transform="translate(${x} ${y})">${heading}<g transform="translate(0 12)">${body}</g></g>`;
  });
  const title = text(gap, 42, `LLM calls, ${formatRange(result)}`, {
    fill: LIGHT.ink,
    size: 22,
    weight: 600,
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><rect width="${width}" height="${height}" fill="#ffffff"/>${title}${placed.join("")}</svg>`;
}

function modelRows(table: ReportTable): ModelRow[] {
  const at = new Map(table.columns.map(({ name }, index) => [name, index]));
  return table.rows.map((row) => ({
    model: printable(String(row[0] ?? "")) || "(none)",
    number: (name) => numberOf(row[at.get(name) ?? -1] ?? null),
  }));
}

function numberOf(value: Value): number | null {
  return value === null ? null : Number(value);
}

/** The costliest models, and the rest together. */
function slices(rows: readonly ModelRow[]) {
  const costs = rows
    .map((row) => ({ label: row.model, value: row.number("cost_usd") ?? 0 }))
    .filter(({ value }) => value > 0)
    .sort((a, b) => b.value - a.value);
  const rest = costs.slice(MODELS).reduce((sum, { value }) => sum + value, 0);
  const shown = [...costs.slice(0, MODELS), ...(rest > 0 ? [{ label: "all others", value: rest }] : [])];
  const total = shown.reduce((sum, { value }) => sum + value, 0);
  return shown.map((slice) => ({
    ...slice,
    text: `${formatMoney(String(slice.value), "$")}  ${((slice.value / total) * 100).toFixed(1)} %`,
  }));
}
