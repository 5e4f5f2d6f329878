/** Opens the database that the configuration names. Its driver is loaded only then. */
import type { LedgerDatabase, StoreSettings } from "./store-settings.ts";

/** @throws when the database cannot be opened: it is locked by another process, damaged, or the disk is full. */
export async function openStore(settings: StoreSettings): Promise<LedgerDatabase> {
  const { openDuckdb } = await import("./duckdb-rows.ts");
  return openDuckdb(settings);
}
