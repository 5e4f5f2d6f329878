/** Single calls out of the ledger: pages of them, newest first, and all that is known of one. */
import { BellwetherError } from "../../core/errors.ts";
import { COLUMNS, type LedgerRow } from "../../store/ledger-row.ts";
import type { LedgerStore } from "../../store/ledger-store.ts";
import { rowOfValues } from "../../store/row-of-values.ts";
import { withArchive } from "../reports/archive.ts";
import { parseQuery, type ReportParameters } from "../reports/query.ts";
import type { ReportQuery } from "../reports/report.ts";
import { Statement } from "../reports/statement.ts";

/** The last call of the page before. */
interface Place {
  readonly startedAt: number;
  readonly id: string;
}

export interface CallSearch {
  readonly query: ReportQuery;
  readonly limit: number;
  /** Only calls that come after this one; undefined: from the newest on. */
  readonly after: Place | undefined;
}

export interface CallPage {
  readonly rows: readonly LedgerRow[];
  /** There are older ones. */
  readonly more: boolean;
}

const PAGE = 50;
const LONGEST_PAGE = 500;
const LONGEST_ID = 256;
const ASKED_FROM = "24h";

/** What a list shows; the rest of a row is left empty. */
const LISTED: ReadonlySet<string> = new Set([
  ...["id", "started_at", "app", "team", "upstream", "endpoint", "model", "route", "probe", "streaming"],
  ...["interrupted", "status", "error_type", "error_code", "source", "input_tokens", "output_tokens"],
  ...["cost", "list_cost", "duration_ms", "first_token_ms", "retries"],
]);

/**
 * Reads a search as it came from a URL: the parameters of reports, and `cursor`.
 * @param now milliseconds since the epoch
 * @throws BellwetherError `bad_parameter`
 */
export function parseCallSearch({ cursor, ...parameters }: ReportParameters, now: number): CallSearch {
  const query = parseQuery({ name: "calls", defaultFrom: ASKED_FROM, groups: false }, parameters, now);
  const { limit = PAGE } = query;
  if (limit > LONGEST_PAGE) fail("limit", `a page has ${LONGEST_PAGE} calls at most; go on with \`cursor\``);
  const given = typeof cursor === "string" ? [cursor] : (cursor ?? []);
  if (given.length > 1) fail("cursor", "is given more than once");
  return { query, limit, after: given[0] === undefined ? undefined : placeOf(given[0]) };
}

/** The `cursor` that goes on after a call. */
export function cursorAfter({ startedAt, id }: Place): string {
  return Buffer.from(`${startedAt}.${id}`).toString("base64url");
}

function placeOf(cursor: string): Place {
  const text = Buffer.from(cursor.slice(0, 2 * LONGEST_ID), "base64url").toString();
  const [, startedAt = "", id = ""] = /^(\d{1,15})\.(.+)$/s.exec(text) ?? [];
  if (id === "" || id.length > LONGEST_ID) {
    fail("cursor", "it is none that a page ended with; leave it out to begin with the newest calls");
  }
  return { startedAt: Number(startedAt), id };
}

function fail(parameter: string, why: string): never {
  throw new BellwetherError("bad_parameter", { parameter, why });
}

export async function searchCalls(store: LedgerStore, search: CallSearch): Promise<CallPage> {
  const { query, limit, after } = search;
  const statement = new Statement(store);
  // The range ends with the page before, so that the database need not look at what is newer.
  const to = after === undefined ? query.to : Math.min(query.to, after.startedAt + 1);
  const condition = after === undefined ? undefined : older(statement, after);
  const source = statement.source({ ...query, to }, condition);
  const columns = COLUMNS.map(({ name }) => name).filter((name) => LISTED.has(name));
  const found = await store.query(
    statement.query(
      `SELECT ${columns.join(", ")} ${source} ORDER BY started_at DESC, id DESC LIMIT ${limit + 1}`,
    ),
  );
  return { rows: found.slice(0, limit).map(rowOfValues), more: found.length > limit };
}

function older(statement: Statement, { startedAt, id }: Place): string {
  const at = statement.param(startedAt, "time");
  const same = statement.param(startedAt, "time");
  return `(started_at < ${at} OR (started_at = ${same} AND id < ${statement.param(id, "text")}))`;
}

/** The call of this id, from the archive when the database has it no more; undefined when there is none. */
export async function callOfId(store: LedgerStore, id: string): Promise<LedgerRow | undefined> {
  // A star would be a pattern.
  if (id.length > LONGEST_ID || id.includes("*")) return undefined;
  const now = Date.now();
  for (const archived of [false, true]) {
    const query: ReportQuery = {
      ...{ from: 0, to: now + DAY_MS, now, timeZone: "UTC", by: [], probes: true, archived, limit: 1 },
      where: { id: [id] },
    };
    const row = await withArchive(store, archived, (both) => callOf(both.apart?.store ?? both, query));
    if (row !== undefined) return row;
  }
  return undefined;
}

async function callOf(store: LedgerStore, query: ReportQuery): Promise<LedgerRow | undefined> {
  const statement = new Statement(store);
  const source = statement.source(query);
  const [row] = await store.query(
    statement.query(`SELECT ${COLUMNS.map(({ name }) => name).join(", ")} ${source} LIMIT 1`),
  );
  return row === undefined ? undefined : rowOfValues(row);
}

const DAY_MS = 86_400_000;
