/** An empty ledger in memory for tests of the reports: the product's own driver, without a file. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LedgerStore } from "../../src/store/ledger-store.ts";
import { openStore } from "../../src/store/open-store.ts";

export async function duckdbLedger(): Promise<LedgerStore> {
  const archive = join(tmpdir(), `no-archive-${process.pid}`);
  const store = await openStore({ path: ":memory:", memoryBytes: 128 * 2 ** 20, archive });
  await store.migrate();
  return store;
}
