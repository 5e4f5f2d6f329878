/**
 * The ledger's rows for commands, from wherever they can be had: the database itself or, while a running Bellwether has
 * that for itself, its admin API.
 */
import { existsSync } from "node:fs";
import { environment } from "../config/environment.ts";
import { loadConfig } from "../config/load.ts";
import { lines } from "../ledger/transfer/csv.ts";
import { type ExportRange, exportPages, type Values } from "../ledger/transfer/export-rows.ts";
import { lineOf, valuesOfLine } from "../ledger/transfer/row-lines.ts";
import { storeSettings } from "../store/configured-store.ts";
import type { LedgerRow } from "../store/ledger-row.ts";
import type { LedgerStore } from "../store/ledger-store.ts";
import { openStore } from "../store/open-store.ts";
import { StoreError } from "../store/store-error.ts";
import { type AdminAddress, askAdmin, localAddress, streamAdmin } from "./admin-client.ts";

export interface LedgerAccess {
  /** In the order of time, each once. */
  pages(range: AskedRange): AsyncIterable<readonly Values[]>;
  /** Adds rows; tells how many were not there yet. */
  insert(rows: readonly LedgerRow[]): Promise<number>;
  close(): Promise<void>;
}

/** A range, and as it was written. */
export interface AskedRange extends ExportRange {
  readonly asked: { readonly from?: string; readonly to?: string; readonly timeZone: string };
}

export interface AccessOptions {
  readonly config?: string;
  /** Ask this Bellwether, and open no file. */
  readonly url?: string;
  /** Without a ledger there is nothing to do. */
  readonly mustExist: boolean;
}

/** Rows that are sent at a time: a running Bellwether reads some 700 KB of text at once for them. */
const SENT_ROWS = 500;
const PAGE_ROWS = 5_000;
const IMPORT_MS = 120_000;

/** @throws StoreError, or Error that says what to do */
export async function accessLedger({ config, url, mustExist }: AccessOptions): Promise<LedgerAccess> {
  const cwd = process.cwd();
  const env = environment();
  const loaded = await loadConfig({ file: config, cwd, env });
  const token = env.BELLWETHER_ADMIN_TOKEN;
  if (url !== undefined) return servedLedger({ url, token });
  const settings = storeSettings(loaded, cwd);
  if (mustExist && settings.clickhouse === undefined && !existsSync(settings.path)) {
    throw new Error(
      `there is no ledger at ${settings.path} yet. Start Bellwether and send a call, name another under ledger.path, or ask one that runs elsewhere with --url.`,
    );
  }
  let store: LedgerStore;
  try {
    store = await openStore(settings);
  } catch (error) {
    if (!(error instanceof StoreError) || error.kind !== "locked") throw error;
    const address = { url: localAddress(loaded), token };
    if ((await askAdmin(address, "/api/session")) !== undefined) return servedLedger(address);
    throw new Error(
      `the ledger ${settings.path} is open in another process, and no Bellwether answers at ${address.url} that could be asked instead. Name the one that has it with --url, or stop it.`,
    );
  }
  await store.migrate();
  return {
    pages: (range) => exportPages(store, range),
    insert: (rows) => store.insert(rows),
    close: () => store.close(),
  };
}

function servedLedger(address: AdminAddress): LedgerAccess {
  const missing = () =>
    new Error(`${address.url} is no Bellwether that knows of this; is one of this version running there?`);
  return {
    async *pages({ asked, archived }) {
      const query = new URLSearchParams({ format: "jsonl", tz: asked.timeZone, archived: String(archived) });
      if (asked.from !== undefined) query.set("from", asked.from);
      if (asked.to !== undefined) query.set("to", asked.to);
      const body = await streamAdmin(address, `/api/export?${query}`);
      if (body === undefined) throw missing();
      let page: Values[] = [];
      for await (const line of lines(body)) {
        page.push(valuesOfLine(line));
        if (page.length < PAGE_ROWS) continue;
        yield page;
        page = [];
      }
      if (page.length > 0) yield page;
    },
    async insert(rows) {
      let added = 0;
      for (let at = 0; at < rows.length; at += SENT_ROWS) {
        const body = rows
          .slice(at, at + SENT_ROWS)
          .map(lineOf)
          .join("");
        const ask = { method: "POST", body, timeoutMs: IMPORT_MS } as const;
        const answer = (await askAdmin(address, "/api/import", ask)) as { added?: unknown } | undefined;
        if (typeof answer?.added !== "number") throw missing();
        added += answer.added;
      }
      return added;
    },
    close: () => Promise.resolve(),
  };
}
