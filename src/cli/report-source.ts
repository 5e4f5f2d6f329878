/** Where a report comes from: the Bellwether that runs, or, when none does, its database. */
import { existsSync, readdirSync } from "node:fs";
import { environment } from "../config/environment.ts";
import { ledgerPaths } from "../config/ledger-paths.ts";
import { type Loaded, loadConfig } from "../config/load.ts";
import { reportNamed, runParsed } from "../ledger/reports/index.ts";
import { parseQuery, type ReportParameters } from "../ledger/reports/query.ts";
import type { ReportResult } from "../ledger/reports/report.ts";
import { storeSettings } from "../store/configured-store.ts";
import type { LedgerStore } from "../store/ledger-store.ts";
import { type AdminAddress, askAdmin, localAddress } from "./admin-client.ts";

export interface SourceOptions {
  readonly config?: string;
  readonly url?: string;
}

/** @throws Error saying what to do when there is neither a server nor a database. */
export async function askReport(
  name: string,
  parameters: ReportParameters,
  options: SourceOptions,
): Promise<ReportResult> {
  const env = environment();
  const loaded = await loadConfig({ file: options.config, cwd: process.cwd(), env });
  const address = { url: options.url ?? localAddress(loaded), token: env.BELLWETHER_ADMIN_TOKEN };
  const served = await askServer(name, parameters, address);
  if (served !== undefined) return served;
  if (options.url !== undefined)
    throw new Error(`${options.url} does not answer; is Bellwether running there?`);
  // What is wrong is said before the database is opened.
  const report = reportNamed(name);
  const query = parseQuery(report, parameters, Date.now(), loaded.config.apps);
  return withStore(loaded, async (store, notes) => {
    const result = await runParsed(report, query, store);
    return { ...result, notes: [...result.notes, ...notes] };
  });
}

/** Opens the configured database for reading, and closes it again. */
export async function withStore<Result>(
  loaded: Pick<Loaded, "config" | "file">,
  use: (store: LedgerStore, notes: readonly string[]) => Promise<Result>,
): Promise<Result> {
  const { database, journal } = ledgerPaths(loaded, process.cwd());
  const settings = storeSettings(loaded, process.cwd());
  if (settings.clickhouse === undefined && !existsSync(database)) {
    throw new Error(
      `there is no ledger at ${database} yet. Start Bellwether and send a call, or name another under ledger.path.`,
    );
  }
  const { openStore } = await import("../store/open-store.ts");
  const store = await openStore({ ...settings, readOnly: true });
  try {
    return await use(store, waiting(journal));
  } finally {
    await store.close();
  }
}

/** Undefined when nobody answers there, or somebody who knows of no reports. */
async function askServer(
  name: string,
  parameters: ReportParameters,
  address: AdminAddress,
): Promise<ReportResult | undefined> {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    for (const one of typeof value === "string" ? [value] : (value ?? [])) query.append(key, one);
  }
  const answer = await askAdmin(address, `/api/reports/${encodeURIComponent(name)}?${query}`);
  return isReport(answer) ? answer : undefined;
}

function isReport(body: unknown): body is ReportResult {
  return (
    typeof body === "object" &&
    body !== null &&
    "report" in body &&
    "tables" in body &&
    Array.isArray(body.tables)
  );
}

/** What the journal holds is not in the database before Bellwether runs again. */
function waiting(journal: string): string[] {
  if (!existsSync(journal) || readdirSync(journal).length === 0) return [];
  return ["The journal holds calls that are not in the database yet; Bellwether takes them in when it runs."];
}
