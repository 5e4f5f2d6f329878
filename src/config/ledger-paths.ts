/** Where the ledger's files are: the server and the commands that read them without it look in the same place. */
import { dirname, join, resolve } from "node:path";
import type { Loaded } from "./load.ts";

export interface LedgerPaths {
  /** Absolute path of the DuckDB file. */
  readonly database: string;
  /** Absolute path of the journal's folder. */
  readonly journal: string;
}

/** Relative paths start at the configuration file's folder, or at `cwd` when there is no file. */
export function ledgerPaths({ config, file }: Pick<Loaded, "config" | "file">, cwd: string): LedgerPaths {
  const base = file === undefined ? cwd : dirname(file);
  const database = resolve(base, config.ledger.path);
  const { path } = config.ledger.journal;
  return { database, journal: path === undefined ? join(dirname(database), "journal") : resolve(base, path) };
}
