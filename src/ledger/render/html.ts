/**
 * A report as one page that needs nothing else: no script, no font, no picture from anywhere. Its charts are
 * inline SVG, it follows the reader's choice of light or dark, and its policy forbids all that it does not need.
 */
import { createHash } from "node:crypto";
import type { ReportResult, ReportTable } from "../reports/report.ts";
import { formatRange, formatValue, isNumeric } from "./format.ts";
import { type Chart, type ChartOptions, standardCharts } from "./picture.ts";
import { escaped, lineChart, type Theme } from "./svg.ts";

const THEME: Theme = {
  ink: "var(--ink)",
  muted: "var(--muted)",
  grid: "var(--grid)",
  bad: "var(--bad)",
  series: [1, 2, 3, 4, 5, 6, 7, 8].map((index) => `var(--c${index})`),
};

const STYLE = `
:root{color-scheme:light dark;--ink:#1a2230;--muted:#5b6675;--grid:#dfe4ea;--paper:#fff;--card:#f6f8fa;--bad:#c8372d;
--c1:#2463c4;--c2:#1f8a70;--c3:#b7791f;--c4:#7b4bb3;--c5:#c2466f;--c6:#3a7ca5;--c7:#6b8e23;--c8:#8a6d3b}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf0;--muted:#9aa6b5;--grid:#323b47;--paper:#14181e;--card:#1c222b;--bad:#ff7b72;
--c1:#6ea8fe;--c2:#4cc9a4;--c3:#e3b04b;--c4:#b794f4;--c5:#f48fb1;--c6:#7cc4e8;--c7:#a5c95a;--c8:#c9a97a}}
body{margin:0 auto;max-width:1180px;padding:24px 16px;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:24px;margin:0 0 4px}h2{font-size:17px;margin:32px 0 8px}.range{color:var(--muted);margin:0}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:16px;margin-top:16px}
figure{margin:0;padding:12px 16px;background:var(--card);border-radius:8px}figcaption{font-weight:600;margin-bottom:4px}
svg{display:block;width:100%;height:auto}.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{padding:4px 12px 4px 0;text-align:left;white-space:nowrap}
th{color:var(--muted);font-weight:500}td.n,th.n{text-align:right}tbody tr,tfoot tr{border-top:1px solid var(--grid)}
tfoot td{font-weight:600}.notes{color:var(--muted);padding-left:18px}`;

export function renderHtml(result: ReportResult, options: ChartOptions): string {
  const standard = standardCharts(result, options, THEME) ?? [];
  const series = result.tables.flatMap((table) =>
    table.series === undefined ? [] : seriesCharts(table, result),
  );
  const charts = [...standard, ...series].map(figure).join("\n");
  const tables = result.tables
    .filter((table) => table.series === undefined)
    .map((table) => htmlTable(table, result));
  const title = `Bellwether: ${result.report}, ${formatRange(result)}`;
  const hash = createHash("sha256").update(STYLE).digest("base64");
  const notes = result.notes.map((note) => `<li>${escaped(note)}</li>`).join("");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escaped(heading(result.report))}</h1>
<p class="range">${escaped(formatRange(result))}</p>
${charts === "" ? "" : `<div class="charts">\n${charts}\n</div>`}
${tables.join("\n")}
${notes === "" ? "" : `<h2>Notes</h2>\n<ul class="notes">${notes}</ul>`}
</main>
</body>
</html>
`;
}

function heading(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function figure({ title, width, height, body }: Chart): string {
  return `<figure><figcaption>${escaped(title)}</figcaption><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">${body}</svg></figure>`;
}

/** One chart a measure: measures of different units have no common scale. */
function seriesCharts(table: ReportTable, { timeZone }: ReportResult): Chart[] {
  const [time] = table.columns;
  const [first, last] = [table.rows[0]?.[0] ?? null, table.rows.at(-1)?.[0] ?? null];
  if (time === undefined || table.rows.length < 2) return [];
  return table.columns.slice(1).map((column, at) => {
    const values = table.rows.map((row) =>
      row[at + 1] === null || row[at + 1] === undefined ? null : Number(row[at + 1]),
    );
    const largest = Math.max(0, ...values.map((value) => value ?? 0));
    const [width, height] = [540, 170];
    const body = lineChart({
      values,
      width,
      height,
      theme: THEME,
      largest: formatValue(column.unit === "usd" ? String(largest) : largest, column, timeZone),
      first: formatValue(first, time, timeZone),
      last: formatValue(last, time, timeZone),
      colour: THEME.series[at % THEME.series.length] ?? THEME.ink,
    });
    return { title: `${column.title} by ${table.series}`, width, height, body };
  });
}

function htmlTable(table: ReportTable, { timeZone }: ReportResult): string {
  const classes = table.columns.map(({ unit }) => (isNumeric(unit) ? ' class="n"' : ""));
  const head = table.columns.map(
    ({ title }, index) => `<th scope="col"${classes[index]}>${escaped(title)}</th>`,
  );
  const cells = (row: ReportTable["rows"][number], total: boolean) =>
    table.columns
      .map((column, index) => {
        const value = row[index] ?? null;
        const shown =
          total && value === null ? (index === 0 ? "total" : "") : formatValue(value, column, timeZone);
        return `<td${classes[index]}>${escaped(shown)}</td>`;
      })
      .join("");
  const rows = table.rows.map((row) => `<tr>${cells(row, false)}</tr>`);
  const totals =
    table.totals === undefined || table.rows.length < 2
      ? ""
      : `<tfoot><tr>${cells(table.totals, true)}</tr></tfoot>`;
  const more =
    table.omitted === undefined ? "" : `<p class="range">${table.omitted} more rows; --limit shows them.</p>`;
  return `<section><h2>${escaped(table.title)}</h2><div class="scroll"><table><thead><tr>${head.join("")}</tr></thead><tbody>${rows.join("")}</tbody>${totals}</table></div>${more}</section>`;
}
