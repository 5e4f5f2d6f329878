/** What probes have cost today as the ledger has it, beside what a file keeps: the larger counts. */
import { type Pico, scaled } from "../core/money.ts";
import type { SpendSource } from "../limits/restore.ts";
import type { KeptSpend, SpendMemory } from "./spend.ts";

const DAY_MS = 86_400_000;
const PLACES = 12;

/** What the ledger's probes of a day have cost. @throws what the source throws. */
export async function probesCost({ sql, query }: SpendSource, nowMs: number): Promise<Pico> {
  const text = [
    `SELECT ${sql.sumMoney("cost")} AS used FROM ${sql.table(false)}`,
    `WHERE started_at >= ${sql.param(0, "time")} AND started_at < ${sql.param(1, "time")} AND probe`,
  ].join(" ");
  const [row] = await query({ text, params: [nowMs - (nowMs % DAY_MS), nowMs] });
  return scaled(String(row?.used ?? 0), PLACES);
}

/**
 * A file may be lost with its disk, and a ledger does not know of a run that was cut off by a kill. `cost` is asked
 * once, and resolves to undefined when the ledger does not tell.
 */
export function withLedger(
  file: SpendMemory,
  cost: (nowMs: number) => Promise<Pico | undefined>,
): SpendMemory {
  return {
    save: (kept) => file.save(kept),
    async load(nowMs): Promise<KeptSpend | undefined> {
      const [kept, used] = await Promise.all([file.load(nowMs), cost(nowMs)]);
      if (used === undefined) return kept;
      const day = Math.floor(nowMs / DAY_MS);
      const written = kept?.day === day ? kept.spent : 0n;
      return { day, spent: used > written ? used : written, last: kept?.last ?? new Map() };
    },
  };
}
