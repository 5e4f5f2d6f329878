/** One call: what happened when, what was used, and how its cost came about. */
import type { CallDetail, CallEvent, CallPrice } from "../../src/http/api.ts";
import { type MessageKey, useSpeech } from "../messages/index.tsx";
import { Failure, Loading, Notice } from "../parts/notice.tsx";
import { Panel } from "../parts/panel.tsx";
import { StateMark } from "../parts/state-mark.tsx";
import { Table, type TableColumn } from "../parts/table.tsx";
import { Tile, Tiles } from "../parts/tile.tsx";
import { statusTone } from "../show/status.ts";
import { NOTHING } from "../show/values.ts";
import { useApi } from "../state/use-api.ts";
import { useView } from "../state/view.ts";

const EVENTS: Readonly<Record<CallEvent["what"], MessageKey>> = {
  received: "event.received",
  sent: "event.sent",
  first_byte: "event.firstByte",
  first_token: "event.firstToken",
  end: "event.end",
};

const LAYERS: Readonly<Record<CallPrice["layer"], MessageKey>> = {
  own: "price.own",
  preset: "price.preset",
  list: "price.list",
};

export function Call() {
  const { t } = useSpeech();
  const { route, link } = useView();
  const { id = "", ...others } = route.params;
  const { data, failure } = useApi<CallDetail>(
    id === "" ? undefined : `/api/calls/${encodeURIComponent(id)}`,
  );
  return (
    <>
      <p>
        <a href={link("calls", others)}>← {t("call.back")}</a>
      </p>
      {id === "" && <Notice>{t("calls.none")}</Notice>}
      {failure !== undefined && <Failure failure={failure} />}
      {id !== "" && data === undefined && failure === undefined && <Loading />}
      {data !== undefined && <Detail call={data} />}
    </>
  );
}

function Detail({ call }: { readonly call: CallDetail }) {
  const { t, show } = useSpeech();
  const duration = (value: number | null) => (value === null ? NOTHING : show.duration(value));
  const money = (value: string | null) => (value === null ? t("call.unpriced") : show.money(value));
  return (
    <>
      <Tiles>
        <Tile
          name={t("column.status")}
          value={call.status === null ? t("call.interrupted") : String(call.status)}
          tone={call.status !== null && statusTone(call.status) === "bad" ? "bad" : undefined}
          note={[call.errorType, call.errorCode].filter(Boolean).join(": ")}
        />
        <Tile name={t("column.took")} value={duration(call.durationMs)} />
        <Tile name={t("column.firstToken")} value={duration(call.firstTokenMs)} />
        <Tile name={t("call.overhead")} value={duration(call.overheadMs)} />
        <Tile
          name={t("column.cost")}
          value={call.costUsd === null ? NOTHING : money(call.costUsd)}
          note={call.costUsd === null ? t("call.unpriced") : undefined}
        />
        <Tile name={t("column.list")} value={call.listCostUsd === null ? NOTHING : money(call.listCostUsd)} />
      </Tiles>
      <Panel title={t("call.timeline")} note={show.time(call.startedAt)}>
        <Timeline call={call} />
      </Panel>
      <div class="panels">
        <Panel title={t("call.facts")}>
          <Facts call={call} />
        </Panel>
        <div class="stack">
          <Panel
            title={t("call.used")}
            note={
              <StateMark tone={call.source === "reported" ? "good" : "warn"}>
                {t(SOURCES[call.source])}
              </StateMark>
            }
          >
            <Quantities quantities={call.quantities} />
          </Panel>
          {call.cost !== null && <Price title={t("call.cost")} price={call.cost} />}
          {call.listCost !== null && <Price title={t("call.listCost")} price={call.listCost} />}
        </div>
      </div>
    </>
  );
}

const SOURCES: Readonly<Record<CallDetail["source"], MessageKey>> = {
  reported: "source.reported",
  estimated: "source.estimated",
  partial: "source.partial",
  missing: "source.missing",
};

/** The stretches between events, each as long as it took. */
function Timeline({ call }: { readonly call: CallDetail }) {
  const { t, show } = useSpeech();
  const events = [...call.events].sort((a, b) => a.at - b.at);
  const whole = Math.max(1e-6, call.durationMs, ...events.map(({ at }) => at));
  return (
    <div class="timeline">
      <div class="timeline-bar" aria-hidden>
        {events.slice(1).map(({ what, at }, index) => {
          const from = events[index]?.at ?? 0;
          return (
            <i
              key={what}
              class={`phase phase-${what}`}
              style={{ width: `${((at - from) / whole) * 100}%` }}
            />
          );
        })}
      </div>
      <ol>
        {events.map(({ what, at }, index) => (
          <li key={what}>
            <i class={`phase phase-${what}`} aria-hidden />
            <span>{t(EVENTS[what])}</span>
            <b>{show.duration(at)}</b>
            <span class="hint">
              {index === 0 ? "" : `+${show.duration(at - (events[index - 1]?.at ?? 0))}`}
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}

function Facts({ call }: { readonly call: CallDetail }) {
  const { t, show } = useSpeech();
  const { link } = useView();
  const models = [call.modelRequested, call.modelSent, call.modelAnswered];
  const facts: readonly (readonly [MessageKey, string, string?])[] = [
    ["calls.id", call.id],
    [
      "column.model",
      [...new Set(models.filter((name) => name !== ""))].join(" → "),
      link("calls", { model: call.model }),
    ],
    ["column.app", call.app, link("calls", { app: call.app })],
    ["column.team", call.team],
    ["column.upstream", call.upstream, link("calls", { upstream: call.upstream })],
    ["column.route", call.route],
    ["column.endpoint", call.endpoint],
    ["call.request", `${call.method} ${call.path}`],
    ["call.streaming", call.streaming ? t("yes") : t("no")],
    ["call.retries", show.count(call.retries)],
    ["call.bytes", t("call.bytesOf", { in: show.bytes(call.bytesIn), out: show.bytes(call.bytesOut) })],
    ["call.tier", call.serviceTier],
    ["call.trace", call.traceId],
    ["call.upstreamId", call.upstreamRequestId],
  ];
  return (
    <dl class="facts">
      {facts
        .filter(([, text]) => text !== "")
        .map(([key, text, href]) => (
          <>
            <dt key={key}>{t(key)}</dt>
            <dd>{href === undefined ? text : <a href={href}>{text}</a>}</dd>
          </>
        ))}
    </dl>
  );
}

/** By the names of docs/ledger.md: they are the ledger's columns and the meter's fields. */
function Quantities({ quantities }: Pick<CallDetail, "quantities">) {
  const { t, show } = useSpeech();
  const entries = Object.entries(quantities);
  if (entries.length === 0) return <p class="hint">{t("call.nothingUsed")}</p>;
  return (
    <dl class="facts">
      {entries.map(([name, amount]) => (
        <>
          <dt key={name} class="mono">
            {name}
          </dt>
          <dd>{name === "audioMs" ? show.duration(amount) : show.count(amount)}</dd>
        </>
      ))}
    </dl>
  );
}

function Price({ title, price }: { readonly title: string; readonly price: CallPrice }) {
  const { t, show } = useSpeech();
  const columns: TableColumn[] = [
    { name: "kind", title: t("price.kind"), unit: "text", at: 0 },
    { name: "quantity", title: t("price.quantity"), unit: "count", at: 1 },
    { name: "price", title: t("price.price"), unit: "text", at: 2 },
    { name: "cost", title: t("column.cost"), unit: "usd", at: 3 },
  ];
  const rows = price.charges.map(({ kind, pricedAs, quantity, priceUsd, per, costUsd }) => [
    kind === pricedAs ? kind : `${kind} (${pricedAs})`,
    quantity,
    priceUsd === null
      ? null
      : t("price.per", { price: show.money(priceUsd), per: per === "hour" ? "h" : per }),
    costUsd,
  ]);
  return (
    <Panel title={title} note={price.model}>
      <Table
        label={title}
        columns={columns}
        rows={rows}
        totals={[null, null, null, price.totalUsd]}
        sortable={false}
      />
      <p class="hint">
        {t(LAYERS[price.layer])}: {price.list}, {price.date}. {price.asBooked ? "" : t("price.changed")}
      </p>
    </Panel>
  );
}
