/** How reports look: golden files of every report over the small ledger, and what names from outside cannot do. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { duckdbLedger } from "../../../test/helpers/duckdb-ledger.ts";
import { expectGolden } from "../../../test/helpers/golden.ts";
import { DAY, ledgerRow, SMALL_LEDGER } from "../../../test/helpers/small-ledger.ts";
import type { LedgerStore } from "../../store/ledger-store.ts";
import { reports, runReport } from "../reports/index.ts";
import { renderCsv } from "./csv.ts";
import { formatMoney, formatMs } from "./format.ts";
import { renderHtml } from "./html.ts";
import { pictureOf } from "./picture.ts";
import { pngOf } from "./png.ts";
import { displayWidth, renderText, sparkline } from "./text.ts";

const NOON = DAY + 12 * 3_600_000;
const SLA = { slaMs: 2500 };
const HOSTILE = '=cmd|"/c"<script>alert(1)</script>\u001b[2J\u202e通义千问';
const plain = (_: string, text: string) => text;
let store: LedgerStore;
let hostile: LedgerStore;

beforeAll(async () => {
  store = await duckdbLedger();
  await store.insert(SMALL_LEDGER);
  hostile = await duckdbLedger();
  const quantities = { inputTokens: 10, outputTokens: 1 };
  await hostile.insert([
    ledgerRow(1, 5, {
      modelLabel: HOSTILE,
      app: HOSTILE,
      durationMs: 10,
      quantities,
      cost: 1n,
      listCost: 2n,
    }),
  ]);
});
afterAll(async () => {
  await store.close();
  await hostile.close();
});

const run = (name: string, from: LedgerStore = store) =>
  runReport(name, { from: "2026-03-10", to: "2026-03-10", tz: "UTC" }, from, NOON);

describe.each(reports.map(({ name }) => name))("%s", (name) => {
  it("looks as it should as text, on a terminal and as CSV", async () => {
    const result = await run(name);
    expectGolden(`test/golden/reports/${name}.txt`, renderText(result, { width: undefined, paint: plain }));
    expectGolden(`test/golden/reports/${name}.terminal.txt`, renderText(result, { width: 80, paint: plain }));
    expectGolden(`test/golden/reports/${name}.csv`, result.tables.map(renderCsv).join("\n"));
  });

  it("fits the terminal, however narrow", async () => {
    for (const width of [40, 60, 80, 120]) {
      const lines = renderText(await run(name), { width, paint: plain })
        .split("\n")
        .slice(1);
      const id = name === "calls" || name === "slow";
      // A call's id and its time are never cut: they are what a reader copies.
      expect(Math.max(...lines.map(displayWidth))).toBeLessThanOrEqual(id ? Math.max(width, 57) : width);
    }
  });
});

describe("names from outside", () => {
  it("move no cursor and turn no text around on a terminal", async () => {
    const shown = renderText(await run("summary", hostile), { width: 120, paint: plain });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is what is tested
    expect(shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });

  it("are no formula in a spreadsheet", async () => {
    const table = (await run("summary", hostile)).tables[0];
    expect(table && renderCsv(table)).toContain('"\'=cmd|""/c');
  });

  it("are text on a page, never markup", async () => {
    for (const { name } of reports) {
      const page = renderHtml(await run(name, hostile), SLA);
      expect(page).not.toContain("<script");
      expect(page).not.toContain("\u001b");
    }
  });

  it("do not break a picture", async () => {
    const png = await pngOf(pictureOf(await run("summary", hostile), SLA));
    expect([...png.slice(1, 4)].map((byte) => String.fromCharCode(byte)).join("")).toBe("PNG");
  });
});

describe("a page", () => {
  it("holds all it needs, and its policy allows its own style only", async () => {
    const page = renderHtml(await run("summary"), SLA);
    expectGolden("test/golden/reports/summary.html", page);
    const style = /<style>([\s\S]*)<\/style>/.exec(page)?.[1] ?? "";
    expect(page).toContain(`style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`);
    expect(page).not.toMatch(/(src|href|url)\s*[=(]/);
    expect(page).not.toMatch(/ style="/);
  });
});

describe("a picture", () => {
  it("shows letters without any font of the system, and more of them where there is more to say", async () => {
    const picture = pictureOf(await run("summary"), SLA);
    const blank = picture.replace(/<text[^>]*>[^<]*<\/text>/g, "");
    const [drawn, empty] = [await pngOf(picture), await pngOf(blank)];
    expect(drawn.length).toBeGreaterThan(empty.length * 1.5);
  });

  it("needs the summary by model", async () => {
    const result = await run("errors");
    expect(() => pictureOf(result, SLA)).toThrow(/needs the summary by model/);
  });
});

describe("figures", () => {
  it.each([
    ["0", "$0"],
    ["0.000000000001", "$0.000000000001"],
    ["0.0028", "$0.0028"],
    ["-0.5", "-$0.5"],
    ["12.345", "$12.35"],
    ["1234567.5", "$1,234,567.50"],
  ])("shows %s dollars as %s", (decimal, shown) => expect(formatMoney(decimal, "$")).toBe(shown));

  it.each([
    [0.1234, "0.12 ms"],
    [999.4, "999 ms"],
    [1500, "1.50 s"],
    [125_000, "2 min 05 s"],
  ])("shows %d ms as %s", (ms, shown) => expect(formatMs(ms)).toBe(shown));

  it("draws courses from nothing to the largest", () => {
    expect(sparkline([0, 1, 2, null, 4], 10)).toBe("▁▂▄▁█");
    expect(sparkline([0, 0], 10)).toBe("▁▁");
    expect(
      sparkline(
        Array.from({ length: 100 }, (_, index) => index),
        10,
      ).length,
    ).toBe(10);
  });

  it("counts the columns of Chinese names", () => expect(displayWidth("通义-max")).toBe(8));
});
