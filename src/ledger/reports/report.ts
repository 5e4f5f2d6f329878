/**
 * What a report is, and what it returns. A report is one file with one function and one line in index.ts;
 * terminal, CSV, JSON, the admin API, the page and the HTML file all show the same result.
 */
import type { LedgerStore, Value } from "../../store/ledger-store.ts";

/** How a column's values are to be shown. `ratio` is 0 to 1, `usd` exact decimal text, `time` milliseconds since the epoch. */
export type Unit = "text" | "count" | "tokens" | "ratio" | "milliseconds" | "bytes" | "usd" | "time";

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
  "hour",
  "day",
  "week",
  "month",
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** What can be asked of any report; checked already. */
export interface ReportQuery {
  readonly from: number;
  readonly to: number;
  readonly timeZone: string;
  readonly by: readonly Dimension[];
  /** Only calls with this value. */
  readonly where: Readonly<Partial<Record<"model" | "app" | "team" | "upstream" | "endpoint", string>>>;
  /** Also the calls that Bellwether made itself to probe. */
  readonly probes: boolean;
  /** Also the days that retention has moved to the archive. */
  readonly archived: boolean;
  /** At most this many rows a table. */
  readonly limit: number;
}

export interface Report {
  readonly name: string;
  /** One line for --help. */
  readonly summary: string;
  run(store: LedgerStore, query: ReportQuery): Promise<ReportResult>;
}
