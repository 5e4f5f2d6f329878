/** What pages about models, apps and upstreams have in common: sums, courses over time, and one row for each. */
import type { ComponentChildren } from "preact";
import { useSpeech } from "../messages/index.tsx";
import { firstTable, seriesOf, totalOf } from "../show/tables.ts";
import { useReport } from "../state/use-api.ts";
import { useView } from "../state/view.ts";
import { CostByGroup } from "./cost-by-group.tsx";
import { CallsChart, LatencyChart } from "./course-charts.tsx";
import { GroupLink } from "./group-link.tsx";
import { BY, type Grouping } from "./grouping.ts";
import { Failure, Loading, NoCalls } from "./notice.tsx";
import { Panel } from "./panel.tsx";
import { ReportTableView } from "./report-table.tsx";
import { Tile, Tiles } from "./tile.tsx";

const COLUMNS = [
  "calls",
  "success_rate",
  "p50_ms",
  "p95_ms",
  "p99_ms",
  "first_token_p50_ms",
  "input_tokens",
  "output_tokens",
  "cost_usd",
  "cost_per_1k_tokens_usd",
];

interface BreakdownProps {
  readonly by: Grouping;
  /** Between the courses and the table. */
  readonly children?: ComponentChildren;
}

export function Breakdown({ by, children }: BreakdownProps) {
  const { t, show } = useSpeech();
  const { query } = useView();
  const summary = useReport("summary", { ...query, by, limit: "200" });
  const latency = seriesOf(useReport("latency", query).data);
  const errors = seriesOf(useReport("errors", query).data);
  const [table, course] = [firstTable(summary.data), seriesOf(summary.data)];
  if (summary.failure !== undefined) return <Failure failure={summary.failure} />;
  if (table === undefined) return <Loading />;
  if (table.rows.length === 0) {
    return (
      <>
        {children}
        <NoCalls />
      </>
    );
  }
  const total = (column: string, unit: Parameters<typeof show.value>[1]) =>
    show.value(totalOf(table, column), unit);
  return (
    <>
      <Tiles>
        <Tile name={t("column.calls")} figure="calls" value={total("calls", "count")} />
        <Tile name={t("column.success")} value={total("success_rate", "ratio")} />
        <Tile
          name={t("live.latency")}
          value={total("p50_ms", "milliseconds")}
          note={`p95 ${total("p95_ms", "milliseconds")} · p99 ${total("p99_ms", "milliseconds")}`}
        />
        <Tile name={t("live.firstToken")} value={total("first_token_p50_ms", "milliseconds")} />
        <Tile
          name={t("chart.tokens")}
          value={show.short(Number(totalOf(table, "input_tokens")) + Number(totalOf(table, "output_tokens")))}
          note={t("tokens.split", {
            input: total("input_tokens", "tokens"),
            output: total("output_tokens", "tokens"),
          })}
        />
        <Tile name={t("column.cost")} figure="cost" value={total("cost_usd", "usd")} />
      </Tiles>
      <div class="panels panels-three">
        <CallsChart calls={course} errors={errors} />
        <LatencyChart latency={latency} />
        <CostByGroup by={by} course={course} />
      </div>
      {children}
      <Panel title={t(BY[by])}>
        <ReportTableView
          label={t(BY[by])}
          table={table}
          columns={[by, ...COLUMNS]}
          bars={["calls", "cost_usd"]}
          draw={{ [by]: (value) => <GroupLink of={by} value={value} /> }}
        />
      </Panel>
    </>
  );
}
