/** Untrusted parameters: what they may say, and what is answered to everything else. */
import { describe, expect, it } from "vitest";
import { reportNamed } from "./index.ts";
import { PARAMETERS, parseQuery, type ReportParameters } from "./query.ts";
import { parseTime } from "./time-range.ts";
import { startOf, startsBetween } from "./time-zone.ts";

const NOW = Date.UTC(2026, 2, 13, 10, 30);
const APPS = [{ name: "shop", labels: { env: "prod", constructor: "x" } }, { name: "bot" }];
const parse = (parameters: ReportParameters, report = "summary") =>
  parseQuery(reportNamed(report), { tz: "UTC", ...parameters }, NOW, APPS);

const iso = (range: { from: number; to: number } | undefined) =>
  range && [new Date(range.from).toISOString(), new Date(range.to).toISOString()];

describe("ranges", () => {
  it.each([
    [{}, "2026-03-06T10:30", "2026-03-13T10:30"],
    [{ from: "24h" }, "2026-03-12T10:30", "2026-03-13T10:30"],
    [{ from: "today" }, "2026-03-13T00:00", "2026-03-13T10:30"],
    [{ from: "yesterday" }, "2026-03-12T00:00", "2026-03-13T00:00"],
    [{ from: "month" }, "2026-03-01T00:00", "2026-03-13T10:30"],
    [{ from: "last-month" }, "2026-02-01T00:00", "2026-03-01T00:00"],
    [{ from: "last-week" }, "2026-03-02T00:00", "2026-03-09T00:00"],
    [{ from: "2026-02" }, "2026-02-01T00:00", "2026-03-01T00:00"],
    [{ from: "2026-03-01", to: "2026-03-02" }, "2026-03-01T00:00", "2026-03-03T00:00"],
    [{ from: "2026-03-01T08:00+08:00", to: "2026-03-01T12:00Z" }, "2026-03-01T00:00", "2026-03-01T12:00"],
    [{ from: "2026-03-10", tz: "Asia/Shanghai", to: "2026-03-10" }, "2026-03-09T16:00", "2026-03-10T16:00"],
  ])("%j", (parameters, from, to) => {
    expect(iso(parse(parameters))).toEqual([`${from}:00.000Z`, `${to}:00.000Z`]);
  });

  it.each([
    [{ from: "2026-03-12", to: "2026-03-11" }, /the range is empty/],
    [{ from: "now" }, /the range is empty/],
    [{ from: "2027-01-01" }, /lies in the future/],
    [{ from: "2026-02-30" }, /"2026-02-30" is no time; write 7d/],
    [{ from: "1999-01-01" }, /is no time/],
    [{ from: "999999w" }, /longer than 20 years/],
    [{ from: "-5d" }, /is no time/],
    [{ from: "__proto__" }, /is no time/],
    [{ from: "constructor" }, /is no time/],
    [{ from: ["7d", "8d"] }, /given more than once/],
  ])("refuses %j", (parameters, message) => {
    expect(() => parse(parameters)).toThrow(message);
  });
});

describe("names", () => {
  it.each([
    [{ by: "modle" }, /did you mean model\?; known are model, app/],
    [{ by: "model,quarter" }, /"quarter" is nothing to group by/],
    [
      { by: "label:evn" },
      /did you mean label:env\?; known are model, .*, month, label:constructor, label:env/,
    ],
    [{ by: "env" }, /did you mean label:env\?/],
    [{ by: "label:team" }, /did you mean team\?/],
    [{ by: "label:" }, /nothing to group by/],
    [{ by: "model; DROP TABLE ledger" }, /nothing to group by/],
    [{ where: "modell=x" }, /did you mean model/],
    [{ where: "model" }, /write it as model=value/],
    [{ status: "4' OR 1=1" }, /is no HTTP status/],
    [{ limit: "0" }, /no number from 1 to 10000/],
    [{ limit: "1e9" }, /no number/],
    [{ tz: "Asia/Shangai" }, /did you mean Asia\/Shanghai/],
    [{ tz: "UTC'; --" }, /is no time zone/],
    [{ tz: "+08:00" }, /is no time zone/],
    [{ probes: "maybe" }, /neither true nor false/],
    [{ form: "7d" }, /did you mean from\?/],
    [{ model: "x".repeat(300) }, /longer than 256/],
  ])("refuses %j", (parameters, message) => {
    expect(() => parse(parameters as ReportParameters)).toThrow(message);
  });

  it("does not group single calls", () => {
    expect(() => parse({ by: "model" }, "slow")).toThrow(/lists single calls/);
  });

  it("knows the labels of apps, each once, and nothing that every object has", () => {
    const { by } = parse({ by: ["label:env,model", "LABEL:ENV", "label:constructor"] });
    expect(by).toEqual([
      { label: "env", values: [{ value: "prod", apps: ["shop"] }] },
      "model",
      { label: "constructor", values: [{ value: "x", apps: ["shop"] }] },
    ]);
  });

  it("names the nearest report", () => {
    expect(() => reportNamed("sumary")).toThrow(/no report "sumary".*Did you mean summary/);
  });

  it("takes filters by name and as where, and any text as their values", () => {
    const { where } = parse({ where: ["model=a=b", "app=x"], model: ["c*", "' OR 1=1 --"] });
    expect(where).toEqual({ model: ["a=b", "c*", "' OR 1=1 --"], app: ["x"] });
    expect(PARAMETERS).toContain("trace");
  });
});

describe("time zones", () => {
  it("know hours that are skipped and days that are short", () => {
    // Berlin, 29 March 2026: 02:00 to 03:00 does not exist, the day has 23 hours.
    const from = Date.UTC(2026, 2, 28, 23);
    expect(startsBetween("hour", from, from + 23 * 3_600_000, "Europe/Berlin").length).toBe(23);
    expect(startOf("day", from + 22 * 3_600_000, "Europe/Berlin")).toBe(from);
    expect(startsBetween("day", from, from + 30 * 3_600_000, "Europe/Berlin")[1]).toBe(from + 23 * 3_600_000);
  });

  it("begin a day at one o'clock where midnight is skipped", () => {
    // Beirut, 29 March 2026: the clocks go from 00:00 to 01:00, at 22:00 UTC.
    expect(iso(parseTime("2026-03-29", NOW, "Asia/Beirut"))?.[0]).toBe("2026-03-28T22:00:00.000Z");
  });

  it("know offsets that are no whole hours", () => {
    expect(iso(parseTime("2026-03-10", NOW, "Asia/Kathmandu"))?.[0]).toBe("2026-03-09T18:15:00.000Z");
    expect(startOf("hour", Date.UTC(2026, 2, 10, 10, 30), "Asia/Kathmandu")).toBe(
      Date.UTC(2026, 2, 10, 10, 15),
    );
  });

  it("know the clocks of the southern hemisphere and last year's last day", () => {
    expect(iso(parseTime("month", Date.UTC(2026, 0, 1, 2), "America/Sao_Paulo"))?.[0]).toBe(
      "2025-12-01T03:00:00.000Z",
    );
    expect(iso(parseTime("year", Date.UTC(2026, 0, 1, 2), "America/Sao_Paulo"))?.[0]).toBe(
      "2025-01-01T03:00:00.000Z",
    );
  });
});
