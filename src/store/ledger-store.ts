/**
 * The port to the database that holds the ledger. A driver is one file in drivers/ and passes the suite in
 * ledger-store.suite.ts, so that reports need not know which one they ask.
 */
import type { Calls } from "./calls.ts";
import type { LedgerRow } from "./ledger-row.ts";

/** A value of a result. Money is exact text in dollars, times are milliseconds since the epoch, counts are numbers. */
export type Value = string | number | boolean | null;

/** A statement with its parameters. Whatever a user wrote is a parameter, never part of the text. */
export interface Query {
  readonly text: string;
  readonly params: readonly (string | number | boolean)[];
}

/**
 * What the databases write differently. Reports put their SQL together from these and from what both know.
 * Every method returns SQL; `expression` is SQL too, never a user's text.
 */
export interface SqlDialect {
  /** The ledger's table, each call once, with the archived days when `archived`. */
  table(archived: boolean): string;
  /** The place of the `index`th parameter, counted from 0. */
  param(index: number, type: "text" | "integer" | "float" | "time"): string;
  /** The exact `q`-quantile by linear interpolation of a float column. */
  quantile(expression: string, q: number): string;
  /** Whether text matches a LIKE pattern in which `\` takes `%`, `_` and itself literally; case counts. */
  like(expression: string, pattern: string): string;
  /** Number of rows for which a condition holds. */
  countIf(condition: string): string;
  /** Start of the hour, day, week (Monday) or month in a time zone (IANA name, checked before), as a time. */
  truncate(unit: "minute" | "hour" | "day" | "week" | "month", expression: string, timeZone: string): string;
  /** A sum of money as exact text in dollars; null when there is nothing to sum. */
  sumMoney(expression: string): string;
}

/** A day that is in the archive. */
export interface ArchivedDay {
  /** As 2026-08-31. */
  readonly day: string;
  readonly calls: number;
  readonly file: string;
}

/**
 * Calls summed up by hour and by day (UTC), for reports over more calls than can be looked at. A table of them has the
 * columns of ROLLUP_COLUMNS, every fact as a column of its name, and for each of VALUES the classes that there are
 * (`<value>_classes`) with how many calls are in each (`<value>_counts`).
 */
export interface Rollups {
  table(level: RollupLevel): string;
  /** Every call that began before this (milliseconds, a whole unit) is in the table of the level, once. */
  until(level: RollupLevel): number;
}

/** `hours` and `days` keep all dimensions, `allHours` none but `probe`. */
export type RollupLevel = "hours" | "days" | "allHours";

/** Has every call that began before `until` (milliseconds), wherever it is kept; the other database has those after. */
export interface ArchivePart {
  readonly store: LedgerStore;
  readonly until: number;
}

export interface LedgerStore {
  readonly sql: SqlDialect;
  /**
   * The archive as a database of its own, where this one does not read its files; undefined when there are none. To be
   * closed by whoever asked for it.
   */
  openArchive?(): Promise<ArchivePart | undefined>;
  /** Set where both are to be asked together (reports/archive.ts). */
  readonly apart?: ArchivePart;
  /** Undefined where the database needs none. */
  readonly rollups?: Rollups | undefined;
  /** Sums up what is old enough, a part at a time; true when there is more to do. `now` in milliseconds. */
  rollUp?(now: number): Promise<boolean>;
  /** Brings the schema to the newest version. @throws when it is newer than this program, or cannot be read. */
  migrate(): Promise<void>;
  /** Adds rows; one whose id is there already is ignored. Resolves, when they are durable, to how many were added. */
  insert(rows: readonly LedgerRow[]): Promise<number>;
  /** The same; those that cannot be read are left out. */
  insertCalls(calls: Calls): Promise<number>;
  query(query: Query): Promise<Readonly<Record<string, Value>>[]>;
  /** Moves every day (UTC) that ended at or before `before` to a Parquet file of its own in the archive. May be repeated. */
  archive(before: number): Promise<readonly ArchivedDay[]>;
  /** Breaks off the question that runs just then, where the database can: it rejects. */
  interrupt?(): void;
  /** Waits for what is being written; questions are broken off. */
  close(): Promise<void>;
}
