/** How full budgets are now, as the counters say. */
import type { CounterStore } from "../store/counter-store.ts";
import type { Period } from "./period.ts";
import { type BudgetRule, NANO_PER_USD } from "./rules.ts";

export interface BudgetState {
  readonly rule: BudgetRule;
  readonly period: Period;
  /** Dollars or tokens. */
  readonly limit: number;
  /** Dollars or tokens; undefined when the counters cannot be reached. */
  readonly used: number | undefined;
}

/** @param nowMs milliseconds since the epoch */
export function budgetStates(
  rules: readonly BudgetRule[],
  store: Pick<CounterStore, "used">,
  nowMs: number,
): Promise<BudgetState[]> {
  return Promise.all(
    rules.map(async (rule): Promise<BudgetState> => {
      const period = rule.calendar.period(nowMs);
      const one = rule.unit === "usd" ? NANO_PER_USD : 1;
      const used = await usedOf(store, period.key);
      return { rule, period, limit: rule.limit / one, used: used === undefined ? undefined : used / one };
    }),
  );
}

async function usedOf(store: Pick<CounterStore, "used">, key: string): Promise<number | undefined> {
  try {
    return await store.used(key);
  } catch {
    return undefined;
  }
}
