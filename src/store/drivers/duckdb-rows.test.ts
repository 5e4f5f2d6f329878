/** How calls are parted into vectors. */
import * as api from "@duckdb/node-api";
import low from "@duckdb/node-bindings";
import { expect, test } from "vitest";
import { ledgerRow } from "../../../test/helpers/ledger-row.ts";
import { RowCalls } from "../calls.ts";
import type { LedgerRow } from "../ledger-row.ts";
import { RowAppender } from "./duckdb-rows.ts";

/** How many rows each vector has. */
async function vectorsOf(rows: readonly LedgerRow[]): Promise<number[]> {
  const vectors: number[] = [];
  const appender = {
    appendDataChunk: ({ rowCount }: api.DuckDBDataChunk) => void vectors.push(rowCount),
    flushSync: () => undefined,
  };
  const places = rows.map((_, place) => place);
  expect(await new RowAppender(api, low).append(appender, new RowCalls(rows), places)).toBe(rows.length);
  return vectors;
}

test("vectors are as long as DuckDB has them", async () => {
  expect(await vectorsOf(Array.from({ length: 5_000 }, () => ledgerRow()))).toEqual([2048, 2048, 904]);
});

test("a vector ends where its texts take 8 MiB, so that calls with long ones are not all in memory at once", async () => {
  const rows = Array.from({ length: 20 }, (_, n) => {
    return ledgerRow({
      path: `/${n}/`.padEnd(2 ** 20, "long"),
      modelSent: n < 10 ? "" : `${n}`.repeat(500_000),
    });
  });
  expect(await vectorsOf(rows)).toEqual([8, 6, 5, 1]);
});
