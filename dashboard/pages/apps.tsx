/** Apps: who calls, with what keys and rights, how much and at what price. */
import type { AppsAnswer } from "../../src/http/api.ts";
import { useSpeech } from "../messages/index.tsx";
import { Breakdown } from "../parts/breakdown.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table, type TableColumn } from "../parts/table.tsx";
import { useApi } from "../state/use-api.ts";

export function Apps() {
  return (
    <Breakdown by="app">
      <ConfiguredApps />
    </Breakdown>
  );
}

function ConfiguredApps() {
  const { t, show } = useSpeech();
  const { data } = useApi<AppsAnswer>("/api/apps");
  if (data === undefined || data.apps.length === 0) return null;
  const all = (names: readonly string[] | null) => (names === null ? t("apps.all") : names.join(", "));
  const columns: TableColumn[] = [
    { name: "app", title: t("column.app"), unit: "text", at: 0 },
    { name: "team", title: t("column.team"), unit: "text", at: 1 },
    { name: "keys", title: t("apps.keys"), unit: "text", at: 2 },
    { name: "models", title: t("page.models"), unit: "text", at: 3 },
    { name: "endpoints", title: t("apps.endpoints"), unit: "text", at: 4 },
    { name: "minute", title: t("live.lastMinute"), unit: "count", at: 5 },
    { name: "errors", title: t("column.errors"), unit: "ratio", at: 6 },
  ];
  const rows = data.apps.map((app) => [
    app.name,
    app.team,
    app.expiredKeys > 0
      ? t("apps.expired", { keys: show.count(app.keys), expired: show.count(app.expiredKeys) })
      : show.count(app.keys),
    all(app.models),
    all(app.endpoints),
    app.lastMinute.calls,
    app.lastMinute.errorRate,
  ]);
  return (
    <Panel title={t("apps.configured")}>
      <Table label={t("apps.configured")} columns={columns} rows={rows} />
    </Panel>
  );
}
