/** What every driver of the ledger's database must do. Each driver's test calls this with how to open an empty one. */
import fc from "fast-check";
import { afterEach, expect, it } from "vitest";
import { formatUsd, type Pico } from "../../src/core/money.ts";
import { COLUMNS, type LedgerRow } from "../../src/store/ledger-row.ts";
import type { LedgerStore, Query, Value } from "../../src/store/ledger-store.ts";
import { ledgerRow } from "./ledger-row.ts";

export interface StoreUnderTest {
  /** An empty ledger, not migrated. */
  open(): Promise<LedgerStore>;
  /** The same ledger, opened again after `close`. */
  reopen(): Promise<LedgerStore>;
  /** Removes the ledger, after `close`. */
  remove(): Promise<void>;
}

const HOUR = 3_600_000;
const NOON = Date.UTC(2026, 7, 1, 12);

/** Its calls' ids as `uuidv7` would make them, but the same each time. */
export function idOf(number: number, startedAt = NOON): string {
  const time = startedAt.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${number.toString(16).padStart(12, "0")}`;
}

const calls = (count: number, make: (n: number) => Partial<LedgerRow> = () => ({})): LedgerRow[] =>
  Array.from({ length: count }, (_, n) => ledgerRow({ id: idOf(n), startedAt: NOON + n, ...make(n) }));

export function ledgerStoreSuite(under: StoreUnderTest): void {
  let store: LedgerStore | undefined;
  const fresh = async (rows: readonly LedgerRow[] = []): Promise<LedgerStore> => {
    store = await under.open();
    await store.migrate();
    await store.insert(rows);
    return store;
  };
  afterEach(async () => {
    await store?.close();
    store = undefined;
    await under.remove();
  });

  const ask = (of: LedgerStore, select: string, rest = "", params: Query["params"] = [], archived = false) =>
    of.query({ text: `SELECT ${select} FROM ${of.sql.table(archived)} ${rest}`, params });
  const one = async (...asked: Parameters<typeof ask>): Promise<Value | undefined> => {
    const [row] = await ask(...asked);
    return row?.v;
  };

  it("gives back every column of a row, and null for what is not known", async () => {
    const full = ledgerRow({
      quantities: {
        inputTokens: 1,
        cachedInputTokens: 2,
        cacheWrite5mTokens: 3,
        cacheWrite1hTokens: 4,
        audioInputTokens: 5,
        imageInputTokens: 6,
        outputTokens: 7,
        reasoningTokens: 8,
        audioOutputTokens: 9,
        imageOutputTokens: 10,
        images: 11,
        characters: 12,
        audioMs: 13,
      },
      errorType: "reset",
      errorCode: "upstream_reset",
    });
    const bare = ledgerRow({
      id: idOf(2),
      quantities: {},
      cost: undefined,
      listCost: undefined,
      firstTokenMs: undefined,
      firstByteMs: undefined,
      interrupted: true,
      status: 0,
    });
    const of = await fresh([full, bare]);
    const found = await ask(of, COLUMNS.map(({ name }) => name).join(", "), "ORDER BY id");
    expect(found).toEqual([bare, full].sort((a, b) => (a.id < b.id ? -1 : 1)).map(asValues));
  });

  it("takes any text as it is", async () => {
    const texts = [
      "",
      "'",
      "''; DROP TABLE calls; --",
      "\\",
      "\\'",
      "a\tb\nc\r\0d",
      "模型-🐑",
      "\u2028",
      "{p0}",
      "$1",
      "NULL",
      "\\N",
    ];
    const of = await fresh(calls(texts.length, (n) => ({ modelRequested: texts[n] ?? "" })));
    const found = await ask(of, "model_requested AS v", "ORDER BY id");
    expect(found.map(({ v }) => v)).toEqual(texts);
    for (const text of texts) {
      const where = `WHERE model_requested = ${of.sql.param(0, "text")}`;
      expect(await one(of, "count(*) AS v", where, [text])).toBe(1);
    }
  });

  it("takes a call once, however often it comes", async () => {
    const of = await fresh(calls(10));
    await of.insert(calls(15, () => ({ app: "again" })));
    await of.insert([...calls(3), ...calls(3)]);
    expect(await one(of, "count(*) AS v")).toBe(15);
    expect(await one(of, "count(*) AS v", "WHERE app = 'again'")).toBe(5);
  });

  it("takes a call once within a batch, the first one", async () => {
    const of = await fresh([ledgerRow({ app: "first" }), ledgerRow({ app: "second" })]);
    expect((await ask(of, "app AS v")).map(({ v }) => v)).toEqual(["first"]);
  });

  it("knows ids that tell no time", async () => {
    const odd = ["zebra", "0", "it's", "ÄÖ"].map((id) => ledgerRow({ id }));
    const of = await fresh(odd);
    await of.insert(odd.slice(1, 3));
    await of.insert(calls(5));
    expect(await one(of, "count(*) AS v")).toBe(9);
  });

  it("takes many rows at a time, of many days", async () => {
    const rows = calls(5_000, (n) => ({ startedAt: NOON + n * HOUR, id: idOf(n, NOON + n * HOUR) }));
    const of = await fresh(rows);
    await of.insert(rows.slice(2_000));
    expect(await one(of, "count(*) AS v")).toBe(5_000);
  });

  it("inserts calls that are asked for at the same time one after the other", async () => {
    const of = await fresh();
    await Promise.all([of.insert(calls(50)), of.insert(calls(60)), of.insert(calls(40))]);
    expect(await one(of, "count(*) AS v")).toBe(60);
  });

  it("still has its rows when it is opened again", async () => {
    const of = await fresh(calls(7));
    await of.close();
    store = await under.reopen();
    await store.migrate();
    await store.insert(calls(8));
    expect(await one(store, "count(*) AS v")).toBe(8);
  });

  it("adds money up to the pico-dollar", async () => {
    const costs: Pico[] = [1n, 999_999_999_999n, 123_456_789_012_345_678_901n, 0n];
    const of = await fresh(calls(costs.length + 1, (n) => ({ cost: costs[n] })));
    const sum = costs.reduce((a, b) => a + b);
    expect(await one(of, `${of.sql.sumMoney("cost")} AS v`)).toBe(formatUsd(sum));
    expect(await one(of, `${of.sql.sumMoney("cost")} AS v`, "WHERE cost IS NULL")).toBe(null);
  });

  it("finds calls by a time range given in milliseconds", async () => {
    const of = await fresh(calls(10));
    const range = `WHERE started_at >= ${of.sql.param(0, "time")} AND started_at < ${of.sql.param(1, "time")}`;
    expect(await one(of, "count(*) AS v", range, [NOON + 3, NOON + 7])).toBe(4);
    expect(await one(of, "min(started_at) AS v", range, [NOON + 3, NOON + 7])).toBe(NOON + 3);
  });

  it("takes the exact quantile between two values", async () => {
    const of = await fresh(
      calls(4, (n) => ({ durationMs: [10, 20, 40, 80][n] ?? 0, firstTokenMs: undefined })),
    );
    expect(await one(of, `${of.sql.quantile("duration_ms", 0.5)} AS v`)).toBe(30);
    expect(await one(of, `${of.sql.quantile("duration_ms", 0)} AS v`)).toBe(10);
    expect(await one(of, `${of.sql.quantile("duration_ms", 1)} AS v`)).toBe(80);
    expect(await one(of, `${of.sql.quantile("duration_ms", 0.95)} AS v`)).toBeCloseTo(74, 9);
    expect(await one(of, `${of.sql.quantile("first_token_ms", 0.5)} AS v`)).toBe(null);
  });

  it("counts the rows for which something holds", async () => {
    const of = await fresh(calls(10, (n) => ({ status: n < 3 ? 500 : 200, probe: n === 0 })));
    expect(await one(of, `${of.sql.countIf("status >= 500")} AS v`)).toBe(3);
    expect(await one(of, `${of.sql.countIf("NOT probe")} AS v`)).toBe(9);
  });

  it("matches patterns by case, with the wildcards that are escaped taken literally", async () => {
    const names = ["gpt-4.1", "GPT-4.1", "100%", "a_b", "axb", "a\\b"];
    const of = await fresh(calls(names.length, (n) => ({ modelLabel: names[n] ?? "" })));
    const matching = async (pattern: string) => {
      const where = `WHERE ${of.sql.like("model", of.sql.param(0, "text"))} ORDER BY id`;
      return (await ask(of, "model AS v", where, [pattern])).map(({ v }) => v);
    };
    expect(await matching("gpt%")).toEqual(["gpt-4.1"]);
    expect(await matching("%\\%")).toEqual(["100%"]);
    expect(await matching("a\\_b")).toEqual(["a_b"]);
    expect(await matching("a_b")).toEqual(["a_b", "axb", "a\\b"]);
    expect(await matching("a\\\\b")).toEqual(["a\\b"]);
  });

  const zones = ["UTC", "Europe/Berlin", "Asia/Shanghai", "Asia/Kolkata", "America/New_York"];
  const times = [
    "2026-03-29T00:59:59.999Z",
    "2026-03-29T01:00:00Z",
    "2026-10-25T00:30:00Z",
    "2026-10-25T01:30:00Z",
    "2026-12-31T23:30:00Z",
    "2026-08-02T21:59:59.999Z",
    "2026-08-02T22:00:00Z",
  ].map((text) => Date.parse(text));
  it.each(zones)("starts minutes, hours, days, weeks and months by the clock of %s", async (zone) => {
    const of = await fresh(calls(times.length, (n) => ({ startedAt: times[n] ?? 0 })));
    for (const unit of ["minute", "hour", "day", "week", "month"] as const) {
      const found = await ask(of, `started_at AS t, ${of.sql.truncate(unit, "started_at", zone)} AS v`);
      for (const { t, v } of found) {
        expect([unit, new Date(Number(v)).toISOString()]).toEqual([
          unit,
          new Date(startOf(unit, Number(t), zone)).toISOString(),
        ]);
      }
      expect(found).toHaveLength(times.length);
    }
  });

  it("has the books of random calls", async () => {
    const of = await fresh();
    let known: LedgerRow[] = [];
    const row = fc.record({
      n: fc.nat(60),
      cost: fc.option(fc.bigInt(0n, 10n ** 20n), { nil: undefined }),
      tokens: fc.option(fc.nat(2 ** 40), { nil: undefined }),
      app: fc.string({ maxLength: 12, unit: "grapheme" }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { maxLength: 20 }), async (batch) => {
        const rows = batch.map(({ n, cost, tokens, app }) =>
          ledgerRow({
            id: idOf(n, NOON + n * HOUR),
            startedAt: NOON + n * HOUR,
            cost,
            app,
            quantities: tokens === undefined ? {} : { inputTokens: tokens },
          }),
        );
        await of.insert(rows);
        for (const added of rows) if (!known.some(({ id }) => id === added.id)) known = [...known, added];
        const sums = `count(*) AS calls, ${of.sql.sumMoney("cost")} AS cost, sum(input_tokens) AS tokens`;
        const found = await ask(of, `app, ${sums}`, "GROUP BY app");
        const byApp = (rows: typeof found) => new Map(rows.map((found) => [found.app, found]));
        expect(byApp(found)).toEqual(byApp(booksOf(known)));
      }),
      { numRuns: 12 },
    );
  });
}

/** A row as a store tells it. */
export function asValues(row: LedgerRow): Record<string, Value> {
  return Object.fromEntries(
    COLUMNS.map(({ name, value }) => {
      const v = value(row);
      return [name, v === undefined ? null : typeof v === "bigint" ? formatUsd(v) : v];
    }),
  );
}

function booksOf(rows: readonly LedgerRow[]): Record<string, Value>[] {
  return [...new Set(rows.map(({ app }) => app))].map((app) => {
    const own = rows.filter((row) => row.app === app);
    const costs = own.flatMap(({ cost }) => cost ?? []);
    const tokens = own.flatMap(({ quantities }) => quantities.inputTokens ?? []);
    return {
      app,
      calls: own.length,
      cost: costs.length === 0 ? null : formatUsd(costs.reduce((a, b) => a + b)),
      tokens: tokens.length === 0 ? null : tokens.reduce((a, b) => a + b),
    };
  });
}

/** The start of a unit, found by going back minute by minute while the zone's clock shows the same unit. */
function startOf(unit: "minute" | "hour" | "day" | "week" | "month", time: number, zone: string): number {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    dateStyle: "short",
    timeStyle: "medium",
    hourCycle: "h23",
  });
  const parts = (at: number) => format.format(at);
  const key = (at: number): string => {
    const [date = ""] = parts(at).split(", ");
    if (unit === "month") return date.slice(0, 7);
    const days = Date.parse(`${date}T00:00:00Z`) / 86_400_000;
    return unit === "week" ? String(Math.floor((days + 3) / 7)) : date;
  };
  const minute = Math.floor(time / 60_000) * 60_000;
  if (unit === "minute") return minute;
  // The hour that is repeated when summer ends is two, so the clock's minutes are taken off.
  if (unit === "hour") return minute - Number(parts(minute).split(", ")[1]?.slice(3, 5)) * 60_000;
  const step = 900_000;
  let start = Math.floor(time / step) * step;
  while (key(start - step) === key(time)) start -= step;
  return start;
}
