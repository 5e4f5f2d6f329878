/** Alerts: what fires and what is about to, what happened, what is silenced, and every rule with its value. */
import { useState } from "preact/hooks";
import type { AlertEventRow, AlertRow, AlertsAnswer } from "../../src/http/api.ts";
import { filled, type LanguageName, type MessageKey, useSpeech } from "../messages/index.tsx";
import { Failure, Loading, Notice } from "../parts/notice.tsx";
import { Panel } from "../parts/panel.tsx";
import { SilenceForm, Silences } from "../parts/silences.tsx";
import { StateMark, type Tone } from "../parts/state-mark.tsx";
import { Table, type TableColumn } from "../parts/table.tsx";
import { useApi } from "../state/use-api.ts";

const STATES: Readonly<Record<AlertRow["state"], readonly [Tone, MessageKey]>> = {
  firing: ["bad", "alert.firing"],
  pending: ["warn", "alert.pending"],
  inactive: ["good", "alert.inactive"],
};

const SEVERITIES: Readonly<Record<string, readonly [Tone, MessageKey]>> = {
  critical: ["bad", "severity.critical"],
  warning: ["warn", "severity.warning"],
  info: ["idle", "severity.info"],
};

/** Labels that say what the rule is, not what it is about. */
const OWN_LABELS: readonly string[] = ["alertname", "severity", "family"];

/** The API's names of languages. */
const SPOKEN: Readonly<Record<LanguageName, string>> = { en: "en", "zh-CN": "zh", de: "de", vi: "vi" };

export function Alerts() {
  const { t } = useSpeech();
  const { data, failure } = useApi<AlertsAnswer>("/api/alerts");
  const [silenced, setSilenced] = useState<string>("");
  if (failure !== undefined) return <Failure failure={failure} />;
  if (data === undefined) return <Loading />;
  const active = data.alerts.filter(({ state }) => state !== "inactive");
  return (
    <>
      <Panel title={t("alert.active")}>
        {active.length === 0 ? (
          <Notice>
            <StateMark tone="good">{t("alert.none")}</StateMark>
          </Notice>
        ) : (
          <ul class="alerts">
            {active.map((alert) => (
              <Active
                key={`${alert.name}${JSON.stringify(alert.labels)}`}
                alert={alert}
                silence={() => setSilenced(matchersOf(alert))}
              />
            ))}
          </ul>
        )}
      </Panel>
      <div class="panels">
        <Panel title={t("silence.title")}>
          <Silences silences={data.silences} />
          <SilenceForm key={silenced} matchers={silenced} />
        </Panel>
        <Panel title={t("alert.history")}>
          <History events={data.events} />
        </Panel>
      </div>
      <Panel title={t("alert.rules")} note={<a href="#/settings?section=alerts">{t("page.settings")}</a>}>
        <Rules alerts={data.alerts} />
      </Panel>
    </>
  );
}

function matchersOf({ name, labels }: AlertRow): string {
  const rest = Object.entries(labels).filter(([label]) => !OWN_LABELS.includes(label));
  return [["alertname", name], ...rest].map(([label, value]) => `${label}=${value}`).join(", ");
}

function Severity({ of }: { readonly of: string }) {
  const { t } = useSpeech();
  const [tone, key] = SEVERITIES[of] ?? (["idle", "severity.info"] as const);
  return <StateMark tone={tone}>{t(key)}</StateMark>;
}

function Active({ alert, silence }: { readonly alert: AlertRow; readonly silence: () => void }) {
  const { t, show, language } = useSpeech();
  const [tone, state] = STATES[alert.state];
  const summary = alert.summary[SPOKEN[language]] ?? alert.summary.en ?? "";
  return (
    <li>
      <div class="alert-head">
        <StateMark tone={tone}>{t(state)}</StateMark>
        <Severity of={alert.severity} />
        <b>{alert.name}</b>
        {alert.since !== null && (
          <span class="hint">{t("alert.since", { time: show.time(alert.since) })}</span>
        )}
        <span class="alert-actions">
          <a href={`/runbooks/${encodeURIComponent(alert.name)}`} target="_blank" rel="noreferrer">
            {t("alert.runbook")}
          </a>
          <button type="button" class="button" onClick={silence}>
            {t("silence.this")}
          </button>
        </span>
      </div>
      <p>{filled(summary, { ...alert.labels, value: alert.value ?? "–" })}</p>
      {alert.muted !== null && <p class="hint">{t("alert.muted", { why: alert.muted })}</p>}
      <p class="hint mono">
        {alert.value ?? "–"} · {alert.expression}
      </p>
    </li>
  );
}

function History({ events }: { readonly events: readonly AlertEventRow[] }) {
  const { t, show } = useSpeech();
  if (events.length === 0) return <Notice>{t("alert.noHistory")}</Notice>;
  return (
    <ul class="events">
      {events.slice(0, 100).map(({ at, what, name, severity, summary }) => (
        <li key={`${at}${what}${name}${summary}`}>
          <span class="hint">{show.time(at)}</span>
          <StateMark tone={what === "fired" ? (SEVERITIES[severity]?.[0] ?? "warn") : "good"}>
            {t(what === "fired" ? "alert.fired" : "alert.resolved")}
          </StateMark>
          <span>
            <b>{name}</b> {summary}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Rules({ alerts }: { readonly alerts: readonly AlertRow[] }) {
  const { t } = useSpeech();
  const columns: TableColumn[] = [
    { name: "name", title: t("alert.rule"), unit: "text", at: 0 },
    {
      name: "state",
      title: t("alert.state"),
      unit: "text",
      at: 1,
      draw: (value) => {
        const [tone, key] = STATES[value as AlertRow["state"]];
        return <StateMark tone={tone}>{t(key)}</StateMark>;
      },
    },
    {
      name: "severity",
      title: t("alert.severity"),
      unit: "text",
      at: 2,
      draw: (value) => <Severity of={String(value)} />,
    },
    { name: "value", title: t("alert.value"), unit: "text", at: 3 },
    { name: "labels", title: t("alert.labels"), unit: "text", at: 4 },
    {
      name: "expression",
      title: t("alert.expression"),
      unit: "text",
      at: 5,
      draw: (value) => <code class="expression">{String(value)}</code>,
    },
  ];
  const rows = alerts.map(({ name, state, severity, value, labels, expression }) => [
    name,
    state,
    severity,
    value,
    Object.entries(labels)
      .filter(([label]) => !OWN_LABELS.includes(label))
      .map(([label, text]) => `${label}=${text}`)
      .join(", ") || null,
    expression,
  ]);
  return <Table label={t("alert.rules")} columns={columns} rows={rows} />;
}
