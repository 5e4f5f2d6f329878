import { describe, expect, it } from "vitest";
import { uuidv7 } from "./ids.ts";

describe("uuidv7", () => {
  it("has the form of RFC 9562 and begins with the time", () => {
    const id = uuidv7(0x0123456789ab);
    expect(id).toMatch(/^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it("never repeats, and sorts by time", () => {
    const ids = Array.from({ length: 20_000 }, (_, at) => uuidv7(1_700_000_000_000 + Math.floor(at / 1000)));
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].map((id) => id.slice(0, 13))).toEqual(ids.map((id) => id.slice(0, 13)).sort());
  });
});
