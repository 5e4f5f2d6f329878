/** Values over time, drawn by uPlot, with a legend that tells the values under the pointer. Dragging zooms in. */
import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useSpeech } from "../messages/index.tsx";
import { NOTHING } from "../show/values.ts";
import { theme } from "../state/preferences.ts";
import { useStore } from "../state/store.ts";

export interface ChartLine {
  readonly name: string;
  /** One for each time; null where there is none. */
  readonly values: readonly (number | null)[];
  /** Name of a CSS custom property that is a colour, as `--c1`. */
  readonly colour: string;
  readonly shape?: "line" | "area" | "bars";
  readonly dashed?: boolean;
}

interface ChartProps {
  /** What is seen, for those who do not see it. */
  readonly label: string;
  /** Milliseconds since the epoch, rising. */
  readonly times: readonly number[];
  /** The distance of two times: minute, hour, day, week or month. */
  readonly unit: string;
  readonly lines: readonly ChartLine[];
  /** A value as text. */
  readonly format: (value: number) => string;
  /** Each line stands on those before it. */
  readonly stacked?: boolean;
  /** The highest value the axis has at least. */
  readonly least?: number;
  readonly height?: number;
  /** A stretch was chosen, in milliseconds since the epoch. */
  readonly onZoom?: (from: number, to: number) => void;
}

export function Chart(props: ChartProps) {
  const { label, times, unit, lines, format, stacked = false, height = 190 } = props;
  const { show, t } = useSpeech();
  const place = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const [pointed, setPointed] = useState<number | null>(null);
  const chosenTheme = useStore(theme);
  const systemDark = useSystemDark();
  const id = useId();
  const data = useMemo(() => chartData(times, lines, stacked), [times, lines, stacked]);
  const shape = lines
    .map(({ name, colour, shape: kind, dashed }) => `${name}${colour}${kind}${dashed}`)
    .join();
  const plot = useRef<uPlot | undefined>(undefined);

  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const drawn = new uPlot(optionsFor(element, latest, height, show.moment, setPointed), data, element);
    plot.current = drawn;
    const resized = new ResizeObserver(() => drawn.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      drawn.destroy();
      plot.current = undefined;
    };
  }, [shape, stacked, height, chosenTheme, systemDark, unit, show]);

  useEffect(() => plot.current?.setData(data), [data]);

  const at = pointed === null ? undefined : times[pointed];
  return (
    <figure class="chart" aria-labelledby={id}>
      <figcaption class="legend">
        <span id={id} class="unseen">
          {label}
        </span>
        {lines.map((line) => (
          <span key={line.name} class="legend-item">
            <i style={{ background: `var(${line.colour})` }} class={line.dashed === true ? "dashed" : ""} />
            {line.name} <b>{shownAt(line, pointed ?? lastIndex(line), format)}</b>
          </span>
        ))}
        <span class="legend-time">{at === undefined ? "" : show.moment(at, unit)}</span>
      </figcaption>
      <div
        ref={place}
        class="plot"
        style={{ height: `${height}px` }}
        title={props.onZoom && t("chart.hint")}
      />
    </figure>
  );
}

/** The last index with a value. */
function lastIndex({ values }: ChartLine): number {
  return values.findLastIndex((value) => value !== null);
}

function shownAt({ values }: ChartLine, index: number, format: (value: number) => string): string {
  const value = values[index];
  return value === null || value === undefined ? NOTHING : format(value);
}

function chartData(
  times: readonly number[],
  lines: readonly ChartLine[],
  stacked: boolean,
): uPlot.AlignedData {
  const seconds = times.map((time) => time / 1000);
  if (!stacked) return [seconds, ...lines.map(({ values }) => [...values])];
  const sums = times.map(() => 0);
  const rows = lines.map(({ values }) =>
    values.map((value, index) => {
      sums[index] = (sums[index] ?? 0) + (value ?? 0);
      return sums[index] ?? 0;
    }),
  );
  // The highest first, so that each is drawn over the one it stands on.
  return [seconds, ...rows.reverse()];
}

function optionsFor(
  element: HTMLElement,
  latest: { readonly current: ChartProps },
  height: number,
  moment: (at: number, unit: string) => string,
  point: (index: number | null) => void,
): uPlot.Options {
  const { lines, stacked = false, unit } = latest.current;
  const colourOf = colours(element);
  const [ink, grid] = [colourOf("--muted"), colourOf("--grid")];
  const bars = uPlot.paths.bars?.({ size: [0.78, 28], align: 1 });
  const ordered = stacked ? [...lines].reverse() : lines;
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const barred = lines.some((line) => line.shape === "bars");
  const [first = 0, second = first] = latest.current.times;
  const step = (second - first) / 1000;
  return {
    width: element.clientWidth,
    height,
    padding: [8, 22, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { size: 6, width: 2 },
      drag: { x: true, y: false, setScale: false },
    },
    scales: {
      // A bar stands for the time after its point.
      x: { time: true, range: (_plot, low, high) => [low, high + (barred ? step : 0)] },
      y: {
        range: (_plot, _low, high) => [0, Math.max(high > 0 ? high * 1.08 : 1, latest.current.least ?? 0)],
      },
    },
    axes: [
      {
        stroke: ink,
        font,
        size: 26,
        gap: 4,
        grid: { stroke: grid, width: 1 },
        ticks: { show: false },
        space: 70,
        values: (_plot, splits) => splits.map((at) => axisTime(at * 1000, unit, moment)),
      },
      {
        stroke: ink,
        font,
        size: (plot, values) =>
          Math.max(
            36,
            ...(values ?? []).map((text) => plot.ctx.measureText(text).width / devicePixelRatio + 16),
          ),
        gap: 6,
        grid: { stroke: grid, width: 1 },
        ticks: { show: false },
        space: 34,
        values: (_plot, splits) => splits.map((value) => latest.current.format(value)),
      },
    ],
    series: [
      {},
      ...ordered.map(({ name, colour, shape = "line", dashed = false }): uPlot.Series => {
        const stroke = colourOf(colour);
        const base = {
          label: name,
          stroke,
          points: { show: true, size: 4, fill: stroke, filter: alone },
          spanGaps: false,
        };
        if (shape === "bars") {
          return { ...base, width: 0, points: { show: false }, fill: stroke, ...(bars && { paths: bars }) };
        }
        return {
          ...base,
          width: 1.6,
          ...(dashed && { dash: [5, 4] }),
          ...(shape === "area" && { fill: faded(stroke) }),
        };
      }),
    ],
    hooks: {
      setCursor: [({ cursor }) => point(cursor.idx ?? null)],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < 8) return;
          const [from, to] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          latest.current.onZoom?.(from * 1000, to * 1000);
        },
      ],
    },
  };
}

/** The points that no line reaches, because there is nothing before and after them. */
function alone({ data }: uPlot, series: number): number[] {
  const values = data[series] ?? [];
  const there = (index: number) => values[index] !== null && values[index] !== undefined;
  const found: number[] = [];
  for (let index = 0; index < values.length; index++) {
    if (there(index) && !there(index - 1) && !there(index + 1)) found.push(index);
  }
  return found;
}

/** On the axis a whole day is its date; what lies within a day, its time. */
function axisTime(at: number, unit: string, moment: (at: number, unit: string) => string): string {
  if (unit === "month") return moment(at, "month");
  if (unit !== "minute" && unit !== "hour") return moment(at, "date");
  const local = new Date(at);
  return local.getHours() === 0 && local.getMinutes() === 0 ? moment(at, "date") : moment(at, "minute");
}

/** Custom properties as colours that a canvas understands. */
function colours(element: HTMLElement): (name: string) => string {
  return (name) => {
    const probe = document.createElement("i");
    probe.style.color = `var(${name})`;
    element.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
}

function faded(colour: string): string {
  return colour.replace(/^rgba?\(([^)]+?)\)$/, (_whole, parts: string) => {
    const [red, green, blue] = parts.split(/[,\s/]+/);
    return `rgba(${red}, ${green}, ${blue}, 0.18)`;
  });
}

function useSystemDark(): boolean {
  const [dark, setDark] = useState(() => matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const update = () => setDark(query.matches);
    query.addEventListener("change", update);
    return () => query.removeEventListener("change", update);
  }, []);
  return dark;
}
