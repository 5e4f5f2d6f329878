/** Asks another database and DuckDB for every report of random ledgers: they have to say the same. */
import fc from "fast-check";
import { expect } from "vitest";
import { reports, runReport } from "../../src/ledger/reports/index.ts";
import type { ReportResult } from "../../src/ledger/reports/report.ts";
import type { LedgerStore } from "../../src/store/ledger-store.ts";
import { arbitraryLedger, arbitraryQuestion, NOW } from "./arbitrary-ledger.ts";
import { duckdbLedger } from "./duckdb-ledger.ts";

/** `open` gives an empty database each time. */
export async function sameReportsAsDuckdb(open: () => Promise<LedgerStore>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(arbitraryLedger, arbitraryQuestion, async (rows, parameters) => {
      const stores = [await open(), await duckdbLedger()] as const;
      try {
        for (const store of stores) {
          await store.migrate();
          await store.insert(rows);
        }
        while (await stores[1].rollUp?.(NOW));
        for (const { name, groups } of reports) {
          const { by, ...others } = parameters;
          const asked = { ...others, ...(groups ? { by } : {}) };
          const [other, duckdb] = await Promise.all(
            stores.map(async (store) => rounded(await runReport(name, asked, store, NOW))),
          );
          expect(other).toEqual(duckdb);
        }
      } finally {
        for (const store of stores) await store.close();
      }
    }),
    // Looking for a smaller example would take minutes.
    { numRuns: 6, endOnFailure: true },
  );
}

/** Both compute percentiles of the same numbers, in another order of operations: the last digits may differ. */
function rounded(result: ReportResult): unknown {
  return JSON.parse(
    JSON.stringify(result, (_, value: unknown) =>
      typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(9)) : value,
    ),
  );
}
