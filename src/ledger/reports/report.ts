/**
 * What a report is, and what it returns. A report is one file with one function and one line in index.ts;
 * terminal, CSV, JSON, the admin API, the page and the HTML file all show the same result.
 */
import type { LedgerStore, Value } from "../../store/ledger-store.ts";
import type { AppLabel } from "./app-labels.ts";

/**
 * How a column's values are to be shown. `ratio` is 0 to 1, `usd` and `cny` exact decimal text, `time`
 * milliseconds since the epoch.
 */
export type Unit = "text" | "count" | "tokens" | "ratio" | "milliseconds" | "bytes" | "usd" | "cny" | "time";

export interface ReportColumn {
  readonly name: string;
  readonly title: string;
  readonly unit: Unit;
}

/** One table of a report. */
export interface ReportTable {
  readonly name: string;
  readonly title: string;
  readonly columns: readonly ReportColumn[];
  readonly rows: readonly (readonly Value[])[];
  /** Of the whole table, in the columns' order; null where a sum makes no sense. */
  readonly totals?: readonly Value[];
  /** Set when the first column is the start of a minute, an hour, a day, a week or a month and no row is left out: for charts. */
  readonly series?: TimeUnit;
  /** Rows that the limit left out; the totals count them. */
  readonly omitted?: number;
}

export interface ReportResult {
  readonly report: string;
  /** The range asked of: [from, to) in milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly timeZone: string;
  readonly tables: readonly ReportTable[];
  /** What a reader must know to read it right, as "3 calls are unpriced". */
  readonly notes: readonly string[];
}

export const DIMENSIONS = [
  "model",
  "app",
  "team",
  "upstream",
  "endpoint",
  "route",
  "status",
  "minute",
  "hour",
  "day",
  "week",
  "month",
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** What calls can be grouped by. */
export type Grouping = Dimension | AppLabel;

/** Units of time that a series has its points at. */
export const TIME_UNITS = ["minute", "hour", "day", "week", "month"] as const;
export type TimeUnit = (typeof TIME_UNITS)[number];

/** What calls can be chosen by, besides time. */
export const FILTERS = [
  "model",
  "app",
  "team",
  "upstream",
  "endpoint",
  "route",
  "status",
  "error",
  "id",
  "trace",
] as const;
export type FilterName = (typeof FILTERS)[number];

/** What can be asked of any report; checked already. */
export interface ReportQuery {
  readonly from: number;
  readonly to: number;
  /** When it is asked, in milliseconds since the epoch: where a month is up to. */
  readonly now: number;
  /** IANA name. */
  readonly timeZone: string;
  /** Empty: the report's own choice. */
  readonly by: readonly Grouping[];
  /** Only calls with one of these values; `*` in one stands for any text. */
  readonly where: Readonly<Partial<Record<FilterName, readonly string[]>>>;
  /** Also the calls that Bellwether made itself to probe. */
  readonly probes: boolean;
  /** Also the days that retention has moved to the archive. */
  readonly archived: boolean;
  /** At most this many rows a table; undefined: the report's own choice. */
  readonly limit: number | undefined;
}

export interface Report {
  readonly name: string;
  /** One line for --help. */
  readonly summary: string;
  /** The range when none is asked for, as a user would write it (`7d`, `month`). */
  readonly defaultFrom: string;
  /** Whether `by` means something to it. */
  readonly groups: boolean;
  run(store: LedgerStore, query: ReportQuery): Promise<ReportResult>;
}
