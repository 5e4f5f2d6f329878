/** The ledger in a modern ClickHouse: the suite of every store, and the reports of DuckDB. Debian's has its own tests. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LedgerStore } from "../../src/store/ledger-store.ts";
import { openStore } from "../../src/store/open-store.ts";
import { chdb, chdbServer } from "../helpers/chdb-server.ts";
import type { ClickhouseServer } from "../helpers/clickhouse-server.ts";
import { ledgerStoreSuite } from "../helpers/ledger-store-suite.ts";
import { sameReportsAsDuckdb } from "../helpers/same-reports.ts";

describe.skipIf(!chdb.wanted)("a ledger in modern ClickHouse", () => {
  const folder = mkdtempSync(join(tmpdir(), "bellwether-modern-"));
  let server: ClickhouseServer;
  let numbers = 0;
  const open = (home = folder): Promise<LedgerStore> => {
    const { url, user, password } = server;
    const clickhouse = { url, user, password, database: `ledger_${numbers}` };
    return openStore({ path: join(home, "none.duckdb"), memoryBytes: 1e8, clickhouse });
  };
  const fresh = (home = folder): Promise<LedgerStore> => {
    numbers++;
    return open(home);
  };
  beforeAll(async () => {
    await chdb.install();
    server = await chdbServer();
    await server.start();
  }, 360_000);
  afterAll(async () => {
    await server.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it("is one of this decade", async () => {
    const store = await fresh();
    await store.migrate();
    const [row] = await store.query({ text: "SELECT version() AS v", params: [] });
    expect(Number.parseInt(String(row?.v), 10)).toBeGreaterThanOrEqual(25);
    await store.close();
  });

  describe("as every store", () => {
    ledgerStoreSuite({ open: () => fresh(), reopen: () => open(), remove: () => Promise.resolve() });
  });

  it("has the same reports as one in DuckDB, whatever the calls", () => sameReportsAsDuckdb(fresh));
});
