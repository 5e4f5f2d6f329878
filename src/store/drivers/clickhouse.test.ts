import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type ClickhouseServer, clickhouseServer } from "../../../test/helpers/clickhouse-server.ts";
import { ledgerRow } from "../../../test/helpers/ledger-row.ts";
import { asValues, idOf, ledgerStoreSuite } from "../../../test/helpers/ledger-store-suite.ts";
import { describeWithProgram } from "../../../test/helpers/system-program.ts";
import { COLUMNS } from "../ledger-row.ts";
import type { LedgerStore } from "../ledger-store.ts";
import { openStore } from "../open-store.ts";
import { rowOfValues } from "../row-of-values.ts";
import { CLICKHOUSE_TYPES } from "./clickhouse-rows.ts";
import { withParams } from "./clickhouse-sql.ts";

describeWithProgram("clickhouse-server", "ClickHouse as the ledger's database", (program) => {
  let server: ClickhouseServer;
  let folder = "";
  let database = "";
  let numbers = 0;

  const open = (): Promise<LedgerStore> =>
    openStore({
      path: join(folder, "ledger.duckdb"),
      memoryBytes: 128 * 2 ** 20,
      clickhouse: { url: server.url, user: server.user, password: server.password, database },
    });
  const command = async (text: string): Promise<string> => {
    const { url, user, password } = server;
    const response = await fetch(`${url}/?user=${user}&password=${password}`, { method: "POST", body: text });
    if (!response.ok) throw new Error(await response.text());
    return response.text();
  };
  const migrated = async (): Promise<LedgerStore> => {
    const store = await open();
    await store.migrate();
    return store;
  };

  beforeAll(async () => {
    server = await clickhouseServer(program);
    await server.start();
  });
  afterAll(() => server.remove());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "bellwether-clickhouse-ledger-"));
    database = `ledger_${++numbers}`;
  });
  afterEach(async () => {
    rmSync(folder, { recursive: true, force: true });
    await command(`DROP DATABASE IF EXISTS ${database}`);
  });

  describe("as every store", () => {
    ledgerStoreSuite({ open, reopen: open, remove: () => Promise.resolve() });
  });

  it("has the columns of the ledger's row, in their order, and says them with their types", async () => {
    const store = await migrated();
    const found = await store.query({
      text: `SELECT name, type FROM system.columns WHERE database = '${database}' AND table = 'calls'`,
      params: [],
    });
    expect(found).toEqual(
      COLUMNS.map(({ name, type, nullable }) => ({
        name,
        type: nullable ? `Nullable(${CLICKHOUSE_TYPES[type]})` : CLICKHOUSE_TYPES[type],
      })),
    );
    await store.close();
  });

  it("refuses a database that a newer program wrote", async () => {
    const store = await migrated();
    await command(`INSERT INTO ${database}.bellwether_schema SELECT 99, now()`);
    await expect(store.migrate()).rejects.toMatchObject({ kind: "newer-schema" });
    await store.close();
  });

  it("counts a call once even when it was written twice", async () => {
    const store = await migrated();
    await store.insert([ledgerRow()]);
    await command(`INSERT INTO ${database}.calls SELECT * FROM ${database}.calls`);
    const [row] = await store.query({
      text: `SELECT count(*) AS n, ${store.sql.sumMoney("cost")} AS spent FROM ${store.sql.table(false)}`,
      params: [],
    });
    expect(row).toEqual({ n: 1, spent: "0.0006" });
    await store.close();
  });

  it("says what to do while the server is away, and goes on when it is back", async () => {
    const store = await migrated();
    await store.insert([ledgerRow()]);
    await server.stop();
    await expect(store.insert([ledgerRow({ id: idOf(2) })])).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringMatching(/Check `ledger\.clickhouse`/),
    });
    await server.start();
    await store.insert([ledgerRow(), ledgerRow({ id: idOf(2) })]);
    expect(await store.query({ text: "SELECT count(*) AS n FROM calls FINAL", params: [] })).toEqual([
      { n: 2 },
    ]);
    await store.close();
  });

  it("does not tell the password, nor the statement, when it is refused", async () => {
    const wrong = await openStore({
      path: join(folder, "ledger.duckdb"),
      memoryBytes: 2 ** 27,
      clickhouse: { url: server.url, user: "bell", password: "sk-very-secret", database },
    });
    const error: unknown = await wrong.migrate().catch((error: unknown) => error);
    expect(String(error)).toMatch(/ClickHouse refused/);
    expect(String(error)).not.toContain("sk-very-secret");
    await wrong.close();
  });

  it("moves days that are over to Parquet files, and drops them", async () => {
    const DAY = 86_400_000;
    const start = Date.UTC(2026, 7, 1);
    const rows = Array.from({ length: 30 }, (_, n) => {
      const startedAt = start + Math.floor(n / 10) * DAY + n;
      return ledgerRow({ id: idOf(n, startedAt), startedAt });
    });
    const store = await migrated();
    await store.insert(rows);
    const archived = await store.archive(start + 2 * DAY);
    expect(archived.map(({ day, calls }) => [day, calls])).toEqual([
      ["2026-08-01", 10],
      ["2026-08-02", 10],
    ]);
    expect(readdirSync(join(folder, "archive")).sort()).toEqual(["2026-08-01.parquet", "2026-08-02.parquet"]);
    expect(await store.query({ text: "SELECT count(*) AS n FROM calls FINAL", params: [] })).toEqual([
      { n: 10 },
    ]);
    // One comes late, and one is in both places.
    const late = ledgerRow({ id: idOf(99, start), startedAt: start + 5 });
    await store.insert([late, ...rows.slice(19, 20)]);
    const apart = await store.openArchive?.();
    expect(apart?.until).toBe(start + 2 * DAY);
    const ids = await apart?.store.query({
      text: `SELECT id FROM ${apart.store.sql.table(true)} ORDER BY id`,
      params: [],
    });
    expect(ids?.map(({ id }) => id)).toEqual([...rows.slice(0, 20), late].map(({ id }) => id).sort());
    await apart?.store.close();
    await store.close();
    const duckdb = await openStore({ path: join(folder, "ledger.duckdb"), memoryBytes: 2 ** 27 });
    await duckdb.migrate();
    const found = await duckdb.query({
      text: `SELECT * FROM ${duckdb.sql.table(true)} ORDER BY id`,
      params: [],
    });
    expect(found).toEqual(rows.slice(0, 20).map(asValues));
    expect(found.map(rowOfValues)).toEqual(rows.slice(0, 20));
    await duckdb.close();
  });
});

describe("a statement's parameters", () => {
  it("are put in as literals of their type, or refused", () => {
    const text = "SELECT {p0:text}, {p1:integer}, {p0:text}";
    expect(withParams({ text, params: ["it's {p1:integer} \\ \n", 5] })).toBe(
      "SELECT 'it\\'s {p1:integer} \\\\ \\n', 5, 'it\\'s {p1:integer} \\\\ \\n'",
    );
    for (const params of [["a", "1; DROP TABLE calls"], ["a", Number.NaN], ["a", 1.5], ["a"], [1, 1]]) {
      expect(() => withParams({ text, params })).toThrow(TypeError);
    }
  });
});
