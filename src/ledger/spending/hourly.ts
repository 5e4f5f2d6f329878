/** What was spent hour by hour and by whom: the one question that month's figures and projections are made of. */
import { type Pico, scaled } from "../../core/money.ts";
import type { LedgerStore } from "../../store/ledger-store.ts";
import { factsByGroup } from "../reports/aggregate.ts";
import type { ReportQuery } from "../reports/report.ts";
import { groupOf } from "../reports/tabulate.ts";
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
  const groups = [
    groupOf("hour", zone),
    ...columns.map((name) => ({ column: { name, title: name, unit: "text" }, sql: () => name }) as const),
  ];
  // Sums of hours do not tell what clients asked for apart: that may be anything.
  const callsOnly = columns.some((name) => name === "model_sent" || name === "model_requested");
  const asked = { groups, callsOnly };
  const facts = ["cost", "inputTokens", "outputTokens", "firstSeen"] as const;
  const rows = await factsByGroup(store, { ...query, timeZone: zone }, asked, facts);
  return rows.map(({ keys: [start, ...keys], facts: { cost, inputTokens, outputTokens, firstSeen } }) => ({
    start: Number(start),
    keys: keys.map((key) => String(key ?? "")),
    cost: cost === null || cost === undefined ? 0n : scaled(String(cost), 12),
    tokens: Number(inputTokens ?? 0) + Number(outputTokens ?? 0),
    first: Number(firstSeen),
  }));
}
