/**
 * The archive beside a database that does not read its files: each is asked for its part of the range, and the answers
 * are put together. Where the database reads the files itself there is only one part.
 */
import { formatUsd, scaled } from "../../core/money.ts";
import { type AggregateName, kindOf } from "../../store/facts.ts";
import type { LedgerStore, Value } from "../../store/ledger-store.ts";
import type { ReportQuery } from "./report.ts";

/** Lets `use` ask a store together with its archive, when that is wanted and kept apart. */
export async function withArchive<T>(
  store: LedgerStore,
  archived: boolean,
  use: (store: LedgerStore) => Promise<T>,
): Promise<T> {
  const { both, close } = await openBoth(store, archived);
  try {
    return await use(both);
  } finally {
    await close();
  }
}

/** A store together with its archive, when that is wanted and kept apart; `close` lets go of the archive. */
export async function openBoth(
  store: LedgerStore,
  archived: boolean,
): Promise<{ readonly both: LedgerStore; close(): Promise<void> }> {
  const apart = archived ? await store.openArchive?.() : undefined;
  if (apart === undefined) return { both: store, close: () => Promise.resolve() };
  const both: LedgerStore = {
    sql: store.sql,
    apart,
    migrate: () => store.migrate(),
    insert: (rows) => store.insert(rows),
    insertCalls: (calls) => store.insertCalls(calls),
    query: (query) => store.query(query),
    archive: (before) => store.archive(before),
    close: () => store.close(),
  };
  return { both, close: () => apart.store.close() };
}

export interface Part {
  readonly store: LedgerStore;
  readonly query: ReportQuery;
}

/** Who is to be asked for what of a query's range: one after the other in time, none of which overlap. */
export function partsOf(store: LedgerStore, query: ReportQuery): readonly Part[] {
  const { apart } = store;
  if (apart === undefined || query.from >= apart.until) return [{ store, query }];
  const archive = { store: apart.store, query: { ...query, to: Math.min(query.to, apart.until) } };
  if (query.to <= apart.until) return [archive];
  return [archive, { store, query: { ...query, from: apart.until } }];
}

/** A fact of several groups of calls from what it is of each. */
export function together(name: AggregateName, a: Value, b: Value): Value {
  if (a === null || b === null) return a ?? b;
  const { combine, type } = kindOf(name);
  if (type === "money") return formatUsd(scaled(String(a), 12) + scaled(String(b), 12));
  if (combine === "sum") return Number(a) + Number(b);
  return combine === "min" ? Math.min(Number(a), Number(b)) : Math.max(Number(a), Number(b));
}
