/** The courses that pages have in common: how many calls there were, and how long they took. */
import type { ReportTable } from "../../src/http/api.ts";
import { useSpeech } from "../messages/index.tsx";
import { Panel } from "./panel.tsx";
import { Per } from "./per.tsx";
import { ReportChart } from "./report-chart.tsx";

interface CallsChartProps {
  readonly calls: ReportTable | undefined;
  readonly errors: ReportTable | undefined;
}

export function CallsChart({ calls, errors }: CallsChartProps) {
  const { t, show } = useSpeech();
  return (
    <Panel title={t("chart.calls")} note={<Per unit={calls?.series} />}>
      <ReportChart
        label={t("chart.calls")}
        format={show.short}
        lines={[
          { name: t("column.calls"), of: calls, column: "calls", colour: "--c1", shape: "bars" },
          { name: t("chart.failed"), of: errors, column: "failed", colour: "--bad", shape: "bars" },
        ]}
      />
    </Panel>
  );
}

interface LatencyChartProps {
  readonly latency: ReportTable | undefined;
  readonly firstToken?: boolean;
}

export function LatencyChart({ latency, firstToken = false }: LatencyChartProps) {
  const { t, show } = useSpeech();
  const first = {
    name: t("chart.firstToken"),
    of: latency,
    column: "first_token_p50_ms",
    colour: "--c4",
    dashed: true,
  };
  return (
    <Panel title={t("chart.latency")}>
      <ReportChart
        label={t("chart.latency")}
        format={show.duration}
        lines={[
          { name: "p50", of: latency, column: "p50_ms", colour: "--c2" },
          { name: "p95", of: latency, column: "p95_ms", colour: "--c3" },
          { name: "p99", of: latency, column: "p99_ms", colour: "--c5" },
          ...(firstToken ? [first] : []),
        ]}
      />
    </Panel>
  );
}
