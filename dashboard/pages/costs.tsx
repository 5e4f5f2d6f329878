/** Costs: what was spent on what, against list price, and what the month will come to. */
import type { AppsAnswer } from "../../src/http/api.ts";
import { useSpeech } from "../messages/index.tsx";
import { CostByGroup } from "../parts/cost-by-group.tsx";
import { GroupLink } from "../parts/group-link.tsx";
import { BY, type Grouping, isLabel, labelGroupings, titleOf } from "../parts/grouping.ts";
import { Failure, Loading, NoCalls } from "../parts/notice.tsx";
import { Panel } from "../parts/panel.tsx";
import { Per } from "../parts/per.tsx";
import { ReportChart } from "../parts/report-chart.tsx";
import { ReportTableView } from "../parts/report-table.tsx";
import { Tile, Tiles } from "../parts/tile.tsx";
import { firstTable, seriesOf, tableNamed, totalOf, valueAt } from "../show/tables.ts";
import { goTo, hrefOf } from "../state/route.ts";
import { useApi, useReport } from "../state/use-api.ts";
import { useView } from "../state/view.ts";

const GROUPINGS = Object.keys(BY) as Grouping[];

export function Costs() {
  const { t, show } = useSpeech();
  const { query, route } = useView();
  const asked = route.params.by;
  const by = isLabel(asked) ? asked : (GROUPINGS.find((name) => name === asked) ?? "model");
  const labels = labelGroupings(useApi<AppsAnswer>("/api/apps").data);
  const choices = new Set([...GROUPINGS, ...labels, by]);
  const report = useReport("cost", { ...query, by, limit: "500" });
  const [table, month, course] = [
    firstTable(report.data),
    tableNamed(report.data, "month"),
    seriesOf(report.data),
  ];
  if (report.failure !== undefined) return <Failure failure={report.failure} />;
  if (table === undefined) return <Loading />;
  const ofMonth = (column: string) => valueAt(month, month?.rows[0], column);
  const usd = (value: ReturnType<typeof ofMonth>) => show.value(value, "usd");
  const saved = totalOf(table, "saving_ratio");
  return (
    <>
      <Tiles>
        <Tile name={t("costs.range")} figure="cost" value={usd(totalOf(table, "cost_usd") ?? "0")} />
        <Tile name={t("column.list")} value={usd(totalOf(table, "list_cost_usd"))} />
        <Tile
          name={t("column.saving")}
          value={usd(totalOf(table, "saving_usd"))}
          note={saved == null ? undefined : show.value(saved, "ratio")}
        />
        <Tile name={t("column.per1k")} value={usd(totalOf(table, "cost_per_1k_tokens_usd"))} />
        <Tile name={t("live.month")} figure="month" value={usd(ofMonth("so_far_usd"))} />
        <Tile
          name={t("live.projected")}
          figure="projected"
          value={usd(ofMonth("projected_usd"))}
          note={
            ofMonth("low_usd") == null
              ? t("costs.noRange")
              : t("live.range", { low: usd(ofMonth("low_usd")), high: usd(ofMonth("high_usd")) })
          }
        />
      </Tiles>
      {table.rows.length === 0 ? (
        <NoCalls />
      ) : (
        <>
          <div class="panels">
            <CostByGroup by={by} course={course} />
            <Panel title={t("costs.against")} note={<Per unit={course?.series} />}>
              <ReportChart
                label={t("costs.against")}
                format={show.money}
                lines={[
                  { name: t("column.cost"), of: course, column: "cost_usd", colour: "--c1", shape: "area" },
                  {
                    name: t("column.list"),
                    of: course,
                    column: "list_cost_usd",
                    colour: "--c3",
                    dashed: true,
                  },
                ]}
              />
            </Panel>
          </div>
          <Panel
            title={titleOf(by, t)}
            aside={
              <select
                class="control"
                aria-label={t("costs.by")}
                value={by}
                onChange={({ currentTarget }) =>
                  goTo(hrefOf(route.page, { ...route.params, by: currentTarget.value }))
                }
              >
                {[...choices].map((name) => (
                  <option key={name} value={name}>
                    {titleOf(name, t)}
                  </option>
                ))}
              </select>
            }
          >
            <ReportTableView
              label={titleOf(by, t)}
              table={table}
              columns={[
                by,
                "calls",
                "input_tokens",
                "output_tokens",
                "cost_usd",
                "cost_share",
                "list_cost_usd",
                "saving_usd",
                "saving_ratio",
                "cost_per_1k_tokens_usd",
              ]}
              bars={["cost_usd"]}
              draw={{
                [by]: (value) => (isLabel(by) ? String(value || "–") : <GroupLink of={by} value={value} />),
              }}
            />
          </Panel>
          <Notes notes={report.data?.notes ?? []} />
        </>
      )}
    </>
  );
}

/** What one has to know to read the figures right. */
function Notes({ notes }: { readonly notes: readonly string[] }) {
  if (notes.length === 0) return null;
  return (
    <ul class="notes hint" lang="en">
      {notes.map((note) => (
        <li key={note}>{note}</li>
      ))}
    </ul>
  );
}
