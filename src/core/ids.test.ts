import { describe, expect, it } from "vitest";
import { uuidv7 } from "./ids.ts";

describe("uuidv7", () => {
  it("has the form of RFC 9562 and begins with the time", () => {
    const id = uuidv7(0x0123456789ab);
    expect(id).toMatch(/^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const times = [0, 1, 0xff, 0x1000000, 0xffffff, 1_763_700_000_000, 0xfedcba987654, 2 ** 48 - 1];
    const digits = times.map((time) => uuidv7(time).slice(0, 13).replace("-", ""));
    expect(digits).toEqual(times.map((time) => time.toString(16).padStart(12, "0")));
  });

  it("never repeats, and sorts by time", () => {
    const ids = Array.from({ length: 20_000 }, (_, at) => uuidv7(1_700_000_000_000 + Math.floor(at / 1000)));
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].map((id) => id.slice(0, 13))).toEqual(ids.map((id) => id.slice(0, 13)).sort());
  });
});
