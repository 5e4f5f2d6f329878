/** The admin API's sources: what of the running program it shows, and what it may change. */
import { budgetsAnswer } from "./admin-budgets.ts";
import { callDetail, callsAnswer } from "./admin-calls.ts";
import { appsAnswer, upstreamRow } from "./admin-upstreams.ts";
import type { Alerting } from "./alerting.ts";
import { promqlCondition } from "./alerts/promql.ts";
import { runbookPage } from "./alerts/runbooks.ts";
import { valueText } from "./alerts/texts.ts";
import { BellwetherError } from "./core/errors.ts";
import type { Logger } from "./core/log.ts";
import { formatUsd } from "./core/money.ts";
import type { AdminSource } from "./http/admin/app.ts";
import type { LiveTraffic } from "./http/admin/live.ts";
import type { About, AlertsAnswer, NewSilence, Spend } from "./http/api.ts";
import type { LedgerClient } from "./ledger/ledger-process.ts";
import type { MonthSpend } from "./ledger/spending/month.ts";
import type { Limits } from "./limiting.ts";
import type { Notifier } from "./notify/notifier.ts";
import type { Board } from "./probes/board.ts";
import type { InForce } from "./settings.ts";
import type { Breakers } from "./upstreams/breaker.ts";
import { version } from "./version.ts";

export interface AdminParts {
  inForce(): InForce;
  readonly live: LiveTraffic;
  readonly ledger: LedgerClient | undefined;
  readonly limits: Pick<Limits, "budgets">;
  readonly board: Pick<Board, "of">;
  readonly breakers: Pick<Breakers, "worst" | "ejected">;
  alerting(): Alerting | undefined;
  readonly notifier: Notifier;
  simulated(): boolean;
  readonly log: Logger;
}

const LONGEST_SILENCE_MS = 30 * 86_400_000;
const startedAt = (): number => Date.now() - Math.round(process.uptime() * 1000);

export function adminSource(parts: AdminParts): AdminSource {
  const { live, notifier } = parts;
  const ledger = (): LedgerClient => {
    if (parts.ledger !== undefined) return parts.ledger;
    throw new BellwetherError("ledger_unavailable", {
      why: "it is switched off; `ledger: { enabled: true }` switches it on",
    });
  };
  return {
    about: () => aboutOf(parts),
    async overview() {
      const alerts = parts.alerting()?.status() ?? [];
      return {
        version,
        uptimeSeconds: Math.floor(process.uptime()),
        simulated: parts.simulated(),
        upstreams: parts.inForce().upstreams.map(({ name }) => name),
        ...live.figures(),
        alertsFiring: alerts.filter(({ state }) => state === "firing").length,
        ledgerLagMs: parts.ledger?.status.lagMs ?? null,
        ledgerProblem: parts.ledger?.status.problem ?? null,
        spend: spendOf(parts.ledger?.spend),
      };
    },
    report: async (name, parameters) => ledger().report(name, parameters, parts.inForce().loaded.config.apps),
    calls: async (parameters) => callsAnswer(await ledger().calls(parameters)),
    async call(id) {
      const row = await ledger().call(id);
      if (row === undefined)
        throw new BellwetherError("unknown_call", { id: JSON.stringify(id.slice(0, 60)) });
      return callDetail(row, parts.inForce().settings.prices);
    },
    export: async (parameters) => ledger().export(parameters),
    import: async (lines) => ledger().import(lines),
    async budgets() {
      const states = await parts.limits.budgets(parts.inForce().settings.rules);
      return budgetsAnswer(states, parts.ledger, Date.now());
    },
    upstreams: () => ({
      upstreams: parts.inForce().upstreams.map((upstream) =>
        upstreamRow(upstream, {
          watch: parts.board.of(upstream.name),
          lastMinute: live.ofUpstream(upstream.name),
          month: parts.ledger?.spend,
          simulated: parts.simulated(),
          breaker: parts.breakers.worst(upstream.name),
          ejected: parts.breakers.ejected(upstream.name),
        }),
      ),
    }),
    apps: () => appsAnswer(parts.inForce(), (app) => live.ofApp(app), Date.now()),
    async settings() {
      const { asWritten } = await import("./config/json-schema.ts");
      const { loaded, upstreams } = parts.inForce();
      return {
        file: loaded.file ?? null,
        config: asWritten(loaded.config),
        upstreams: upstreams.map(({ name, provider, baseUrl, dialects }) => ({
          name,
          provider,
          baseUrl,
          dialects: [...dialects],
        })),
      };
    },
    routes: async () => (await import("./route-explain.ts")).routesAnswer(parts.inForce()),
    explainRoute: async (question) =>
      (await import("./route-explain.ts")).explainRoute(parts.inForce(), question),
    alerts: () => alertsAnswer(parts.alerting()),
    silence(silence) {
      const alerting = parts.alerting();
      if (alerting === undefined)
        throw new BellwetherError("bad_payload", { why: "Alerts are not evaluated yet." });
      const { matchers, duration, comment } = checkedSilence(silence);
      const createdAt = Date.now();
      return alerting.silences.add({ matchers, createdAt, until: createdAt + duration, comment });
    },
    unsilence: (id) => parts.alerting()?.silences.remove(id) ?? false,
    async deliver(channel, payload) {
      const { PayloadError, readPayload } = await import("./notify/intake.ts");
      if (!notifier.channels.includes(channel)) {
        const known = notifier.channels.join(", ") || "none";
        throw new BellwetherError("unknown_channel", { name: JSON.stringify(channel.slice(0, 60)), known });
      }
      try {
        notifier.tell(channel, readPayload(payload));
      } catch (error) {
        if (error instanceof PayloadError) throw new BellwetherError("bad_payload", { why: error.message });
        throw error;
      }
    },
    failed: (error) => parts.log.error({ err: error }, "the admin API failed"),
    runbook: (name) => runbookPage(name, parts.inForce().loaded.config),
  };
}

function aboutOf(parts: AdminParts): About {
  const { loaded, upstreams, settings } = parts.inForce();
  const { config, file } = loaded;
  const { retentionDays, clickhouse } = config.ledger;
  return {
    version,
    startedAt: startedAt(),
    now: Date.now(),
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    currency: "USD",
    simulated: parts.simulated(),
    auth: config.server.auth,
    file: file ?? null,
    upstreams: upstreams.map(({ name }) => name),
    apps: config.apps.map(({ name }) => name),
    models: Object.keys(config.models),
    channels: [...parts.notifier.channels],
    ledger:
      parts.ledger === undefined
        ? null
        : {
            kind: clickhouse === undefined ? "duckdb" : "clickhouse",
            retentionDays: retentionDays ?? null,
          },
    probes: config.probes !== undefined,
    budgets: settings.rules?.budgets.length ?? 0,
  };
}

function spendOf(month: MonthSpend | undefined): Spend | null {
  if (month === undefined) return null;
  const { at, today, total } = month;
  const { cost, projected, range, method, tokens } = total;
  return {
    at,
    todayUsd: formatUsd(today),
    monthUsd: formatUsd(cost),
    monthTokens: tokens,
    projectedUsd: formatUsd(projected),
    range: range === undefined ? null : { lowUsd: formatUsd(range.low), highUsd: formatUsd(range.high) },
    method,
  };
}

function alertsAnswer(alerting: Alerting | undefined): AlertsAnswer {
  if (alerting === undefined) return { alerts: [], events: [], silences: [] };
  return {
    alerts: alerting.status().map(({ rule, state, labels, value, since, muted }) => ({
      name: rule.name,
      state,
      severity: rule.severity,
      labels,
      value: value === undefined ? null : valueText(value, rule.unit),
      since: since ?? null,
      muted: muted ?? null,
      expression: promqlCondition(rule.conditions),
      summary: rule.summary,
    })),
    events: alerting.events.map(({ at, what, alert }) => ({
      at,
      what,
      name: alert.labels.alertname ?? "",
      severity: alert.labels.severity ?? "",
      summary: alert.annotations.summary ?? "",
    })),
    silences: alerting.silences.list(Date.now()),
  };
}

/** @throws BellwetherError `bad_payload` */
function checkedSilence({ matchers, duration, comment = "" }: NewSilence) {
  const entries = typeof matchers === "object" && matchers !== null ? Object.entries(matchers) : [];
  const good =
    entries.length > 0 &&
    entries.every(([label, value]) => /^[a-zA-Z_]\w*$/.test(label) && typeof value === "string");
  if (!good)
    throw new BellwetherError("bad_payload", {
      why: "`matchers` must name at least one label and its value.",
    });
  if (typeof duration !== "number" || !(duration > 0) || duration > LONGEST_SILENCE_MS) {
    throw new BellwetherError("bad_payload", { why: "`duration` must be milliseconds, of at most 30 days." });
  }
  return { matchers: Object.fromEntries(entries), duration, comment: String(comment).slice(0, 500) };
}
