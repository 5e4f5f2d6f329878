/** Upstreams and apps as the admin API tells them: how they are, and what is known of their keys and accounts. */
import { formatUsd, type Pico } from "./core/money.ts";
import type { AccountRow, AppRow, AppsAnswer, LiveRow, ProbeRow, UpstreamRow } from "./http/api.ts";
import type { MonthSpend } from "./ledger/spending/month.ts";
import type { Ran, Watch } from "./probes/board.ts";
import type { KeyState } from "./probes/probe.ts";
import type { InForce } from "./settings.ts";
import type { BreakerState, Ejected } from "./upstreams/breaker.ts";
import type { Upstream } from "./upstreams/upstream.ts";
import { ANONYMOUS } from "./usage/usage.ts";

/** What is known of an upstream besides its configuration. */
export interface UpstreamFacts {
  readonly watch: Watch;
  readonly lastMinute: LiveRow;
  readonly month: MonthSpend | undefined;
  readonly simulated: boolean;
  readonly breaker: BreakerState;
  readonly ejected: readonly Ejected[];
}

const DAY_S = 86_400;
/** Fewer calls than this tell little. */
const ENOUGH_CALLS = 5;
const DEGRADED = 0.05;
const DOWN = 0.5;

export function upstreamRow(upstream: Upstream, facts: UpstreamFacts): UpstreamRow {
  const { watch, lastMinute, month, simulated, breaker, ejected } = facts;
  const { health, why } = healthOf(watch, lastMinute, breaker, ejected);
  const spent = month?.upstreams[upstream.name];
  const known = (cost: Pico | undefined): string | null =>
    month === undefined ? null : formatUsd(cost ?? 0n);
  return {
    name: upstream.name,
    provider: upstream.provider,
    baseUrl: upstream.baseUrl,
    dialects: [...upstream.dialects],
    simulated,
    health,
    why,
    breaker,
    ejected: ejected.map(({ model, why, forMs }) => ({ model, why, forSeconds: Math.ceil(forMs / 1000) })),
    key: keyRow(worstOf(watch.keys)),
    keys: watch.keys.map(keyRow),
    lastMinute,
    probes: watch.ran.map(probeRow),
    accounts: watch.accounts.map(accountRow),
    accountsAt: watch.accountsAt ?? null,
    certificateExpiresAt: watch.certificateExpiresAt ?? null,
    modelsListed: watch.modelsListed ?? null,
    monthUsd: known(spent?.cost),
    monthProjectedUsd: known(spent?.projected),
  };
}

type Key = Watch["keys"][number];

/** States of keys, the worst first. */
const BAD_KEY: readonly KeyState[] = ["invalid", "expired", "no_quota"];
const FROM_WORST: readonly KeyState[] = [...BAD_KEY, "unknown", "valid"];

function worstOf(keys: readonly Key[]): Key | undefined {
  return [...keys].sort((a, b) => FROM_WORST.indexOf(a.state) - FROM_WORST.indexOf(b.state))[0];
}

function keyRow(key: Key | undefined): UpstreamRow["key"] {
  return { state: key?.state ?? "unknown", expiresAt: key?.expiresAt ?? null };
}

/** The worst of what the breaker, the key, the last minute's attempts and the probes say. */
function healthOf(
  watch: Watch,
  { calls, errorRate }: LiveRow,
  breaker: BreakerState,
  [ejected]: readonly Ejected[],
): Pick<UpstreamRow, "health" | "why"> {
  const { keys, ran } = watch;
  const bad = keys.filter(({ state }) => BAD_KEY.includes(state));
  const worst = worstOf(keys);
  const what = worst?.state.replace("_", " ");
  if (bad.length > 0 && bad.length === keys.length) {
    return {
      health: "down",
      why: keys.length === 1 ? `its key is ${what}` : `none of its keys is good: ${what}`,
    };
  }
  const enough = calls >= ENOUGH_CALLS && errorRate !== null;
  const share = enough ? `${Math.round(errorRate * 100)} % of the last minute's attempts failed` : "";
  if (enough && errorRate >= DOWN) return { health: "down", why: share };
  if (worst !== undefined && bad.length > 0) {
    return { health: "degraded", why: `key ${keys.indexOf(worst) + 1} of ${keys.length} is ${what}` };
  }
  if (ejected !== undefined) {
    return { health: "degraded", why: `left alone for ${ejected.model}: ${ejected.why}` };
  }
  if (breaker !== "closed") {
    return { health: "degraded", why: `the breaker of a model is ${breaker}: it is left alone for a while` };
  }
  const failing = ran.find(({ result }) => !result.success && result.outcome !== "spend_cap")?.result;
  if (failing !== undefined) {
    return { health: "degraded", why: `probe ${failing.task.probe.name}: ${failing.message}` };
  }
  if (enough && errorRate >= DEGRADED) return { health: "degraded", why: share };
  const seen = calls > 0 || ran.some(({ result }) => result.success);
  return seen
    ? { health: "ok", why: "" }
    : { health: "unknown", why: "no call in the last minute, and no probe" };
}

function probeRow({ result, lastSuccess }: Ran): ProbeRow {
  const { task, outcome, success, message, startedAt, durationMs } = result;
  return {
    probe: task.probe.name,
    model: task.model,
    ...{ outcome, success, message, durationMs },
    at: startedAt,
    lastSuccessAt: lastSuccess ?? null,
  };
}

function accountRow({ account, burn }: Watch["accounts"][number]): AccountRow {
  const { currency, balance, used, limit, unlimited } = account;
  const perSecond = burn?.perSecond();
  return {
    currency,
    balance: balance ?? null,
    used: used ?? null,
    limit: limit ?? null,
    unlimited,
    burnPerDay: perSecond === undefined ? null : perSecond * DAY_S,
    exhaustedAt: burn?.exhaustedAt() ?? null,
  };
}

/** @param now milliseconds since the epoch */
export function appsAnswer(
  { loaded, settings }: InForce,
  lastMinute: (app: string) => LiveRow,
  now: number,
): AppsAnswer {
  const { apps } = loaded.config;
  const open = settings.access.mode !== "keys";
  const expired = (name: string): number =>
    [...settings.access.apps.values()].filter(
      ({ app, until }) => app.name === name && until !== undefined && now >= until,
    ).length;
  const configured = apps.map(
    ({ name, team = "", labels = {}, keys, models, endpoints }): AppRow => ({
      ...{ name, team, labels, keys: keys.length, expiredKeys: expired(name) },
      models: models ?? null,
      endpoints: endpoints ?? null,
      lastMinute: lastMinute(name),
    }),
  );
  const anonymous: AppRow = {
    ...{ name: ANONYMOUS, team: "", labels: {}, keys: 0, expiredKeys: 0, models: null, endpoints: null },
    lastMinute: lastMinute(ANONYMOUS),
  };
  return { apps: open ? [...configured, anonymous] : configured };
}
