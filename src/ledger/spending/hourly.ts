/** What was spent hour by hour and by whom: the one question that month's figures and projections are made of. */
import { type Pico, scaled } from "../../core/money.ts";
import type { LedgerStore } from "../../store/ledger-store.ts";
import type { ReportQuery } from "../reports/report.ts";
import { Statement } from "../reports/statement.ts";
import { HOUR_MS } from "../reports/time-zone.ts";

/** Columns of the ledger by which spending is told apart. */
export type SpendColumn = "upstream" | "app" | "team" | "model_sent" | "model_requested";

export interface HourlySpend {
  /** Start of the hour, milliseconds since the epoch. */
  readonly start: number;
  /** Values of the columns asked for, in their order. */
  readonly keys: readonly string[];
  readonly cost: Pico;
  /** Input and output. */
  readonly tokens: number;
  /** The first call of the hour. */
  readonly first: number;
}

/** The zone whose hours begin with a month, or a day, that begins there: UTC's unless clocks are half an hour off. */
export function hoursFrom(start: number, timeZone: string): string {
  return start % HOUR_MS === 0 ? "UTC" : timeZone;
}

/** @param zone the time zone whose hours are meant; UTC's are told apart fastest */
export async function hourlySpend(
  store: LedgerStore,
  query: ReportQuery,
  columns: readonly SpendColumn[],
  zone = "UTC",
): Promise<HourlySpend[]> {
  const statement = new Statement(store);
  const source = statement.source(query);
  const selected = [
    `${store.sql.truncate("hour", "started_at", zone)} AS h`,
    ...columns.map((column, index) => `${column} AS g${index}`),
    `${store.sql.sumMoney("cost")} AS spent`,
    "sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) AS tokens",
    "min(started_at) AS first",
  ];
  const groups = ["h", ...columns.map((_, index) => `g${index}`)];
  const rows = await store.query(
    statement.query(`SELECT ${selected.join(", ")} ${source} GROUP BY ${groups.join(", ")}`),
  );
  return rows.map((row) => ({
    start: Number(row.h),
    keys: columns.map((_, index) => String(row[`g${index}`] ?? "")),
    cost: row.spent === null || row.spent === undefined ? 0n : scaled(String(row.spent), 12),
    tokens: Number(row.tokens ?? 0),
    first: Number(row.first),
  }));
}
