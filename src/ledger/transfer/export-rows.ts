/** The ledger's rows in the order of time, page by page, and as the lines of text formats. */
import { COLUMNS } from "../../store/ledger-row.ts";
import type { LedgerStore, Value } from "../../store/ledger-store.ts";
import { csvLine } from "./csv.ts";

export type Values = Readonly<Record<string, Value>>;

export interface ExportRange {
  /** [from, to) in milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  /** Also the days that are in the archive. */
  readonly archived: boolean;
}

const NAMES = COLUMNS.map(({ name }) => name);
const PAGE_ROWS = 5_000;
const DAY_MS = 86_400_000;

/** Pages of rows. A day at a time, so that a page is sorted out of a day's calls and not of all. */
export async function* exportPages(
  store: Pick<LedgerStore, "sql" | "query">,
  { from, to, archived }: ExportRange,
): AsyncGenerator<readonly Values[]> {
  const { sql } = store;
  const time = (index: number) => sql.param(index, "time");
  const table = sql.table(archived);
  const [bounds] = await store.query({
    text: `SELECT min(started_at) AS first, max(started_at) AS last, count(*) AS calls FROM ${table} WHERE started_at >= ${time(0)} AND started_at < ${time(1)}`,
    params: [from, to],
  });
  if (bounds === undefined || bounds.calls === 0) return;
  const end = Number(bounds.last) + 1;
  for (let start = Number(bounds.first); start < end; ) {
    const next = Math.min(end, (Math.floor(start / DAY_MS) + 1) * DAY_MS);
    let at = start - 1;
    let id = "";
    for (;;) {
      const page = await store.query({
        text: `SELECT ${NAMES.join(", ")} FROM ${table} WHERE started_at >= ${time(0)} AND started_at < ${time(1)}
          AND (started_at > ${time(2)} OR (started_at = ${time(2)} AND id > ${sql.param(3, "text")}))
          ORDER BY started_at, id LIMIT ${PAGE_ROWS}`,
        params: [start, next, at, id],
      });
      if (page.length > 0) yield page;
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE_ROWS) break;
      at = Number(last.started_at);
      id = String(last.id);
    }
    start = next;
  }
}

/** A text format: what stands before the rows, and a row's line. */
export interface TextFormat {
  readonly head: string;
  line(values: Values): string;
}

/** Times are ISO 8601 in UTC, money is exact decimal text in US dollars. */
export const textFormats = {
  csv: {
    head: csvLine(NAMES),
    line: (values) =>
      csvLine(COLUMNS.map(({ name, type }) => String(told(type, values[name] ?? null) ?? ""))),
  },
  jsonl: {
    head: "",
    line: (values) =>
      `${JSON.stringify(Object.fromEntries(COLUMNS.map(({ name, type }) => [name, told(type, values[name] ?? null)])))}\n`,
  },
} as const satisfies Record<string, TextFormat>;

function told(type: string, value: Value): Value {
  return type === "time" && typeof value === "number" ? new Date(value).toISOString() : value;
}
