/** Builds Grafana dashboards (classic JSON) from their specification, in a language. */

import { PanelBuilder as BarGauge } from "@grafana/grafana-foundation-sdk/bargauge";
import {
  BigValueColorMode,
  BigValueGraphMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import {
  DashboardBuilder,
  DashboardCursorSync,
  type DashboardLink,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as Stat } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as Table } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as Timeseries } from "@grafana/grafana-foundation-sdk/timeseries";
import { catalogue } from "../metrics/catalogue.ts";
import {
  type DashboardLanguage,
  type DashboardSpec,
  inLanguage,
  type PanelSpec,
  type Words,
} from "./panels.ts";
import { VARIABLES } from "./queries.ts";

export interface BuildOptions {
  readonly language: DashboardLanguage;
  /** Bellwether's own page. */
  readonly pageUrl: string;
  /** The rule's name is added. */
  readonly runbooks: string;
}

const COLUMNS = 24;
const HEIGHTS = { timeseries: 8, table: 8, bargauge: 8, stat: 4 } as const;
const WIDTHS = { timeseries: 12, table: 12, bargauge: 12, stat: 4 } as const;

const WORDS = {
  page: ["Bellwether's page", "Bellwether 页面", "Bellwethers Seite", "Trang Bellwether"],
  others: ["Dashboards", "仪表盘", "Dashboards", "Bảng điều khiển"],
  runbook: ["What to do", "处理方法", "Was zu tun ist", "Cách xử lý"],
  upstream: ["Upstream", "上游", "Upstream", "Nguồn"],
  model: ["Model", "模型", "Modell", "Mô hình"],
  app: ["App", "应用", "App", "Ứng dụng"],
} as const satisfies Record<string, Words>;

/** The dashboard as Grafana's JSON. */
export function buildDashboard(spec: DashboardSpec, options: BuildOptions): object {
  const say = (words: Words): string => inLanguage(words, options.language);
  const builder = new DashboardBuilder(say(spec.title))
    .uid(`bellwether-${spec.name}`)
    .description(say(spec.about))
    .tags(["bellwether", "llm"])
    .time({ from: "now-6h", to: "now" })
    .refresh("30s")
    .tooltip(DashboardCursorSync.Crosshair)
    .editable()
    .withVariable(new DatasourceVariableBuilder("datasource").label("Prometheus").type("prometheus"));
  for (const name of VARIABLES) builder.withVariable(variable(name, say(WORDS[name])));
  builder.links([
    new DashboardLinkBuilder(say(WORDS.others))
      .type(DashboardLinkType.Dashboards)
      .tags(["bellwether"])
      .asDropdown(true)
      .includeVars(true)
      .keepTime(true),
    new DashboardLinkBuilder(say(WORDS.page))
      .type(DashboardLinkType.Link)
      .url(options.pageUrl)
      .targetBlank(true),
  ]);
  let y = 0;
  for (const row of spec.rows) {
    builder.withRow(new RowBuilder(say(row.title)).gridPos({ x: 0, y, w: COLUMNS, h: 1 }));
    y++;
    let x = 0;
    let tallest = 0;
    for (const panel of row.panels) {
      const w = panel.width ?? WIDTHS[panel.kind];
      const h = HEIGHTS[panel.kind];
      if (x + w > COLUMNS) {
        x = 0;
        y += tallest;
        tallest = 0;
      }
      builder.withPanel(panelOf(panel, say, options).gridPos({ x, y, w, h }));
      x += w;
      tallest = Math.max(tallest, h);
    }
    y += tallest;
  }
  return builder.build();
}

function variable(name: string, title: string): QueryVariableBuilder {
  const query = `label_values(${catalogue.inputTokens.name}, ${name})`;
  return new QueryVariableBuilder(name)
    .label(title)
    .datasource({ type: "prometheus", uid: "$datasource" })
    .query({ query, refId: "variable" })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue(".*")
    .current({ selected: true, text: "All", value: "$__all" });
}

type AnyPanel = Timeseries | Stat | Table | BarGauge;

function panelOf(spec: PanelSpec, say: (words: Words) => string, options: BuildOptions): AnyPanel {
  const panel = emptyPanel(spec);
  panel.title(say(spec.title)).description(say(spec.about)).unit(spec.unit);
  panel.datasource({ type: "prometheus", uid: "$datasource" });
  panel.thresholds(thresholdsOf(spec.thresholds));
  if (spec.runbook !== undefined) {
    panel.links([
      new DashboardLinkBuilder(say(WORDS.runbook))
        .type(DashboardLinkType.Link)
        .url(`${options.runbooks}${spec.runbook}`)
        .targetBlank(true) as unknown as { build(): DashboardLink },
    ]);
  }
  for (const [index, { expr, legend, instant }] of spec.queries.entries()) {
    const target = new DataqueryBuilder()
      .refId(String.fromCharCode("A".charCodeAt(0) + index))
      .expr(expr)
      .legendFormat(legend);
    if (instant === true) target.instant();
    else target.range();
    if (spec.kind === "table") target.format("table" as never);
    panel.withTarget(target);
  }
  return panel;
}

function emptyPanel({ kind, stacked }: PanelSpec): AnyPanel {
  switch (kind) {
    case "stat":
      return new Stat()
        .colorMode(BigValueColorMode.Value)
        .graphMode(BigValueGraphMode.Area)
        .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]));
    case "table":
      return new Table();
    case "bargauge":
      return new BarGauge().reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]));
    case "timeseries": {
      const panel = new Timeseries()
        .lineWidth(1)
        .fillOpacity(stacked === true ? 30 : 8)
        .legend(
          new VizLegendOptionsBuilder()
            .displayMode(LegendDisplayMode.Table)
            .placement(LegendPlacement.Bottom)
            .showLegend(true)
            .calcs(["mean", "max", "lastNotNull"]),
        )
        .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi));
      if (stacked === true) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
      return panel;
    }
  }
}

/** Green, yellow, red; the other way round where less is worse. */
function thresholdsOf(thresholds: PanelSpec["thresholds"]): ThresholdsConfigBuilder {
  const builder = new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute);
  if (thresholds === undefined) return builder.steps([{ value: null, color: "green" }]);
  const [yellow, red] = thresholds;
  return yellow < red
    ? builder.steps([
        { value: null, color: "green" },
        { value: yellow, color: "yellow" },
        { value: red, color: "red" },
      ])
    : builder.steps([
        { value: null, color: "red" },
        { value: red, color: "yellow" },
        { value: yellow, color: "green" },
      ]);
}
