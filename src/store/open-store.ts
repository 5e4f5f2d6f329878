/** Opens the database that the configuration names. Its driver is loaded only then. */
import { dirname, join } from "node:path";
import type { LedgerStore } from "./ledger-store.ts";
import type { StoreSettings } from "./store-settings.ts";

/** @throws StoreError when the database cannot be opened: it is locked by another process, or damaged. */
export async function openStore(settings: StoreSettings): Promise<LedgerStore> {
  const {
    path,
    memoryBytes,
    clickhouse,
    archive = join(dirname(path), "archive"),
    readOnly = false,
  } = settings;
  if (clickhouse !== undefined) {
    const { openClickhouse } = await import("./drivers/clickhouse.ts");
    return openClickhouse(clickhouse, { folder: archive, memoryBytes });
  }
  const { openDuckdb } = await import("./drivers/duckdb.ts");
  return openDuckdb({ path, memoryBytes, archive, readOnly });
}
