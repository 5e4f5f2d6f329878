/** The ledger's rows in the order of time, page by page, and as the lines of text formats. */
import { COLUMNS } from "../../store/ledger-row.ts";
import type { LedgerStore, Value } from "../../store/ledger-store.ts";
import { openBoth, withArchive } from "../reports/archive.ts";
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

/** Where an export goes on: behind this call, or, without an id, with the first that began at this time or later. */
export interface ExportPlace {
  readonly at: number;
  readonly id: string;
}

export interface ExportPage {
  readonly rows: readonly Values[];
  /** Undefined on the last page. */
  readonly next: ExportPlace | undefined;
}

/** Pages of rows. */
export async function* exportPages(
  store: LedgerStore,
  range: ExportRange,
): AsyncGenerator<readonly Values[]> {
  const { both, close } = await openBoth(store, range.archived);
  try {
    let place: ExportPlace | undefined;
    do {
      const page = await exportPage(both, range, place);
      if (page.rows.length > 0) yield page.rows;
      place = page.next;
    } while (place !== undefined);
  } finally {
    await close();
  }
}

/** The next page, of one day at most. */
export function exportPage(
  store: LedgerStore,
  range: ExportRange,
  place: ExportPlace = { at: range.from, id: "" },
): Promise<ExportPage> {
  return withArchive(store, range.archived, async (both) => {
    const { apart } = both;
    if (apart === undefined || place.at >= apart.until) return pageOf(both, range, place);
    const older = { ...range, to: Math.min(range.to, apart.until) };
    const page = await pageOf(apart.store, older, place);
    if (page.next !== undefined || range.to <= apart.until) return page;
    return { rows: page.rows, next: { at: apart.until, id: "" } };
  });
}

/** A day at a time, so that a page is sorted out of a day's calls and not of all. */
async function pageOf(
  store: LedgerStore,
  { to, archived }: ExportRange,
  { at, id }: ExportPlace,
): Promise<ExportPage> {
  const { sql } = store;
  const time = (index: number) => sql.param(index, "time");
  const table = sql.table(archived);
  let start = at;
  if (id === "") {
    const [found] = await store.query({
      text: `SELECT min(started_at) AS first, count(*) AS calls FROM ${table} WHERE started_at >= ${time(0)} AND started_at < ${time(1)}`,
      params: [at, to],
    });
    if (found === undefined || found.calls === 0) return { rows: [], next: undefined };
    start = Number(found.first);
  }
  const end = Math.min(to, (Math.floor(start / DAY_MS) + 1) * DAY_MS);
  const rows = await store.query({
    text: `SELECT ${NAMES.join(", ")} FROM ${table} WHERE started_at >= ${time(0)} AND started_at < ${time(1)}
      AND (started_at > ${time(0)} OR id > ${sql.param(2, "text")}) ORDER BY started_at, id LIMIT ${PAGE_ROWS}`,
    params: [start, end, id],
  });
  const last = rows.at(-1);
  if (last !== undefined && rows.length === PAGE_ROWS) {
    return { rows, next: { at: Number(last.started_at), id: String(last.id) } };
  }
  return { rows, next: end < to ? { at: end, id: "" } : undefined };
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

export type TextFormatName = keyof typeof textFormats;

/** The next page as text, the first with what stands before the rows. */
export async function exportText(
  store: LedgerStore,
  query: ExportRange & { readonly format: TextFormatName },
  place: ExportPlace | undefined,
): Promise<{ readonly text: string; readonly next: ExportPlace | undefined }> {
  const { head, line }: TextFormat = textFormats[query.format];
  const { rows, next } = await exportPage(store, query, place);
  return { text: (place === undefined ? head : "") + rows.map(line).join(""), next };
}

function told(type: string, value: Value): Value {
  return type === "time" && typeof value === "number" ? new Date(value).toISOString() : value;
}
