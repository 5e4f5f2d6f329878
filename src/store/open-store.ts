/** Opens the database that the configuration names. Its driver is loaded only then. */
import type { LedgerStore } from "./ledger-store.ts";

/** What the ledger's thread needs to open its database: plain data, which can go to a thread. */
export interface StoreSettings {
  /** Absolute path of the DuckDB file. */
  readonly path: string;
  /** Most memory the database may take. */
  readonly memoryBytes: number;
}

/** What the ledger's thread uses of a store. */
export type LedgerDatabase = Pick<LedgerStore, "migrate" | "insert" | "query" | "close">;

/** @throws when the database cannot be opened: it is locked by another process, damaged, or the disk is full. */
export async function openStore(settings: StoreSettings): Promise<LedgerDatabase> {
  const { openDuckdb } = await import("./duckdb-rows.ts");
  return openDuckdb(settings);
}
