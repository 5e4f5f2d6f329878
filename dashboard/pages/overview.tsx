/** Overview: how it goes now, second by second, and over the chosen stretch. */
import type { Overview as Figures, ReportTable } from "../../src/http/api.ts";
import { useSpeech } from "../messages/index.tsx";
import { CallsChart, LatencyChart } from "../parts/course-charts.tsx";
import { GroupLink } from "../parts/group-link.tsx";
import { BY, type Grouping } from "../parts/grouping.ts";
import { Failure, Loading, NoCalls } from "../parts/notice.tsx";
import { Panel } from "../parts/panel.tsx";
import { ReportTableView } from "../parts/report-table.tsx";
import { Sparkline } from "../parts/sparkline.tsx";
import { Tile, Tiles } from "../parts/tile.tsx";
import { firstTable, seriesOf } from "../show/tables.ts";
import { NOTHING } from "../show/values.ts";
import { live } from "../state/live.ts";
import { useStore } from "../state/store.ts";
import { useReport } from "../state/use-api.ts";
import { useView } from "../state/view.ts";

const COLUMNS = ["calls", "success_rate", "p50_ms", "p95_ms", "cost_usd"];

export function Overview() {
  const { query } = useView();
  const summary = useReport("summary", query);
  const table = firstTable(summary.data);
  return (
    <>
      <Now />
      {summary.failure !== undefined && <Failure failure={summary.failure} />}
      {table === undefined && summary.failure === undefined && <Loading />}
      {table !== undefined && (table.rows.length === 0 ? <NoCalls /> : <Course />)}
    </>
  );
}

/** The figures of the last minute, as they move, and money. */
function Now() {
  const { t, show } = useSpeech();
  const { now, past } = useStore(live);
  const { link } = useView();
  const spend = now?.spend;
  const usd = (amount: string | undefined) => (amount === undefined ? NOTHING : show.money(amount));
  const of = (pick: (figures: Figures) => number | null) => past.map(pick);
  const milliseconds = (value: number | null | undefined) =>
    value === null || value === undefined ? NOTHING : show.duration(value);
  const errors = now?.errorRate;
  return (
    <section aria-label={t("live.title")}>
      <Tiles>
        <Tile
          name={t("live.calls")}
          figure="callsPerSecond"
          value={now ? show.rate(now.callsPerSecond) : NOTHING}
        >
          <Sparkline values={now?.calls ?? []} colour="var(--c1)" />
        </Tile>
        <Tile
          name={t("live.errors")}
          figure="errorRate"
          value={errors === null || errors === undefined ? NOTHING : show.ratio(errors)}
          tone={errors ? (errors >= 0.05 ? "bad" : errors >= 0.01 ? "warn" : undefined) : undefined}
        >
          <Sparkline values={of(({ errorRate }) => errorRate)} colour="var(--bad)" />
        </Tile>
        <Tile
          name={t("live.latency")}
          figure="p50"
          value={milliseconds(now?.p50)}
          note={
            <>
              <span>p95 {milliseconds(now?.p95)}</span> <span>p99 {milliseconds(now?.p99)}</span>
            </>
          }
        >
          <Sparkline values={of(({ p50 }) => p50)} colour="var(--c2)" />
        </Tile>
        <Tile
          name={t("live.firstToken")}
          figure="firstTokenP50"
          value={milliseconds(now?.firstTokenP50)}
          note={`p95 ${milliseconds(now?.firstTokenP95)}`}
        >
          <Sparkline values={of(({ firstTokenP50 }) => firstTokenP50)} colour="var(--c4)" />
        </Tile>
        <Tile
          name={t("live.tokens")}
          figure="tokensPerSecond"
          value={now ? show.rate(now.tokensPerSecond) : NOTHING}
        >
          <Sparkline values={of(({ tokensPerSecond }) => tokensPerSecond)} colour="var(--c6)" />
        </Tile>
        <Tile
          name={t("live.today")}
          figure="today"
          href={link("costs", { from: "today" })}
          value={usd(spend?.todayUsd)}
        />
        <Tile
          name={t("live.month")}
          figure="month"
          href={link("costs", { from: "month" })}
          value={usd(spend?.monthUsd)}
        />
        <Tile
          name={t("live.projected")}
          figure="projected"
          href={link("costs", { from: "month" })}
          value={usd(spend?.projectedUsd)}
          note={
            spend?.range
              ? t("live.range", {
                  low: show.money(spend.range.lowUsd),
                  high: show.money(spend.range.highUsd),
                })
              : undefined
          }
        />
      </Tiles>
    </section>
  );
}

/** The chosen stretch: its course, and who had which part in it. */
function Course() {
  const { query } = useView();
  const byModel = useReport("summary", { ...query, by: "model", limit: "12" });
  const latency = seriesOf(useReport("latency", query).data);
  const errors = seriesOf(useReport("errors", query).data);
  const course = seriesOf(byModel.data);
  const models = firstTable(byModel.data);
  const upstreams = firstTable(useReport("summary", { ...query, by: "upstream", limit: "5" }).data);
  const apps = firstTable(useReport("summary", { ...query, by: "app", limit: "5" }).data);
  return (
    <div class="panels">
      <CallsChart calls={course} errors={errors} />
      <LatencyChart latency={latency} firstToken />
      <Group by="model" table={models} />
      <div class="stack">
        <Group by="upstream" table={upstreams} />
        <Group by="app" table={apps} />
      </div>
    </div>
  );
}

function Group({ by, table }: { readonly by: Grouping; readonly table: ReportTable | undefined }) {
  const { t } = useSpeech();
  return (
    <Panel title={t(BY[by])}>
      {table === undefined ? (
        <Loading />
      ) : (
        <ReportTableView
          label={t(BY[by])}
          table={table}
          columns={[by, ...COLUMNS]}
          bars={["calls", "cost_usd"]}
          draw={{ [by]: (value) => <GroupLink of={by} value={value} /> }}
        />
      )}
    </Panel>
  );
}
