/** Reads the rows of a ledger's database file, which no other process has open. */
import { openStore } from "../../src/store/open-store.ts";

export interface LedgerFileRow {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly started_at: number;
  readonly trace_id: string;
  readonly interrupted: boolean;
  readonly status: number;
  readonly path: string;
  /** Dollars as exact decimal text. */
  readonly cost: string | null;
}

export async function readLedgerFile(path: string): Promise<LedgerFileRow[]> {
  const store = await openStore({ path, memoryBytes: 256 * 2 ** 20 });
  try {
    const rows = await store.query({
      text: "select id, started_at, trace_id, interrupted, status, path, cast(cost as varchar) as cost from calls",
      params: [],
    });
    return rows as unknown as LedgerFileRow[];
  } finally {
    await store.close();
  }
}
