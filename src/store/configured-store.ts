/** The settings of the ledger's database from the configuration, the same for the server and the commands. */
import { ledgerPaths } from "../config/ledger-paths.ts";
import type { Loaded } from "../config/load.ts";
import type { StoreSettings } from "./store-settings.ts";

/** Relative paths start at the configuration file's folder, or at `cwd` when there is no file. */
export function storeSettings(loaded: Pick<Loaded, "config" | "file">, cwd: string): StoreSettings {
  const { memory, clickhouse } = loaded.config.ledger;
  const path = ledgerPaths(loaded, cwd).database;
  if (clickhouse === undefined) return { path, memoryBytes: memory };
  const { url, database, user, password } = clickhouse;
  return {
    path,
    memoryBytes: memory,
    clickhouse: { url, database, user, password: password?.reveal() ?? "" },
  };
}
