/** Budgets: how much of each is used, and what it will come to. */
import type { BudgetRow, BudgetsAnswer } from "../../src/http/api.ts";
import { type MessageKey, useSpeech } from "../messages/index.tsx";
import { Failure, Loading, Notice } from "../parts/notice.tsx";
import { Panel } from "../parts/panel.tsx";
import { StateMark, type Tone } from "../parts/state-mark.tsx";
import { NOTHING } from "../show/values.ts";
import { useApi } from "../state/use-api.ts";
import { useView } from "../state/view.ts";

const STATES: Readonly<Record<BudgetRow["state"], readonly [Tone, MessageKey]>> = {
  ok: ["good", "budget.ok"],
  warning: ["warn", "budget.warning"],
  exceeded: ["bad", "budget.exceeded"],
  unknown: ["idle", "health.unknown"],
};

const SCOPES: Readonly<Record<BudgetRow["scope"], MessageKey>> = {
  all: "budget.all",
  app: "column.app",
  team: "column.team",
  upstream: "column.upstream",
  model: "column.model",
};

const PERIODS: Readonly<Record<BudgetRow["per"], MessageKey>> = {
  day: "budget.day",
  week: "budget.week",
  month: "budget.month",
};

const EFFECTS: Readonly<Record<BudgetRow["onExceeded"], MessageKey>> = {
  warn: "budget.warns",
  downgrade: "budget.downgrades",
  block: "budget.blocks",
};

const EXAMPLE = `apps:
  - name: shop
    keys: [ "sha256:…" ]
    budget: { usd: 500, per: month, warnAt: [0.8, 0.95], onExceeded: block }`;

export function Budgets() {
  const { t } = useSpeech();
  const { data, failure } = useApi<BudgetsAnswer>("/api/budgets");
  if (failure !== undefined) return <Failure failure={failure} />;
  if (data === undefined) return <Loading />;
  if (data.budgets.length === 0) {
    return (
      <Notice>
        <p>
          <strong>{t("budget.none")}</strong> {t("budget.none.try")}
        </p>
        <pre tabIndex={0}>{EXAMPLE}</pre>
      </Notice>
    );
  }
  return (
    <>
      <section class="cards" aria-label={t("page.budgets")}>
        {data.budgets.map((budget) => (
          <Budget key={`${budget.scope}/${budget.name}/${budget.per}/${budget.unit}`} budget={budget} />
        ))}
      </section>
      {data.note !== null && <p class="hint">{data.note}</p>}
    </>
  );
}

function Budget({ budget }: { readonly budget: BudgetRow }) {
  const { t, show } = useSpeech();
  const { link } = useView();
  const { scope, name, per, unit, limit, used, projected, periodStart, periodEnd, state } = budget;
  const amount = (value: string | null) =>
    value === null ? NOTHING : unit === "usd" ? show.money(value) : show.short(Number(value));
  const share = used === null ? undefined : Number(used) / Number(limit);
  const ahead = projected === null ? undefined : Number(projected) / Number(limit);
  const elapsed = (Date.now() - periodStart) / (periodEnd - periodStart);
  const [tone, key] = STATES[state];
  const title = scope === "all" ? t("budget.all") : name;
  return (
    <Panel
      title={title}
      note={[scope === "all" ? "" : t(SCOPES[scope]), t(PERIODS[per])].filter(Boolean).join(" · ")}
      aside={<StateMark tone={tone}>{t(key)}</StateMark>}
    >
      <div class="budget">
        <p class="budget-sum">
          <b>{amount(used)}</b>{" "}
          {t("budget.of", {
            limit: unit === "usd" ? amount(limit) : t("budget.tokens", { count: amount(limit) }),
          })}
          <span class="hint">{share === undefined ? "" : show.ratio(share)}</span>
        </p>
        <div class={`budget-bar budget-${state}`} aria-hidden>
          {ahead !== undefined && (
            <i class="budget-ahead" style={{ width: `${Math.min(100, ahead * 100)}%` }} />
          )}
          <i class="budget-used" style={{ width: `${Math.min(100, (share ?? 0) * 100)}%` }} />
          {budget.warnAt.map((at) => (
            <i key={at} class="budget-mark" style={{ left: `${Math.min(100, at * 100)}%` }} />
          ))}
        </div>
        <dl class="facts">
          <dt>{t("budget.projected")}</dt>
          <dd class={ahead !== undefined && ahead > 1 ? "tone-bad" : ""}>
            {amount(projected)}
            {ahead !== undefined && ` (${show.ratio(ahead)})`}
          </dd>
          <dt>{t("budget.period")}</dt>
          <dd>
            {t("range.span", { from: show.moment(periodStart, "hour"), to: show.moment(periodEnd, "hour") })}{" "}
            <span class="hint">
              {t("budget.elapsed", { share: show.ratio(Math.min(1, Math.max(0, elapsed))) })}
            </span>
          </dd>
          <dt>{t("budget.effect")}</dt>
          <dd>{t(EFFECTS[budget.onExceeded])}</dd>
          {scope !== "all" && (
            <>
              <dt>{t("page.costs")}</dt>
              <dd>
                <a href={link("costs", { [scope]: name, from: per === "day" ? "today" : per })}>{name}</a>
              </dd>
            </>
          )}
        </dl>
      </div>
    </Panel>
  );
}
