import { expect, it } from "vitest";
import { Retention } from "./retention.ts";

const DAY = 86_400_000;

it("archives what is older than its days, half a minute after the start and then every hour", async () => {
  let elapsed = 0;
  const asked: number[] = [];
  const store = {
    archive: async (before: number) => {
      asked.push(before);
      return [];
    },
  };
  const retention = new Retention({ days: 90, now: () => 100 * DAY, elapsed: () => elapsed });
  for (const at of [0, 29_999, 30_000, 31_000, 3_629_999, 3_630_000]) {
    elapsed = at;
    await retention.run(store);
  }
  expect(asked).toEqual([10 * DAY, 10 * DAY]);
});

it("archives nothing without a number of days", async () => {
  const store = { archive: () => Promise.reject(new Error("asked")) };
  const retention = new Retention({ days: undefined, elapsed: () => 1e9 });
  expect(await retention.run(store)).toEqual([]);
});
