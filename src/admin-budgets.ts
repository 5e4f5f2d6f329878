/** Budgets as the admin API tells them: what counters say was used, and what the ledger's history lets expect. */
import { formatUsd } from "./core/money.ts";
import type { BudgetRow, BudgetsAnswer } from "./http/api.ts";
import type { LedgerClient } from "./ledger/ledger-process.ts";
import type { RestAsk } from "./ledger/spending/rest-of-period.ts";
import type { BudgetState } from "./limits/budget-states.ts";
import { SCOPE_COLUMNS } from "./limits/restore.ts";

const NO_LEDGER = "The ledger is off: projections go on as the period has gone so far.";

/** @param now milliseconds since the epoch */
export async function budgetsAnswer(
  states: readonly BudgetState[],
  ledger: LedgerClient | undefined,
  now: number,
): Promise<BudgetsAnswer> {
  const { rests, note } = await restsOf(states, ledger, now);
  return { budgets: states.map((state, index) => budgetRow(state, rests[index])), note };
}

/** What each budget will still use until its period ends: dollars or tokens. */
async function restsOf(
  states: readonly BudgetState[],
  ledger: LedgerClient | undefined,
  now: number,
): Promise<{ rests: readonly (number | undefined)[]; note: string | null }> {
  if (states.length === 0) return { rests: [], note: null };
  if (ledger === undefined) return { rests: states.map((state) => linear(state, now)), note: NO_LEDGER };
  try {
    const rests = await ledger.rest(states.map(askOf));
    return {
      rests: rests.map((rest, index) =>
        Number(states[index]?.rule.unit === "usd" ? formatUsd(rest) : rest.toString()),
      ),
      note: null,
    };
  } catch (error) {
    return { rests: states.map((state) => linear(state, now)), note: (error as Error).message };
  }
}

function askOf({ rule, period }: BudgetState): RestAsk {
  const { scope, name, unit } = rule;
  return { columns: SCOPE_COLUMNS[scope], name, unit, start: period.startsAt, end: period.endsAt };
}

function linear({ used, period }: BudgetState, now: number): number | undefined {
  const gone = now - period.startsAt;
  return used === undefined || gone <= 0 ? undefined : (used * (period.endsAt - now)) / gone;
}

function budgetRow({ rule, period, limit, used }: BudgetState, rest: number | undefined): BudgetRow {
  const { scope, name, per, unit, onExceeded, warnAt } = rule;
  // Counters hold nano-dollars.
  const shown = (amount: number): string =>
    unit === "usd" ? amount.toFixed(9).replace(/\.?0+$/, "") : amount.toFixed(0);
  return {
    ...{ scope, name, per, unit, onExceeded, warnAt },
    limit: shown(limit),
    used: used === undefined ? null : shown(used),
    projected: used === undefined || rest === undefined ? null : shown(used + rest),
    periodStart: period.startsAt,
    periodEnd: period.endsAt,
    state: stateOf(used, limit, warnAt),
  };
}

function stateOf(used: number | undefined, limit: number, warnAt: readonly number[]): BudgetRow["state"] {
  if (used === undefined) return "unknown";
  if (used >= limit) return "exceeded";
  return warnAt.some((share) => used >= share * limit) ? "warning" : "ok";
}
