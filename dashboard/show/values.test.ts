import { describe, expect, it } from "vitest";
import { valuesIn } from "./values.ts";

describe("values", () => {
  const en = valuesIn("en", "UTC");
  const de = valuesIn("de", "Europe/Berlin");

  it("have their unit, and as many digits as count", () => {
    expect([0.4, 9.87, 250.4, 1234, 59_990, 61_000, 7_260_000].map(en.duration)).toEqual([
      "0.4 ms",
      "9.87 ms",
      "250 ms",
      "1.23 s",
      "59.99 s",
      "1 min 1 s",
      "2 h 1 min",
    ]);
    expect([0, 512, 2048, 5_000_000].map(en.bytes)).toEqual(["0 B", "512 B", "2 KiB", "4.8 MiB"]);
    expect([0, 0.0004, 0.034, 1].map(en.ratio)).toEqual(["0%", "0.04%", "3.4%", "100%"]);
    expect([0, 12, 9999, 1_234_567].map(en.short)).toEqual(["0", "12", "9,999", "1.23M"]);
  });

  it("show money exactly enough at any size", () => {
    expect(["0", "0.0000021", "0.0123456", "12.3456", "123456.789"].map((text) => en.money(text))).toEqual([
      "$0.00",
      "$0.0000021",
      "$0.0123",
      "$12.35",
      "$123,457",
    ]);
    expect(en.money("7.5", "CNY")).toBe("¥7.50");
  });

  it("follow the language and the time zone", () => {
    const at = Date.UTC(2026, 2, 10, 23, 30);
    expect(de.money("1234.5")).toBe("1.234,50\u00a0$");
    expect(en.moment(at, "hour")).toBe("Mar 10, 23:30");
    expect(de.moment(at, "hour")).toContain("11.");
    expect(de.moment(at, "hour")).toContain("00:30");
  });

  it("are a dash where there are none", () => {
    expect(en.value(null, "usd")).toBe("–");
    expect(en.value(undefined, "count")).toBe("–");
    expect(en.value(429, "count", "status")).toBe("429");
  });
});
