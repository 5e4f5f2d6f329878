/** Single calls as rows, for `calls` and `slow`. */
import { formatUsd, scaled } from "../../core/money.ts";
import type { LedgerStore, Value } from "../../store/ledger-store.ts";
import { type Part, partsOf } from "./archive.ts";
import type { ReportColumn, ReportQuery, ReportTable } from "./report.ts";
import { Statement } from "./statement.ts";

interface CallColumn extends ReportColumn {
  readonly sql: string;
}

/** What tells most comes first: a narrow terminal shows only that. */
const COLUMNS: readonly CallColumn[] = [
  { name: "started_at", title: "time", unit: "time", sql: "started_at" },
  { name: "status", title: "status", unit: "text", sql: "status" },
  { name: "model", title: "model", unit: "text", sql: "model" },
  { name: "duration_ms", title: "took", unit: "milliseconds", sql: "duration_ms" },
  { name: "cost_usd", title: "cost", unit: "usd", sql: "cost" },
  { name: "error_type", title: "error", unit: "text", sql: "error_type" },
  { name: "id", title: "id", unit: "text", sql: "id" },
  { name: "app", title: "app", unit: "text", sql: "app" },
  { name: "upstream", title: "upstream", unit: "text", sql: "upstream" },
  { name: "endpoint", title: "endpoint", unit: "text", sql: "endpoint" },
  { name: "first_token_ms", title: "1st token", unit: "milliseconds", sql: "first_token_ms" },
  { name: "input_tokens", title: "input", unit: "tokens", sql: "input_tokens" },
  { name: "output_tokens", title: "output", unit: "tokens", sql: "output_tokens" },
  { name: "source", title: "usage", unit: "text", sql: "source" },
];

/** What else is told of a call that was asked for by its id. */
const DETAILS: readonly CallColumn[] = [
  ...COLUMNS,
  ...(
    [
      ["team", "text"],
      ["route", "text"],
      ["model_requested", "text"],
      ["model_sent", "text"],
      ["model_answered", "text"],
      ["method", "text"],
      ["path", "text"],
      ["error_code", "text"],
      ["service_tier", "text"],
      ["trace_id", "text"],
      ["upstream_request_id", "text"],
      ["first_byte_ms", "milliseconds"],
      ["overhead_ms", "milliseconds"],
      ["retries", "count"],
      ["bytes_in", "bytes"],
      ["bytes_out", "bytes"],
      ["cached_input_tokens", "tokens"],
      ["cache_write_5m_tokens", "tokens"],
      ["cache_write_1h_tokens", "tokens"],
      ["reasoning_tokens", "tokens"],
      ["images", "count"],
      ["characters", "count"],
      ["audio_ms", "milliseconds"],
      ["list_cost", "usd"],
    ] as const
  ).map(([name, unit]) => ({ name, title: name.replaceAll("_", " "), unit, sql: name })),
];

/** The order is a column of ours, never a user's. */
export async function callsTable(
  store: LedgerStore,
  query: ReportQuery,
  order: "started_at" | "duration_ms",
  limit: number,
  condition?: string,
): Promise<ReportTable> {
  const columns = query.where.id === undefined ? COLUMNS : DETAILS;
  const rows: Value[][] = [];
  for (const part of partsOf(store, query)) {
    rows.push(...(await rowsOfPart(part, columns, order, limit, condition)));
  }
  const [first, second] = [order, "id"].map((name) => columns.findIndex((column) => column.name === name));
  rows.sort((a, b) => descending(a[first ?? 0], b[first ?? 0]) || descending(a[second ?? 0], b[second ?? 0]));
  return {
    name: "calls",
    title: order === "started_at" ? "newest first" : "slowest first",
    columns: columns.map(({ name, title, unit }) => ({ name, title, unit })),
    rows: rows.slice(0, limit),
  };
}

/** Numbers, or texts that are ASCII. */
function descending(a: Value | undefined, b: Value | undefined): number {
  if (a === b) return 0;
  return (a ?? "") < (b ?? "") ? 1 : -1;
}

async function rowsOfPart(
  { store, query }: Part,
  columns: readonly CallColumn[],
  order: "started_at" | "duration_ms",
  limit: number,
  condition: string | undefined,
): Promise<Value[][]> {
  const last = await lastShown(store, query, order, limit, condition);
  const statement = new Statement(store);
  const least =
    last === undefined
      ? []
      : [`${order} >= ${statement.param(last, order === "started_at" ? "time" : "float")}`];
  const conditions = [...least, ...(condition === undefined ? [] : [condition])];
  const source = statement.source(query, conditions.length === 0 ? undefined : conditions.join(" AND "));
  const selected = columns.map(({ sql, name }, index) =>
    // An interrupted call has no status; 0 would look like one.
    name === "status"
      ? `CASE WHEN interrupted THEN NULL ELSE status END AS c${index}`
      : `${sql} AS c${index}`,
  );
  const rows = await store.query(
    statement.query(`SELECT ${selected.join(", ")} ${source} ORDER BY ${order} DESC, id DESC LIMIT ${limit}`),
  );
  return rows.map((row) => columns.map((column, index) => shown(column, row[`c${index}`] ?? null)));
}

/** The order's value of the last row: to find it takes one column of all calls, what the rows hold then of a few. */
async function lastShown(
  store: LedgerStore,
  query: ReportQuery,
  order: string,
  limit: number,
  condition?: string,
): Promise<number | undefined> {
  const statement = new Statement(store);
  const source = statement.source(query, condition);
  const found = await store.query(
    statement.query(`SELECT ${order} AS v ${source} ORDER BY ${order} DESC LIMIT ${limit + 1}`),
  );
  const last = found.at(-1)?.v;
  return found.length <= limit || last === null || last === undefined ? undefined : Number(last);
}

function shown({ name, unit }: CallColumn, value: Value): Value {
  if (unit === "usd" && value !== null) return formatUsd(scaled(String(value), 12));
  if (name === "status") return value === null ? "interrupted" : String(value);
  return value;
}
