/** What was spent over time, each group standing on the ones before it. */
import type { ReportTable } from "../../src/http/api.ts";
import { useSpeech } from "../messages/index.tsx";
import { firstTable, pivot } from "../show/tables.ts";
import { useReport } from "../state/use-api.ts";
import { useView } from "../state/view.ts";
import { Chart } from "./chart.tsx";
import type { Grouping, LabelGrouping } from "./grouping.ts";
import { Panel } from "./panel.tsx";
import { Per } from "./per.tsx";

interface CostByGroupProps {
  readonly by: Grouping | LabelGrouping;
  /** A series over the same range: it has the times. */
  readonly course: ReportTable | undefined;
  readonly wide?: boolean;
}

const MOST_GROUPS = 7;

export function CostByGroup({ by, course, wide = false }: CostByGroupProps) {
  const { t, show } = useSpeech();
  const { query, zoom } = useView();
  const unit = course?.series;
  const report = useReport("cost", { ...query, by: `${unit ?? "day"},${by}`, limit: "10000" });
  const found = pivot(firstTable(report.data), course, by, "cost_usd", MOST_GROUPS);
  return (
    <Panel title={t("chart.cost")} note={<Per unit={unit} />} wide={wide}>
      {found === undefined || found.groups.length === 0 ? (
        <div class="plot-empty">{report.waiting ? t("state.loading") : t("chart.empty")}</div>
      ) : (
        <Chart
          label={t("chart.cost")}
          times={found.times}
          unit={found.unit}
          stacked
          format={show.money}
          onZoom={zoom}
          lines={found.groups.map(({ name, values }, index) => ({
            name: name === "" ? "–" : (name ?? t("chart.rest")),
            values,
            colour: name === undefined ? "--c9" : `--c${index + 1}`,
            shape: "bars",
          }))}
        />
      )}
    </Panel>
  );
}
