/** Asks another database and DuckDB for every report of random ledgers: they have to say the same. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect } from "vitest";
import { reports, runReport } from "../../src/ledger/reports/index.ts";
import type { ReportParameters } from "../../src/ledger/reports/query.ts";
import type { ReportResult } from "../../src/ledger/reports/report.ts";
import type { LedgerStore } from "../../src/store/ledger-store.ts";
import { openStore } from "../../src/store/open-store.ts";
import { APPS, arbitraryLedger, arbitraryQuestion, FIRST, NOW } from "./arbitrary-ledger.ts";

const DAY_MS = 86_400_000;
/** How many are archived. */
const days = fc.integer({ min: 0, max: 2 });

/** `open` gives an empty database each time, whose archive is in the folder. */
export async function sameReportsAsDuckdb(open: (folder: string) => Promise<LedgerStore>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(arbitraryLedger, arbitraryQuestion, days, async (rows, question, archivedDays) => {
      const before = FIRST + archivedDays * DAY_MS;
      const parameters: ReportParameters = { ...question, archived: String(archivedDays > 0) };
      const folder = mkdtempSync(join(tmpdir(), "bellwether-same-"));
      const duckdb = openStore({ path: join(folder, "twin", "ledger.duckdb"), memoryBytes: 1e8 });
      const stores = [await open(folder), await duckdb] as const;
      try {
        for (const store of stores) {
          await store.migrate();
          await store.insert(rows);
        }
        while (await stores[1].rollUp?.(NOW));
        // Some of the days are in archives: both have to find them there.
        for (const store of stores) await store.archive(before);
        for (const { name, groups } of reports) {
          const { by, ...others } = parameters;
          const asked = { ...others, ...(groups ? { by } : {}) };
          const [other, duckdb] = await Promise.all(
            stores.map(async (store) => rounded(await runReport(name, asked, store, NOW, APPS))),
          );
          expect(other).toEqual(duckdb);
        }
      } finally {
        for (const store of stores) await store.close();
        rmSync(folder, { recursive: true, force: true });
      }
    }),
    // Looking for a smaller example would take minutes.
    { numRuns: 5, endOnFailure: true },
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
