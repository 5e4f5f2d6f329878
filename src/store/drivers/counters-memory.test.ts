import { expect, test } from "vitest";
import { counterStoreSuite } from "../../../test/helpers/counter-store-suite.ts";
import { MemoryCounters } from "./counters-memory.ts";

counterStoreSuite("counters in memory", () => new MemoryCounters(), 400);

test("a budget is forgotten a day after its period, when there are many others", () => {
  const counters = new MemoryCounters();
  const claim = (key: string, endsAt: number) =>
    ({ kind: "budget", key, amount: 1, limit: 9, enforced: true, endsAt }) as const;
  const make = (name: string, nowMs: number) => {
    for (let each = 0; each < 300; each++)
      counters.decide("x", [claim(`${name}-${each}`, nowMs + 1)], nowMs, 1);
  };
  counters.settle("y", [claim("past", 1_000)], [5], 0, 0);
  make("same day", 86_401_000);
  expect(counters.used("past")).toBe(5);
  make("next day", 86_401_001);
  expect(counters.used("past")).toBe(0);
});
