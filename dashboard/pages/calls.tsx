/** Calls: single ones, searched, the newest first; each leads to its own page. */
import { useState } from "preact/hooks";
import type { CallRow, CallsAnswer } from "../../src/http/api.ts";
import { type MessageKey, useSpeech } from "../messages/index.tsx";
import { Failure, Loading, NoCalls, Notice } from "../parts/notice.tsx";
import { Panel } from "../parts/panel.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { Table, type TableColumn } from "../parts/table.tsx";
import { Icon } from "../shell/icon.tsx";
import { statusTone } from "../show/status.ts";
import { FILTERS, type FilterName } from "../state/range.ts";
import { goTo, hrefOf } from "../state/route.ts";
import { apiPath, useApi } from "../state/use-api.ts";
import { useView } from "../state/view.ts";

const FIELDS: readonly (readonly [FilterName | "id" | "trace", MessageKey])[] = [
  ["id", "calls.id"],
  ["model", "column.model"],
  ["app", "column.app"],
  ["upstream", "column.upstream"],
  ["status", "column.status"],
  ["error", "column.error"],
];

const WHOLE_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function Calls() {
  const { t, show } = useSpeech();
  const { query, route } = useView();
  const { id, trace, cursor, probes } = route.params;
  const { data, failure, waiting } = useApi<CallsAnswer>(
    apiPath("/api/calls", { ...query, id, trace, cursor, probes, limit: "100" }),
  );
  const chosen = [...FILTERS, "id", "trace"].some((name) => route.params[name] !== undefined);
  return (
    <>
      <Search key={JSON.stringify(route.params)} />
      {failure !== undefined && <Failure failure={failure} />}
      {data === undefined && failure === undefined && <Loading />}
      {data !== undefined &&
        (data.calls.length === 0 ? (
          chosen || cursor !== undefined ? (
            <Notice>{t("calls.none")}</Notice>
          ) : (
            <NoCalls />
          )
        ) : (
          <Panel
            title={t("page.calls")}
            note={t("range.span", { from: show.time(data.from), to: show.time(data.to) })}
            aside={
              <>
                {cursor !== undefined && (
                  <a class="button" href={hrefOf("calls", { ...route.params, cursor: undefined })}>
                    {t("calls.newest")}
                  </a>
                )}
                {data.next !== null && (
                  <a class="button" href={hrefOf("calls", { ...route.params, cursor: data.next })}>
                    {t("calls.older")}
                  </a>
                )}
              </>
            }
          >
            <div class={waiting ? "stale" : ""}>
              <CallTable calls={data.calls} />
            </div>
          </Panel>
        ))}
    </>
  );
}

function Search() {
  const { t } = useSpeech();
  const { route, link } = useView();
  const [values, setValues] = useState(route.params);
  const submit = (event: Event) => {
    event.preventDefault();
    const found = Object.fromEntries(FIELDS.map(([name]) => [name, values[name]?.trim()]));
    if (WHOLE_ID.test(found.id ?? "")) return goTo(hrefOf("call", { id: found.id }));
    goTo(link("calls", { ...route.params, ...found, cursor: undefined }));
  };
  return (
    <search>
      <form class="search" onSubmit={submit}>
        {FIELDS.map(([name, title]) => (
          <label key={name}>
            {t(title)}
            <input
              class="control"
              type="search"
              name={name}
              maxLength={256}
              spellcheck={false}
              autocomplete="off"
              placeholder={name === "status" ? "429, 5*" : name === "model" ? "gpt-*" : ""}
              value={values[name] ?? ""}
              onInput={({ currentTarget }) => setValues({ ...values, [name]: currentTarget.value })}
            />
          </label>
        ))}
        <button type="submit" class="button primary">
          <Icon name="search" />
          {t("calls.search")}
        </button>
      </form>
    </search>
  );
}

function CallTable({ calls }: { readonly calls: readonly CallRow[] }) {
  const { t, show } = useSpeech();
  const { link, route } = useView();
  const columns: TableColumn[] = [
    {
      name: "time",
      title: t("column.time"),
      unit: "time",
      at: 0,
      draw: (at, row) => (
        <a href={link("call", { ...route.params, id: String(row[12]) })}>
          {show.moment(Number(at), "second")}
        </a>
      ),
    },
    {
      name: "status",
      title: t("column.status"),
      unit: "text",
      at: 1,
      draw: (status) =>
        status === null ? (
          <StateMark tone="idle">{t("call.interrupted")}</StateMark>
        ) : (
          <StateMark tone={statusTone(Number(status))}>{String(status)}</StateMark>
        ),
    },
    { name: "model", title: t("column.model"), unit: "text", at: 2 },
    { name: "app", title: t("column.app"), unit: "text", at: 3 },
    { name: "upstream", title: t("column.upstream"), unit: "text", at: 4 },
    { name: "took", title: t("column.took"), unit: "milliseconds", at: 5, bar: true },
    { name: "token", title: t("column.firstToken"), unit: "milliseconds", at: 6 },
    { name: "input", title: t("column.input"), unit: "tokens", at: 7 },
    { name: "output", title: t("column.output"), unit: "tokens", at: 8 },
    { name: "cost", title: t("column.cost"), unit: "usd", at: 9 },
    { name: "retries", title: t("call.retries"), unit: "count", at: 10 },
    { name: "error", title: t("column.error"), unit: "text", at: 11 },
  ];
  const rows = calls.map((call) => [
    call.startedAt,
    call.status,
    call.model,
    call.app,
    call.upstream,
    call.durationMs,
    call.firstTokenMs,
    call.inputTokens,
    call.outputTokens,
    call.costUsd,
    call.retries === 0 ? null : call.retries,
    [call.errorType, call.errorCode].filter(Boolean).join(": ") || null,
    call.id,
  ]);
  // A column without any value only takes room.
  const told = columns.filter(({ at }) => at < 5 || rows.some((row) => row[at] !== null));
  return <Table label={t("page.calls")} columns={told} rows={rows} />;
}
