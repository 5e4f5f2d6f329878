/** What a database is opened with. */

/** What the ledger's process needs to open its database: plain data, which can go there. */
export interface StoreSettings {
  /** Absolute path of the DuckDB file. */
  readonly path: string;
  /** Most memory the database may take, in bytes. */
  readonly memoryBytes: number;
  /** Folder of the days that retention has taken out; `archive` beside the file by default. */
  readonly archive?: string;
  /** Only to ask: nothing is made, migrated or written. */
  readonly readOnly?: boolean;
  /** Keep the ledger there instead of in the file. */
  readonly clickhouse?: ClickhouseSettings;
}

/** A ClickHouse server and the database there, which is made when it is missing. */
export interface ClickhouseSettings {
  readonly url: string;
  readonly database: string;
  readonly user: string;
  readonly password: string;
}
