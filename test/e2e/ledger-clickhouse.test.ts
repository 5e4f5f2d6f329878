/** ClickHouse against DuckDB on random ledgers, and the running program while its ClickHouse is away. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { LedgerStore } from "../../src/store/ledger-store.ts";
import { openStore } from "../../src/store/open-store.ts";
import { type ClickhouseServer, clickhouseServer } from "../helpers/clickhouse-server.ts";
import { startProduct } from "../helpers/product.ts";
import { sameReportsAsDuckdb } from "../helpers/same-reports.ts";
import { describeWithProgram } from "../helpers/system-program.ts";
import { until } from "../helpers/until.ts";

/** How long its server stays away, besides: `BELLWETHER_AWAY_SECONDS=60` for a longer look. */
const AWAY_MS = Number(process.env.BELLWETHER_AWAY_SECONDS ?? 0) * 1000;

describeWithProgram("clickhouse-server", "a ledger in ClickHouse", (program) => {
  const folder = mkdtempSync(join(tmpdir(), "bellwether-twins-"));
  let server: ClickhouseServer;
  let numbers = 0;
  beforeAll(async () => {
    server = await clickhouseServer(program);
    await server.start();
  });
  afterAll(async () => {
    await server.remove();
    rmSync(folder, { recursive: true, force: true });
  });
  const settings = (database: string) => {
    const { url, user, password } = server;
    return { url, user, password, database };
  };
  const open = (database: string, home = folder): Promise<LedgerStore> =>
    openStore({ path: join(home, "none.duckdb"), memoryBytes: 1e8, clickhouse: settings(database) });

  it("has the same reports as one in DuckDB, whatever the calls", () =>
    sameReportsAsDuckdb((home) => open(`twins_${++numbers}`, home)));

  it("has every call once after its server was away", async () => {
    const product = await startProduct({ config: { ledger: { clickhouse: settings("away") } } });
    let expected = 0;
    const call = async (): Promise<number> => {
      const body = JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content: "?" }] });
      const response = await fetch(`${product.url}/v1/chat/completions`, { method: "POST", body });
      await response.arrayBuffer();
      return response.status;
    };
    const calls = async (count: number) => {
      for (let done = 0; done < count; done++) expect(await call()).toBe(200);
    };
    const rows = async () => {
      const page = await (await fetch(`${product.url}/metrics`)).text();
      return Number(/^bellwether_ledger_rows_total (\S+)$/m.exec(page)?.[1]);
    };
    try {
      await calls(20);
      await until(rows, 20);
      await server.stop();
      await calls(30);
      await until(() => product.stdout.includes("ledger not writable"), true);
      let sent = 50;
      const back = performance.now() + AWAY_MS;
      do {
        await calls(10);
        sent += 10;
        await sleep(100);
      } while (performance.now() < back);
      await server.start();
      await until(rows, sent);
      await calls(5);
      await until(rows, sent + 5);
      expected = sent + 5;
    } finally {
      await product.close();
    }
    const store = await open("away");
    const [found] = await store.query({
      text: "SELECT count(*) AS n, count(DISTINCT id) AS ids FROM calls",
      params: [],
    });
    await store.close();
    expect(found).toEqual({ n: expected, ids: expected });
  });
});
