import { beforeEach, describe, expect, it } from "vitest";
import { type KeptSpend, Spend } from "./spend.ts";

const CENT = 10_000_000_000n;
const DAY = 86_400_000;

it("lets probes run until the day's money is spent, and again the next day", async () => {
  const spend = new Spend(0.05);
  let runs = 0;
  for (let at = 0; at < 20; at++) {
    if (!(await spend.reserve("chat", 1_000))) continue;
    await spend.settle("chat", CENT, 1_000);
    runs++;
  }
  expect(runs).toBe(5);
  expect(spend.spentToday(1_000)).toBe(0.05);
  expect(await spend.reserve("chat", DAY)).toBe(true);
  expect(spend.spentToday(DAY)).toBe(0);
});

it("counts those that run at the same time as if they had cost what they did last", async () => {
  const spend = new Spend(0.029);
  for (const name of ["a", "b", "c"]) {
    expect(await spend.reserve(name, 0)).toBe(true);
    await spend.settle(name, CENT / 2n, 0);
  }
  // One and a half cents are spent; two more halves fit, a third does not.
  expect(await Promise.all(["a", "b", "c"].map((name) => spend.reserve(name, 0)))).toEqual([
    true,
    true,
    false,
  ]);
  await spend.settle("a", 0n, 0);
  expect(await spend.reserve("c", 0)).toBe(true);
});

it("0 is nothing at all", async () => {
  expect(await new Spend(0).reserve("chat", 0)).toBe(false);
});

describe("with a memory", () => {
  let kept: KeptSpend | undefined;
  const memory = {
    load: () => Promise.resolve(kept),
    save: (next: KeptSpend) => {
      kept = next;
      return Promise.resolve();
    },
  };
  beforeEach(() => {
    kept = undefined;
  });

  it("goes on where the process before it ended, on the same day", async () => {
    const before = new Spend(0.05, memory);
    await before.reserve("chat", 1_000);
    await before.settle("chat", 4n * CENT, 1_000);

    const after = new Spend(0.05, memory);
    expect(await after.reserve("embeddings", 2_000)).toBe(true);
    expect(after.spentToday(2_000)).toBe(0.04);
    // As dear as it was before the restart.
    expect(await after.reserve("chat", 2_000)).toBe(false);
    expect(await new Spend(0.05, memory).reserve("chat", DAY)).toBe(true);
  });

  it("counts a run that a kill cut off as what it was expected to cost", async () => {
    const first = new Spend(0.05, memory);
    await first.reserve("chat", 0);
    await first.settle("chat", CENT, 0);
    let runs = 1;
    for (let starts = 0; starts < 20; starts++) {
      // Each of these processes is killed before its run has ended.
      if (await new Spend(0.05, memory).reserve("chat", 0)) runs++;
    }
    expect(runs).toBe(5);
  });

  it("writes nothing once it is closed", async () => {
    const spend = new Spend(0.05, memory);
    await spend.reserve("chat", 0);
    await spend.close();
    await spend.settle("chat", CENT, 0);
    expect(kept).toBeUndefined();
  });
});
