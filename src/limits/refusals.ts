/** Words for what a limit refused: whose it is, how full it is, when there is room again. */
import { formatDuration } from "../config/units.ts";
import { formatUsd } from "../core/money.ts";
import type { Claim, ClaimState } from "../store/counter-store.ts";
import { LimitRefusal } from "./limit-refusal.ts";
import { type BudgetRule, NANO_PER_USD, type Rule, type Subject } from "./rules.ts";

const SPAN_TEXT: Readonly<Record<number, string>> = {
  1000: "per second",
  60000: "per minute",
  3600000: "per hour",
  86400000: "in 24 hours",
};
const WINDOW_TEXT = { day: "daily", week: "weekly", month: "monthly" } as const;

/** `app shop`; for all calls together, `this gateway`. */
export function scopeText({ scope, name }: Pick<Rule, "scope" | "name">): string {
  return scope === "all" ? "this gateway" : `${scope} ${name}`;
}

/** The refusal of the claim that has to wait longest: before that, coming again is of no use. */
export function refusalOf(
  rules: readonly Rule[],
  claims: readonly Claim[],
  states: readonly ClaimState[],
  subject: Subject,
  nowMs: number,
): LimitRefusal {
  let worst = -1;
  for (const [index, claim] of claims.entries()) {
    const state = states[index];
    if (state === undefined || state.fits || (claim.kind === "budget" && !claim.enforced)) continue;
    if (state.waitMs > (states[worst]?.waitMs ?? 0)) worst = index;
  }
  const [rule, claim, state] = [rules[worst], claims[worst], states[worst]];
  if (rule === undefined || claim === undefined || state === undefined) {
    throw new Error(`the counters refused a call of ${subject.app} without a reason`);
  }
  const scope = scopeText(rule);
  const { waitMs: retryAfterMs, used } = state;
  if (claim.kind === "slot") {
    return new LimitRefusal(
      "too_many_at_once",
      { limit: rule.limit, scope },
      { reason: "concurrency", retryAfterMs, key: rule.key },
    );
  }
  if (rule.kind === "budget" && claim.kind === "budget") {
    const amount = (value: number): string => amountText(rule, value);
    const details = {
      ...{ scope, window: WINDOW_TEXT[rule.per], used: amount(used), limit: amount(rule.limit) },
      ...{
        needed: amount(claim.amount),
        renewed: new Date(claim.endsAt).toISOString().replace(/\.000Z$/, "Z"),
      },
    };
    return new LimitRefusal("budget_exceeded", details, {
      reason: "budget",
      retryAfterMs: claim.endsAt - nowMs,
    });
  }
  const tokens = rule.kind === "tokens";
  const span = SPAN_TEXT[claim.kind === "window" ? claim.windowMs : 0] ?? "";
  const wait = formatDuration(retryAfterMs < 1000 ? retryAfterMs : Math.ceil(retryAfterMs / 1000) * 1000);
  return new LimitRefusal(
    "rate_limited",
    { limit: rule.limit, what: tokens ? "tokens" : "calls", span, scope, wait },
    {
      reason: tokens ? "tokens" : "rate",
      ...{ retryAfterMs, key: rule.key },
      told: {
        resource: tokens ? "tokens" : "requests",
        limit: rule.limit,
        remaining: Math.max(0, rule.limit - used),
      },
    },
  );
}

export function unpriced(rule: Rule, { model, upstream }: Subject): LimitRefusal {
  return new LimitRefusal(
    "unpriced_model",
    { model: JSON.stringify(model), upstream, scope: scopeText(rule) },
    { reason: "unpriced" },
  );
}

export function unavailable(rule: Rule): LimitRefusal {
  return new LimitRefusal(
    "limits_unavailable",
    { scope: scopeText(rule) },
    { reason: "unavailable", retryAfterMs: 1000 },
  );
}

/** `12.5 USD`, `20000 tokens`. */
export function amountText({ unit }: Pick<BudgetRule, "unit">, value: number): string {
  return unit === "tokens"
    ? `${value} tokens`
    : `${formatUsd(BigInt(value) * (10n ** 12n / BigInt(NANO_PER_USD)))} USD`;
}
