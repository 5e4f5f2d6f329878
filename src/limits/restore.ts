/**
 * Tells the counters what budgets had used before they began to count, from the ledger: after a restart of a
 * gateway that counts for itself, or of a Redis that lost what it had.
 */
import { scaled } from "../core/money.ts";
import type { CounterStore } from "../store/counter-store.ts";
import type { Query, SqlDialect, Value } from "../store/ledger-store.ts";
import type { BudgetRule, Scope } from "./rules.ts";

/** Where it is known what calls have cost: the ledger, as far as it is needed here. */
export interface SpendSource {
  readonly sql: Pick<SqlDialect, "table" | "param" | "sumMoney">;
  query(query: Query): Promise<Readonly<Record<string, Value>>[]>;
}

/** The columns by which a call belongs to a scope. */
export const SCOPE_COLUMNS = {
  all: [],
  app: ["app"],
  team: ["team"],
  upstream: ["upstream"],
  model: ["model_sent", "model_requested"],
} as const satisfies Readonly<Record<Scope, readonly string[]>>;

/** Places of decimal dollars in a nano-dollar. */
const NANO_PLACES = 9;

/** Seeds every budget's counter with what calls that began before `beforeMs` used in the period in force. */
export async function restoreBudgets(
  rules: readonly BudgetRule[],
  store: CounterStore,
  source: SpendSource,
  beforeMs: number,
): Promise<void> {
  for (const rule of rules) {
    const period = rule.calendar.period(beforeMs);
    const used = await spentSince(rule, source, period.startsAt, beforeMs);
    await store.seed(period.key, used, period.endsAt);
  }
}

/** What the calls of a budget's scope used in a time: nano-dollars or tokens. Probes are paid from their own budget. */
async function spentSince(
  rule: BudgetRule,
  source: SpendSource,
  fromMs: number,
  toMs: number,
): Promise<number> {
  const { sql } = source;
  const columns: readonly string[] = SCOPE_COLUMNS[rule.scope];
  const params: (string | number)[] = [fromMs, toMs, ...columns.map(() => rule.name)];
  const owner = columns.map((column, index) => `${column} = ${sql.param(index + 2, "text")}`).join(" OR ");
  const sum =
    rule.unit === "usd"
      ? sql.sumMoney("cost")
      : "sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0))";
  const text = [
    `SELECT ${sum} AS used FROM ${sql.table(false)}`,
    `WHERE started_at >= ${sql.param(0, "time")} AND started_at < ${sql.param(1, "time")} AND NOT probe`,
    ...(owner === "" ? [] : [`AND (${owner})`]),
  ].join(" ");
  const [row] = await source.query({ text, params });
  const used = row?.used ?? 0;
  return Number(scaled(String(used), rule.unit === "usd" ? NANO_PLACES : 0));
}
