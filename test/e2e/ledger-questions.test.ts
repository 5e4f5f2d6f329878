/** What the admin API asks of the ledger, the same over every database: pages of calls, one call, months, projections. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configSchema } from "../../src/config/schema.ts";
import { callOfId, cursorAfter, parseCallSearch, searchCalls } from "../../src/ledger/calls/search.ts";
import { runReport } from "../../src/ledger/reports/index.ts";
import { MonthLedger } from "../../src/ledger/spending/month.ts";
import { RestOfPeriod } from "../../src/ledger/spending/rest-of-period.ts";
import { restoreBudgets } from "../../src/limits/restore.ts";
import { RuleBook } from "../../src/limits/rules.ts";
import { MemoryCounters } from "../../src/store/drivers/counters-memory.ts";
import type { LedgerRow } from "../../src/store/ledger-row.ts";
import type { LedgerStore } from "../../src/store/ledger-store.ts";
import { openStore } from "../../src/store/open-store.ts";
import { type ClickhouseServer, clickhouseServer } from "../helpers/clickhouse-server.ts";
import { ledgerRow } from "../helpers/ledger-row.ts";
import { idOf } from "../helpers/ledger-store-suite.ts";
import { DAY as MARCH_10, SMALL_LEDGER } from "../helpers/small-ledger.ts";
import { describeWithProgram } from "../helpers/system-program.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const USD = 1_000_000_000_000n;
const memoryBytes = 128 * 2 ** 20;

describe("DuckDB", () => {
  const folder = mkdtempSync(join(tmpdir(), "bellwether-questions-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let numbers = 0;
  questions(() => openStore({ path: join(folder, `${++numbers}.duckdb`), memoryBytes }));
});

describeWithProgram("clickhouse-server", "ClickHouse", (program) => {
  const folder = mkdtempSync(join(tmpdir(), "bellwether-questions-"));
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
  questions(() => {
    const { url, user, password } = server;
    const clickhouse = { url, user, password, database: `questions_${++numbers}` };
    return openStore({ path: join(folder, "ledger.duckdb"), memoryBytes, clickhouse });
  });
});

function questions(open: () => Promise<LedgerStore>): void {
  const filled = async (rows: readonly LedgerRow[], use: (store: LedgerStore) => Promise<void>) => {
    const store = await open();
    try {
      await store.migrate();
      await store.insert(rows);
      await use(store);
    } finally {
      await store.close();
    }
  };
  const search = (store: LedgerStore, parameters: Record<string, string>) =>
    searchCalls(store, parseCallSearch({ tz: "UTC", ...parameters }, MARCH_10 + DAY / 2));

  it("pages tell every call once, the newest first, also those of one millisecond", () => {
    // Ten calls in each of five milliseconds.
    const rows = Array.from({ length: 50 }, (_, n) => {
      const startedAt = MARCH_10 + Math.floor(n / 10);
      return ledgerRow({ id: idOf(n, startedAt), startedAt });
    });
    return filled(rows, async (store) => {
      const seen: string[] = [];
      let cursor: string | undefined;
      for (let pages = 0; pages < 20; pages++) {
        const page = await search(store, {
          from: "2026-03-10",
          limit: "7",
          ...(cursor === undefined ? {} : { cursor }),
        });
        seen.push(...page.rows.map(({ id }) => id));
        const last = page.rows.at(-1);
        if (!page.more || last === undefined) break;
        cursor = cursorAfter(last);
      }
      expect(seen).toEqual(rows.map(({ id }) => id).reverse());
    });
  });

  it("finds calls by what they are, and one by its id whenever it was", () =>
    filled(SMALL_LEDGER, async (store) => {
      const found = async (parameters: Record<string, string>) =>
        (await search(store, { from: "2026-03-10", ...parameters })).rows.map(({ id }) =>
          Number(id.slice(-3)),
        );
      expect(await found({})).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
      expect(await found({ model: "mini", app: "bot", status: "4*" })).toEqual([9, 7]);
      expect(await found({ upstream: "cheap" })).toEqual([5, 4]);
      expect(await found({ error: "client_gone" })).toEqual([9]);
      expect(await found({ to: "2026-03-10T00:25Z" })).toEqual([2, 1]);
      expect(await found({ probes: "true", model: "mini" })).toContain(12);
      expect(await found({ app: "shop' OR '1'='1" })).toEqual([]);
      const [first] = SMALL_LEDGER;
      if (first === undefined) throw new Error("an empty ledger");
      expect(await callOfId(store, first.id)).toEqual(first);
      for (const id of ["nothing", "*", "%", "' OR '1'='1"])
        expect(await callOfId(store, id)).toBe(undefined);
    }));

  it("the month is what the report on cost says, for each upstream too, and what comes late is added", () => {
    const month = new MonthLedger({ timeZone: "UTC", archived: false });
    const now = MARCH_10 + DAY / 2;
    return filled(SMALL_LEDGER, async (store) => {
      const told = await month.refresh(store, now);
      // 0.0126 dollars of gpt-4.1, 0.00015 of mini; the probe is left out.
      expect(told.total).toMatchObject({ cost: (USD * 1275n) / 100_000n, tokens: 6910, method: "linear" });
      expect(told.today).toBe(told.total.cost);
      expect(told.upstreams.cheap).toMatchObject({ cost: (USD * 14n) / 10_000n, tokens: 1100 });
      const report = await runReport("cost", { tz: "UTC" }, store, now);
      const row = report.tables.find(({ name }) => name === "month")?.rows[0];
      expect(row?.[1]).toBe("0.01275");
      expect(Number(row?.[2])).toBeCloseTo(Number(told.total.projected) / 1e12, 12);
      // A call that ends now, and one of the hour that is over.
      const cost = USD;
      await store.insert([
        ledgerRow({ id: idOf(1, now), startedAt: now, upstream: "cheap", cost }),
        ledgerRow({ id: idOf(2, now - HOUR), startedAt: now - HOUR, upstream: "new", cost }),
      ]);
      const later = await month.refresh(store, now + 5_000);
      expect(later.total.cost - told.total.cost).toBe(2n * USD);
      expect(later.upstreams.new?.cost).toBe(USD);
      // The next month begins at nothing; a day on, today does.
      expect(await month.refresh(store, now + DAY)).toMatchObject({
        today: 0n,
        total: { cost: later.total.cost },
      });
      expect((await month.refresh(store, Date.UTC(2026, 3, 1, 1))).total).toMatchObject({
        cost: 0n,
        tokens: 0,
      });
    });
  });

  it("months of zones half an hour off begin at their own midnight", () => {
    // 1 March in Kolkata begins at 18:30 UTC.
    const midnight = Date.UTC(2026, 1, 28, 18, 30);
    const rows = [-1, 0].map((offset, n) =>
      ledgerRow({ id: idOf(n, midnight + offset), startedAt: midnight + offset, cost: USD }),
    );
    const month = new MonthLedger({ timeZone: "Asia/Kolkata", archived: false });
    return filled(rows, async (store) => {
      expect((await month.refresh(store, midnight + DAY)).total.cost).toBe(USD);
      const report = await runReport("cost", { tz: "Asia/Kolkata" }, store, midnight + DAY);
      expect(report.tables.find(({ name }) => name === "month")?.rows[0]?.[1]).toBe("1");
    });
  });

  it("what a budget will still use goes on as its own calls did", () => {
    // A dollar and 1,000 tokens an hour of shop's, twice as much of bot's, for the first two days of March.
    const start = Date.UTC(2026, 2, 1);
    const rows = Array.from({ length: 96 }, (_, n) => {
      const startedAt = start + Math.floor(n / 2) * HOUR;
      const app = n % 2 === 0 ? "shop" : "bot";
      const factor = app === "shop" ? 1 : 2;
      const quantities = { inputTokens: 900 * factor, outputTokens: 100 * factor };
      return ledgerRow({ id: idOf(n, startedAt), startedAt, app, quantities, cost: BigInt(factor) * USD });
    });
    const rest = new RestOfPeriod({ timeZone: "UTC", archived: false });
    const period = { start, end: start + 3 * DAY };
    return filled(rows, async (store) => {
      const asks = [
        { columns: ["app"], name: "shop", unit: "usd", ...period },
        { columns: ["app"], name: "bot", unit: "tokens", ...period },
        { columns: [], name: "all", unit: "usd", ...period },
        { columns: ["model_sent", "model_requested"], name: "gpt-4.1", unit: "usd", ...period },
        { columns: ["team"], name: "nobody", unit: "usd", ...period },
      ] as const;
      const found = await rest.of(store, asks, start + 2 * DAY);
      expect(found).toEqual([24n * USD, 48_000n, 72n * USD, 72n * USD, 0n]);
    });
  });

  it("tells budgets what they had used before a restart", () => {
    const config = configSchema.parse({
      apps: [
        { name: "bot", keys: [`sha256:${"0".repeat(64)}`], budget: { usd: 1, per: "day", timeZone: "UTC" } },
      ],
      models: Object.fromEntries(
        ["gpt-4.1", "mini"].map((model) => [
          model,
          { tokenBudget: { tokens: 1_000_000, per: "month", timeZone: "UTC" } },
        ]),
      ),
    });
    const { budgets } = new RuleBook(config);
    const counters = new MemoryCounters();
    return filled(SMALL_LEDGER, async (store) => {
      await restoreBudgets(
        budgets,
        counters,
        { sql: store.sql, query: (query) => store.query(query) },
        MARCH_10 + DAY / 2,
      );
      expect(await counters.used("budget:usd:app:bot:2026-03-10")).toBe(150_000);
      expect(await counters.used("budget:tokens:model:gpt-4.1:2026-03")).toBe(5_500);
      // Without the probe's 11.
      expect(await counters.used("budget:tokens:model:mini:2026-03")).toBe(1_410);
    });
  });
}
