/** Reports from sums of hours and days against the same reports from the calls themselves: there must be no difference. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  APPS,
  arbitraryLedger,
  arbitraryQuestion,
  FIRST,
  NOW,
} from "../../../test/helpers/arbitrary-ledger.ts";
import { duckdbLedger } from "../../../test/helpers/duckdb-ledger.ts";
import { ledgerRow } from "../../../test/helpers/small-ledger.ts";
import { VALUES, type ValueName } from "../../store/facts.ts";
import type { LedgerRow } from "../../store/ledger-row.ts";
import type { LedgerStore } from "../../store/ledger-store.ts";
import { classesByGroup } from "./aggregate.ts";
import { reportNamed, reports, runReport } from "./index.ts";
import { piecesOf } from "./pieces.ts";
import { parseQuery, type ReportParameters } from "./query.ts";
import { groupOf } from "./tabulate.ts";

const HOUR = 3_600_000;
const VALUE_NAMES = Object.keys(VALUES) as ValueName[];

/** The first calls are summed up when there are no others, the last come late. */
async function summedUp(rows: readonly LedgerRow[]): Promise<LedgerStore> {
  const store = await duckdbLedger();
  const some = Math.ceil(rows.length / 2);
  await store.insert(rows.slice(0, some));
  while (await store.rollUp?.(NOW - 20 * HOUR));
  await store.insert(rows.slice(some, -1));
  while (await store.rollUp?.(NOW));
  // Some come twice.
  await store.insert(rows.slice(-3));
  return store;
}

describe("sums of hours and days", () => {
  it("change no figure of any report, wherever calls came late", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryLedger, arbitraryQuestion, async (rows, parameters) => {
        const [summed, plain] = [await summedUp(rows), await duckdbLedger()];
        try {
          await plain.insert(rows);
          for (const { name, groups } of reports) {
            const { by, ...others } = parameters;
            const query: ReportParameters = { ...others, ...(groups ? { by } : {}) };
            expect(await runReport(name, query, summed, NOW, APPS)).toEqual(
              await runReport(name, query, plain, NOW, APPS),
            );
          }
          const query = parseQuery(reportNamed("latency"), parameters, NOW, APPS);
          const dimensions = query.by.length > 0 ? query.by : (["model"] as const);
          for (const value of VALUE_NAMES) {
            const of = async (store: LedgerStore) => {
              const by = dimensions.map((dimension) => groupOf(dimension, query.timeZone));
              const found = await classesByGroup(store, query, { groups: by }, value);
              return found.map((row) => JSON.stringify(row)).sort();
            };
            expect(await of(summed)).toEqual(await of(plain));
          }
        } finally {
          await summed.close();
          await plain.close();
        }
      }),
      { numRuns: 3 },
    );
  });

  it("are what a report over days looks at, but for the calls at both ends", async () => {
    const store = await summedUp(
      [0, 1, 2].map((number) => ledgerRow(number, 0, { startedAt: FIRST + number * 30 * HOUR })),
    );
    const levels = (parameters: ReportParameters, others: boolean) => {
      const query = parseQuery(reportNamed("summary"), { from: "100h", tz: "UTC", ...parameters }, NOW + 1);
      return piecesOf(store, query, [], others).map(({ level }) => level);
    };
    expect(levels({}, true)).toEqual([undefined, "hours", "days", "hours", undefined]);
    expect(levels({}, false)).toEqual([undefined, "allHours", "days", "allHours", undefined]);
    expect(levels({ model: "a" }, false)).toEqual([undefined, "hours", "days", "hours", undefined]);
    expect(levels({ trace: "x" }, false)).toEqual([undefined]);
    expect(levels({ archived: "true" }, true)).toEqual([undefined]);
    expect(levels({ from: "30m" }, true)).toEqual([undefined]);
    await store.close();
  });
});
