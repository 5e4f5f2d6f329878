/** Charts as SVG text: pure functions of numbers, without scripts or style sheets, for pages and pictures alike. */
import { displayWidth } from "./text.ts";

/** Colours as SVG knows them; a page gives CSS variables, so that its charts follow light and dark. */
export interface Theme {
  readonly ink: string;
  readonly muted: string;
  readonly grid: string;
  readonly bad: string;
  readonly series: readonly string[];
}

export const LIGHT: Theme = {
  ink: "#1a2230",
  muted: "#5b6675",
  grid: "#dfe4ea",
  bad: "#c8372d",
  series: ["#2463c4", "#1f8a70", "#b7791f", "#7b4bb3", "#c2466f", "#3a7ca5", "#6b8e23", "#8a6d3b"],
};

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** What is written beside the bar. */
  readonly text: string;
  /** A shorter bar within it. */
  readonly inner?: number;
  /** A tick on its line. */
  readonly tick?: number;
  readonly bad?: boolean;
}

export interface BarChart {
  readonly bars: readonly Bar[];
  readonly width: number;
  readonly theme: Theme;
  /** The value at the right end; the largest by default. */
  readonly max?: number;
  readonly line?: { readonly value: number; readonly text: string };
}

const FONT = 'font-family="Inter, system-ui, sans-serif"';
const ROW = 28;
const LABEL = 150;
const VALUE = 110;
const TOP = 18;

export function barHeight(bars: number): number {
  return TOP + Math.max(1, bars) * ROW + 6;
}

/** Horizontal bars with labels at the left and values at the right. */
export function barChart({ bars, width, theme, max, line }: BarChart): string {
  if (bars.length === 0) return text(0, TOP + 18, "no data", { fill: theme.muted });
  const room = width - LABEL - VALUE;
  const largest =
    max ?? Math.max(line?.value ?? 0, ...bars.map(({ value, tick = 0 }) => Math.max(value, tick)));
  const scale = (value: number) => (largest > 0 ? round((Math.min(value, largest) / largest) * room) : 0);
  const rows = bars.map(({ label, value, text: shown, inner, tick, bad }, index) => {
    const y = TOP + index * ROW;
    const fill = bad === true ? theme.bad : (theme.series[0] ?? theme.ink);
    return [
      text(LABEL - 10, y + 17, shortened(label, 20), { fill: theme.ink, anchor: "end" }),
      rect(LABEL, y + 5, Math.max(1, scale(value)), 16, fill, inner === undefined ? 1 : 0.45),
      ...(inner === undefined ? [] : [rect(LABEL, y + 5, scale(inner), 16, fill, 1)]),
      ...(tick === undefined ? [] : [rect(LABEL + scale(tick) - 1, y + 3, 2, 20, theme.ink, 1)]),
      text(LABEL + room + 10, y + 17, shown, { fill: theme.ink }),
    ].join("");
  });
  const mark = line === undefined ? [] : [lineMark(LABEL + scale(line.value), bars.length, line.text, theme)];
  return [...rows, ...mark].join("");
}

function lineMark(x: number, rows: number, label: string, theme: Theme): string {
  const end = TOP + rows * ROW + 2;
  return (
    `<line x1="${round(x)}" y1="${TOP - 2}" x2="${round(x)}" y2="${end}" stroke="${theme.bad}" stroke-width="1.5" stroke-dasharray="5 4"/>` +
    text(x, TOP - 6, label, { fill: theme.bad, anchor: "middle", size: 12 })
  );
}

export interface Slice {
  readonly label: string;
  readonly value: number;
  readonly text: string;
}

/** A ring of shares with its legend at the right. */
export function ringChart(slices: readonly Slice[], width: number, theme: Theme): string {
  const total = slices.reduce((sum, { value }) => sum + value, 0);
  if (!(total > 0)) return text(0, TOP + 18, "no data", { fill: theme.muted });
  const [cx, cy, radius] = [95, 110, 66];
  const around = 2 * Math.PI * radius;
  let before = 0;
  const parts = slices.map(({ label, value, text: shown }, index) => {
    const colour = theme.series[index % theme.series.length] ?? theme.ink;
    const length = (value / total) * around;
    // A gap tells neighbours apart where colours do not.
    const drawn = Math.max(0.5, slices.length > 1 ? length - 1.5 : length);
    const ring = `<circle cx="${cx}" cy="${cy}" r="${radius}" fill="none" stroke="${colour}" stroke-width="34" stroke-dasharray="${round(drawn)} ${round(around - drawn)}" stroke-dashoffset="${round(-before)}" transform="rotate(-90 ${cx} ${cy})"/>`;
    before += length;
    const y = 24 + index * 24;
    return (
      ring +
      rect(200, y - 11, 12, 12, colour, 1) +
      text(220, y, shortened(label, 24), { fill: theme.ink }) +
      text(width, y, shown, { fill: theme.ink, anchor: "end" })
    );
  });
  return parts.join("");
}

export interface LineChart {
  readonly values: readonly (number | null)[];
  readonly width: number;
  readonly height: number;
  readonly theme: Theme;
  readonly largest: string;
  readonly first: string;
  readonly last: string;
  readonly colour: string;
}

/** A course over time, from nothing to its largest value; where there is no value, the line is broken. */
export function lineChart({ values, width, height, theme, largest, first, last, colour }: LineChart): string {
  const [top, bottom] = [20, height - 22];
  const max = Math.max(0, ...values.map((value) => value ?? 0));
  const x = (index: number) => round(values.length < 2 ? width / 2 : (index / (values.length - 1)) * width);
  const y = (value: number) => round(bottom - (max > 0 ? value / max : 0) * (bottom - top));
  let path = "";
  const dots: string[] = [];
  values.forEach((value, index) => {
    if (value === null) return;
    const joined = index > 0 && values[index - 1] !== null;
    path += `${joined ? "L" : "M"}${x(index)} ${y(value)}`;
    const alone = !joined && (values[index + 1] ?? null) === null;
    if (alone) dots.push(`<circle cx="${x(index)}" cy="${y(value)}" r="2.5" fill="${colour}"/>`);
  });
  return [
    `<line x1="0" y1="${bottom}" x2="${width}" y2="${bottom}" stroke="${theme.grid}"/>`,
    `<line x1="0" y1="${top}" x2="${width}" y2="${top}" stroke="${theme.grid}" stroke-dasharray="2 4"/>`,
    `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round"/>`,
    ...dots,
    text(0, top - 6, largest, { fill: theme.muted, size: 12 }),
    text(0, height - 5, first, { fill: theme.muted, size: 12 }),
    text(width, height - 5, last, { fill: theme.muted, size: 12, anchor: "end" }),
  ].join("");
}

export interface TextStyle {
  readonly fill: string;
  readonly anchor?: "start" | "middle" | "end";
  readonly size?: number;
  readonly weight?: number;
}

export function text(x: number, y: number, content: string, style: TextStyle): string {
  const { fill, anchor = "start", size = 14, weight = 400 } = style;
  return `<text x="${round(x)}" y="${round(y)}" ${FONT} font-size="${size}" font-weight="${weight}" fill="${fill}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

export function rect(
  x: number,
  y: number,
  width: number,
  height: number,
  fill: string,
  opacity: number,
): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${height}" rx="2" fill="${fill}"${opacity === 1 ? "" : ` fill-opacity="${opacity}"`}/>`;
}

/** For text and attributes of HTML and SVG; what XML does not allow at all is replaced. */
export function escaped(value: string): string {
  return value
    .replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, "�")
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function shortened(label: string, room: number): string {
  if (displayWidth(label) <= room) return label;
  let kept = "";
  for (const character of label) {
    if (displayWidth(kept + character) > room - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
