import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, expect, it } from "vitest";
import { ledgerRow } from "../../../test/helpers/ledger-row.ts";
import { openStore } from "../open-store.ts";

const folder = mkdtempSync(join(tmpdir(), "bellwether-archive-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("an archive of an older program, which knew fewer columns, is read and written on", async () => {
  const settings = { path: join(folder, "ledger.duckdb"), memoryBytes: 128 * 2 ** 20 };
  const store = await openStore(settings);
  await store.migrate();
  await store.insert([ledgerRow()]);
  const [day] = await store.archive(Date.UTC(2026, 7, 2));
  await store.close();
  const file = day?.file ?? "";
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run(
    `COPY (SELECT * EXCLUDE (sent_ms) FROM '${file}') TO '${file}.older' (FORMAT parquet)`,
  );
  connection.closeSync();
  instance.closeSync();
  renameSync(`${file}.older`, file);

  const again = await openStore(settings);
  await again.migrate();
  const rows = () =>
    again.query({
      text: `SELECT id, cost, sent_ms FROM ${again.sql.table(true)} ORDER BY started_at`,
      params: [],
    });
  expect(await rows()).toEqual([{ id: ledgerRow().id, cost: "0.0006", sent_ms: null }]);
  // A late call of the same day joins it.
  const late = ledgerRow({ id: "late", startedAt: ledgerRow().startedAt + 1, sentMs: 3 });
  await again.insert([late]);
  await again.archive(Date.UTC(2026, 7, 2));
  expect(await rows()).toEqual([
    { id: ledgerRow().id, cost: "0.0006", sent_ms: null },
    { id: "late", cost: "0.0006", sent_ms: 3 },
  ]);
  await again.close();
});
