/** Upstreams: how each is, what its key and balance are, and the same models compared over them. */
import type { AccountRow, UpstreamRow, UpstreamsAnswer } from "../../src/http/api.ts";
import { type MessageKey, useSpeech } from "../messages/index.tsx";
import { Breakdown } from "../parts/breakdown.tsx";
import { GroupLink } from "../parts/group-link.tsx";
import { Panel } from "../parts/panel.tsx";
import { ReportTableView } from "../parts/report-table.tsx";
import { StateMark, type Tone } from "../parts/state-mark.tsx";
import { firstTable } from "../show/tables.ts";
import { NOTHING } from "../show/values.ts";
import { useApi, useReport } from "../state/use-api.ts";
import { useView } from "../state/view.ts";

const HEALTH: Readonly<Record<UpstreamRow["health"], readonly [Tone, MessageKey]>> = {
  ok: ["good", "health.ok"],
  degraded: ["warn", "health.degraded"],
  down: ["bad", "health.down"],
  unknown: ["idle", "health.unknown"],
};

const KEYS: Readonly<Record<string, readonly [Tone, MessageKey]>> = {
  valid: ["good", "key.valid"],
  invalid: ["bad", "key.invalid"],
  expired: ["bad", "key.expired"],
  no_quota: ["bad", "key.noQuota"],
};

export function Upstreams() {
  return (
    <Breakdown by="upstream">
      <Cards />
      <Compare />
    </Breakdown>
  );
}

function Cards() {
  const { t } = useSpeech();
  const { data } = useApi<UpstreamsAnswer>("/api/upstreams");
  if (data === undefined) return null;
  return (
    <section class="cards" aria-label={t("page.upstreams")}>
      {data.upstreams.map((upstream) => (
        <Card key={upstream.name} upstream={upstream} />
      ))}
    </section>
  );
}

function Card({ upstream }: { readonly upstream: UpstreamRow }) {
  const { t, show } = useSpeech();
  const [tone, health] = HEALTH[upstream.health];
  const [keyTone, key] = KEYS[upstream.key.state] ?? (["idle", "health.unknown"] as const);
  const { lastMinute, certificateExpiresAt, modelsListed, monthUsd, monthProjectedUsd } = upstream;
  return (
    <Panel
      title={upstream.name}
      note={upstream.provider}
      aside={<StateMark tone={tone}>{t(health)}</StateMark>}
    >
      {upstream.why !== "" && <p class="card-why">{upstream.why}</p>}
      <dl class="facts">
        <dt>{t("upstream.address")}</dt>
        <dd class="mono">{upstream.baseUrl}</dd>
        <dt>{t("upstream.key")}</dt>
        <dd>
          <StateMark tone={keyTone}>{t(key)}</StateMark>
          {upstream.key.expiresAt !== null &&
            ` ${t("upstream.until", { time: show.time(upstream.key.expiresAt) })}`}
        </dd>
        {upstream.accounts.map((account) => (
          <Account key={account.currency} account={account} />
        ))}
        <dt>{t("live.lastMinute")}</dt>
        <dd>
          {t("upstream.minute", {
            calls: show.count(lastMinute.calls),
            errors: lastMinute.errorRate === null ? NOTHING : show.ratio(lastMinute.errorRate),
          })}
        </dd>
        {monthUsd !== null && (
          <>
            <dt>{t("live.month")}</dt>
            <dd>
              {show.money(monthUsd)}
              {monthProjectedUsd !== null &&
                ` · ${t("upstream.projected", { money: show.money(monthProjectedUsd) })}`}
            </dd>
          </>
        )}
        {certificateExpiresAt !== null && (
          <>
            <dt>{t("upstream.certificate")}</dt>
            <dd>{t("upstream.until", { time: show.time(certificateExpiresAt) })}</dd>
          </>
        )}
        {modelsListed !== null && (
          <>
            <dt>{t("upstream.models")}</dt>
            <dd>{show.count(modelsListed)}</dd>
          </>
        )}
        {upstream.probes.map((probe) => (
          <>
            <dt>
              {t("upstream.probe", { name: probe.probe })}
              {probe.model !== "" && ` ${probe.model}`}
            </dt>
            <dd>
              <StateMark tone={probe.success ? "good" : "bad"}>
                {probe.success ? t("health.ok") : probe.outcome}
              </StateMark>{" "}
              {show.duration(probe.durationMs)} · {show.moment(probe.at, "second")}
              {probe.message !== "" && <span class="hint"> {probe.message}</span>}
            </dd>
          </>
        ))}
      </dl>
    </Panel>
  );
}

function Account({ account }: { readonly account: AccountRow }) {
  const { t, show } = useSpeech();
  const { currency, balance, used, limit, unlimited, burnPerDay, exhaustedAt } = account;
  const money = (amount: number) => show.amount(amount, currency);
  const parts = [
    balance !== null && money(balance),
    unlimited && t("account.unlimited"),
    used !== null &&
      (limit === null
        ? t("account.used", { used: money(used) })
        : t("account.usedOf", { used: money(used), limit: money(limit) })),
    burnPerDay !== null && t("account.burn", { money: money(burnPerDay) }),
    exhaustedAt !== null && t("account.exhausted", { time: show.time(exhaustedAt) }),
  ].filter((part) => part !== false);
  return (
    <>
      <dt>{t("account.balance")}</dt>
      <dd>{parts.length === 0 ? NOTHING : parts.join(" · ")}</dd>
    </>
  );
}

function Compare() {
  const { t } = useSpeech();
  const { query } = useView();
  const table = firstTable(useReport("compare", query).data);
  if (table === undefined || table.rows.length === 0) return null;
  return (
    <Panel title={t("compare.title")} note={t("compare.note")}>
      <ReportTableView
        label={t("compare.title")}
        table={table}
        columns={[
          "model",
          "upstream",
          "calls",
          "cost_per_1m_tokens_usd",
          "of_list_price",
          "p50_ms",
          "p99_ms",
          "availability",
          "error_rate",
          "cost_usd",
          "saving_usd",
          "at_cheapest_usd",
        ]}
        draw={{
          model: (value) => <GroupLink of="model" value={value} />,
          upstream: (value) => <GroupLink of="upstream" value={value} />,
        }}
      />
    </Panel>
  );
}
