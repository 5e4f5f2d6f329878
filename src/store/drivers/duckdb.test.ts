import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ledgerRow } from "../../../test/helpers/ledger-row.ts";
import { asValues, idOf, ledgerStoreSuite } from "../../../test/helpers/ledger-store-suite.ts";
import { RowCalls } from "../calls.ts";
import { COLUMNS, type LedgerRow } from "../ledger-row.ts";
import type { LedgerStore } from "../ledger-store.ts";
import { openDuckdb } from "./duckdb.ts";
import { migrateDuckdb, SCHEMA_VERSION } from "./duckdb-schema.ts";

let folder = "";
const settings = () => ({
  path: join(folder, "ledger.duckdb"),
  memoryBytes: 128 * 2 ** 20,
  archive: join(folder, "archive"),
});
const open = () => openDuckdb(settings());

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bellwether-duckdb-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("DuckDB as the ledger's database", () => {
  ledgerStoreSuite({ open, reopen: open, remove: () => Promise.resolve() });
});

describe("calls that DuckDB cannot take", () => {
  /** They cannot be written at all. */
  class Unwritable extends RowCalls {
    override write(): boolean {
      throw new RangeError("no memory");
    }
  }

  it("are not there, and others that are inserted at the same time and after them are, once", async () => {
    const store = await openDuckdb({ ...settings(), memoryBytes: 32 * 2 ** 20 });
    await store.migrate();
    await store.insert([ledgerRow({ id: idOf(0) })]);
    // DuckDB takes these in, and has no memory to commit them.
    const large = Array.from({ length: 64 }, (_, n) =>
      ledgerRow({ id: idOf(100 + n), path: Buffer.alloc(2 ** 19, `${n}`).toString() }),
    );
    const tries = [
      ...[1, 2].map((n) => store.insertCalls(new Unwritable([ledgerRow({ id: idOf(n) })]))),
      ...[store.insert(large), store.insert(large), store.insert([ledgerRow({ id: idOf(3) })])],
    ];
    const outcomes = await Promise.allSettled(tries);
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...["rejected", "rejected", "rejected", "rejected"],
      "fulfilled",
    ]);
    const rows = [0, 1, 2, 3, 4].map((n) => ledgerRow({ id: idOf(n) }));
    expect(await store.insert(rows)).toBe(3);
    const found = await store.query({ text: "SELECT id FROM calls ORDER BY id", params: [] });
    expect(found).toEqual(rows.map(({ id }) => ({ id })));
    await store.close();
  });
});

it("a few calls are read without a join, which would look at all of them again", async () => {
  const store = await open();
  await store.migrate();
  await store.insert([ledgerRow()]);
  const text = "EXPLAIN SELECT * FROM calls WHERE id = 'x' ORDER BY started_at DESC LIMIT 50";
  const plan = JSON.stringify(await store.query({ text, params: [] }));
  expect(plan).toMatch(/TOP_N/);
  expect(plan).not.toMatch(/JOIN/);
  await store.close();
});

it("ids that hash alike are of different calls", async () => {
  const store = await open();
  await store.migrate();
  // 31 × "A" + "a" is 31 × "B" + "B".
  const rows = ["AaAa", "BBBB", "AaBB", "BBBB", "BBAa", "AaAa"].map((id) => ledgerRow({ id }));
  expect(await store.insert(rows)).toBe(4);
  await store.close();
});

it("a call that is there already is not there twice when memory is collected", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const store = await open();
  await store.migrate();
  for (let time = 0; time < 3; time++) await store.insert([ledgerRow()]);
  for (let turn = 0; turn < 3; turn++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await store.query({ text: "SELECT count(*) AS n FROM calls", params: [] })).toEqual([{ n: 1 }]);
  await store.close();
});

describe("the schema of the DuckDB file", () => {
  it("has the columns of the ledger's row, in their order", async () => {
    const store = await open();
    await store.migrate();
    const found = await store.query({
      text: "SELECT column_name AS name, is_nullable = 'YES' AS nullable FROM information_schema.columns WHERE table_name = 'calls' AND table_catalog != 'temp' ORDER BY ordinal_position",
      params: [],
    });
    expect(found).toEqual(COLUMNS.map(({ name, nullable }) => ({ name, nullable: nullable ?? false })));
    await store.close();
  });

  it("comes forward from version 1 with its rows", async () => {
    const { path } = settings();
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    await migrateDuckdb(connection, path, 1);
    const values = COLUMNS.filter(({ name }) => name !== "sent_ms").map(({ type }) =>
      type === "boolean"
        ? "true"
        : type === "time"
          ? "TIMESTAMP '2026-01-01'"
          : type === "text" || type === "category"
            ? "'x'"
            : "7",
    );
    await connection.run(`INSERT INTO calls VALUES (${values.join(", ")})`);
    connection.closeSync();
    instance.closeSync();
    const store = await open();
    await store.migrate();
    await store.migrate();
    await store.insert([ledgerRow()]);
    const versions = await store.query({
      text: "SELECT version FROM bellwether_schema ORDER BY version",
      params: [],
    });
    expect(versions).toEqual(Array.from({ length: SCHEMA_VERSION }, (_, n) => ({ version: n + 1 })));
    expect(SCHEMA_VERSION).toBeGreaterThan(1);
    expect(await store.query({ text: "SELECT id, cost FROM calls ORDER BY id", params: [] })).toEqual([
      { id: ledgerRow().id, cost: "0.0006" },
      { id: "x", cost: "7" },
    ]);
    await store.close();
  });

  it("is refused when a newer program wrote it", async () => {
    const store = await open();
    await store.migrate();
    await store.close();
    const instance = await DuckDBInstance.create(settings().path);
    const connection = await instance.connect();
    await connection.run("INSERT INTO bellwether_schema VALUES (99, TIMESTAMP '2030-01-01')");
    connection.closeSync();
    instance.closeSync();
    const again = await open();
    await expect(again.migrate()).rejects.toMatchObject({
      kind: "newer-schema",
      message: expect.stringContaining(`version 99; this program knows ${SCHEMA_VERSION} at most`),
    });
    await again.close();
  });
});

describe("a DuckDB file that cannot be used", () => {
  it("is told to be damaged when it is something else, and is left as it is", async () => {
    writeFileSync(settings().path, "this is no database\n".repeat(1000));
    await expect(open()).rejects.toMatchObject({
      kind: "corrupted",
      message: expect.stringMatching(/ledger repair/),
    });
    expect(existsSync(settings().path)).toBe(true);
  });

  it("is told to be damaged when its head was overwritten", async () => {
    const store = await open();
    await store.migrate();
    await store.insert([ledgerRow()]);
    await store.close();
    writeSync(openSync(settings().path, "r+"), Buffer.alloc(12_288, 0xaa), 0, 12_288, 0);
    await expect(open()).rejects.toMatchObject({ kind: "corrupted" });
  });

  it("is told to be in use while another process has it", async () => {
    const { path } = settings();
    const script = `const { DuckDBInstance } = require("@duckdb/node-api");
      DuckDBInstance.create(${JSON.stringify(path)}).then(() => console.log("open"), console.error);
      process.stdin.resume();`;
    const other = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "inherit"] });
    try {
      await once(other.stdout, "data");
      await expect(open()).rejects.toMatchObject({
        kind: "locked",
        message: expect.stringMatching(/Stop it first/),
      });
    } finally {
      other.kill("SIGKILL");
      await once(other, "close");
    }
  });
});

describe("the archive of the DuckDB file", () => {
  const DAY = 86_400_000;
  const start = Date.UTC(2026, 7, 1);
  const days = (count: number, per: number): LedgerRow[] =>
    Array.from({ length: count * per }, (_, n) => {
      const startedAt = start + Math.floor(n / per) * DAY + (n % per);
      return ledgerRow({ id: idOf(n, startedAt), startedAt });
    });
  const idsOf = async (store: LedgerStore, archived: boolean) => {
    const found = await store.query({
      text: `SELECT id FROM ${store.sql.table(archived)} ORDER BY id`,
      params: [],
    });
    return found.map(({ id }) => id);
  };

  it("takes the days that are over, one file each, and reports can still include them", async () => {
    const store = await open();
    await store.migrate();
    const rows = days(4, 10);
    await store.insert(rows);
    const archived = await store.archive(start + 2 * DAY + 5 * 3_600_000);
    expect(archived.map(({ day, calls }) => [day, calls])).toEqual([
      ["2026-08-01", 10],
      ["2026-08-02", 10],
    ]);
    expect(readdirSync(settings().archive).sort()).toEqual(["2026-08-01.parquet", "2026-08-02.parquet"]);
    expect(await idsOf(store, false)).toEqual(rows.slice(20).map(({ id }) => id));
    const found = await store.query({
      text: `SELECT ${COLUMNS.map(({ name }) => name).join(", ")} FROM ${store.sql.table(true)} ORDER BY id`,
      params: [],
    });
    expect(found).toEqual(rows.map(asValues));
    expect(await store.archive(start + 2 * DAY)).toEqual([]);
    await store.close();
  });

  it("joins rows that come late to their day, and counts a call that is in both places once", async () => {
    const store = await open();
    await store.migrate();
    await store.insert(days(1, 10));
    await store.archive(start + DAY);
    await store.insert(days(1, 14));
    expect(await idsOf(store, true)).toEqual(days(1, 14).map(({ id }) => id));
    expect((await store.archive(start + DAY)).map(({ calls }) => calls)).toEqual([14]);
    expect(await idsOf(store, true)).toEqual(days(1, 14).map(({ id }) => id));
    expect(await idsOf(store, false)).toEqual([]);
    await store.close();
  });

  it("begins again where it was killed: an unfinished file goes, no row is lost", async () => {
    const first = await open();
    await first.migrate();
    await first.insert(days(2, 10));
    await first.archive(start + DAY);
    await first.close();
    writeFileSync(join(settings().archive, "2026-08-02.parquet.unfinished"), "half");
    const store = await open();
    await store.migrate();
    expect(readdirSync(settings().archive)).toEqual(["2026-08-01.parquet"]);
    expect(await idsOf(store, true)).toEqual(days(2, 10).map(({ id }) => id));
    await store.close();
  });
});
