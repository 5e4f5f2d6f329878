/** Columns of a report's course over time, as a chart that zooms the view. */
import type { ReportTable } from "../../src/http/api.ts";
import { useSpeech } from "../messages/index.tsx";
import { numbersOf } from "../show/tables.ts";
import { useView } from "../state/view.ts";
import { Chart, type ChartLine } from "./chart.tsx";

export interface SeriesLine extends Omit<ChartLine, "values"> {
  /** In this report's series. */
  readonly of: ReportTable | undefined;
  readonly column: string;
}

interface ReportChartProps {
  readonly label: string;
  readonly lines: readonly SeriesLine[];
  readonly format: (value: number) => string;
  readonly stacked?: boolean;
  readonly least?: number;
}

export function ReportChart({ label, lines, format, stacked, least }: ReportChartProps) {
  const { t } = useSpeech();
  const { zoom } = useView();
  const first = lines[0]?.of;
  if (first?.series === undefined || lines.some(({ of }) => of?.rows.length !== first.rows.length)) {
    return <div class="plot-empty">{t("state.loading")}</div>;
  }
  const times = first.rows.map((row) => Number(row[0]));
  const drawn = lines.map(({ of = first, column, ...line }) => ({ ...line, values: numbersOf(of, column) }));
  return (
    <Chart
      label={label}
      times={times}
      unit={first.series}
      lines={drawn}
      format={format}
      onZoom={zoom}
      {...(stacked !== undefined && { stacked })}
      {...(least !== undefined && { least })}
    />
  );
}
