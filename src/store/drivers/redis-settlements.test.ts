import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Fate, FaultyLine } from "../../../test/helpers/faulty-line.ts";
import { startRedis, type TestRedis } from "../../../test/helpers/redis.ts";
import { describeWithProgram } from "../../../test/helpers/system-program.ts";
import { until } from "../../../test/helpers/until.ts";
import type { Claim } from "../counter-store.ts";
import { RedisCounters } from "./counters-redis.ts";
import { FENCE, SETTLE } from "./counters-redis-scripts.ts";
import { type Settlement, Settlements } from "./redis-settlements.ts";

const DAY = 86_400_000;
const fates: readonly Fate[] = ["fine", "question lost", "answer lost", "late"];

interface Running {
  readonly id: string;
  readonly amount: number;
  readonly at: number;
  readonly until: number;
}

const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("start" as const),
      amount: fc.integer({ min: 0, max: 40 }),
      leaseMs: fc.constantFrom(1_000, 600_000),
    }),
    fc.record({
      kind: fc.constant("settle" as const),
      which: fc.nat(),
      actual: fc.integer({ min: 0, max: 60 }),
      fate: fc.constantFrom(...fates),
    }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 2_000 }) }),
    fc.constant({ kind: "late" as const }),
  ),
  { minLength: 6, maxLength: 16 },
);

describeWithProgram("redis-server", "settlements over a line that fails", (program) => {
  let redis: TestRedis;
  let line: FaultyLine;
  let store: RedisCounters;
  let connections = 0;
  let calls = 0;
  beforeAll(async () => {
    redis = await startRedis(program);
    line = await FaultyLine.open(Number(new URL(redis.url).port));
    store = new RedisCounters({
      url: `redis://127.0.0.1:${line.port}`,
      slotLeaseMs: DAY,
      commandMs: 45_000,
      onAvailability: (available) => {
        if (available) connections++;
      },
      onEmpty: () => Promise.resolve(false),
      onLost: (lost) => expect(lost).toBe(0),
    });
    await store.ready(45_000);
  });
  afterAll(async () => {
    await store.close();
    await line.close();
    await redis.close();
  });

  test("count once each, also where the reservation has lapsed meanwhile", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        const name = `${Date.now()}-${calls}`;
        const start = Date.now() + DAY;
        let now = start;
        const claimsOf = (amount: number): Claim[] => [
          { kind: "budget", key: `b-${name}`, amount, limit: 1, enforced: false, endsAt: start + DAY },
          { kind: "window", key: `w-${name}`, amount, limit: 1e9, windowMs: DAY },
          { kind: "slot", key: `s-${name}`, limit: 1e9 },
        ];
        const running: Running[] = [];
        let spent = 0;
        const expected = (): number[] => {
          const sum = (some: readonly Running[]): number => some.reduce((all, { amount }) => all + amount, 0);
          return [
            spent + sum(running.filter((call) => now < call.until)),
            spent + sum(running),
            running.length,
          ];
        };
        const settle = async (call: Running, actual: number, fate: Fate): Promise<void> => {
          const before = connections;
          line.next = fate;
          running.splice(running.indexOf(call), 1);
          spent += actual;
          await store.settle(call.id, claimsOf(call.amount), [actual, actual, 0], call.at, now);
          if (fate !== "fine") await until(() => connections > before, true);
          await until(() => store.used(`b-${name}`), spent);
        };
        for (const each of steps) {
          if (each.kind === "wait") now += each.ms;
          else if (each.kind === "late") await line.deliverLate();
          else if (each.kind === "settle") {
            const call = running[each.which % Math.max(1, running.length)];
            if (call !== undefined) await settle(call, each.actual, each.fate);
          } else {
            const call = { id: `c${calls++}`, amount: each.amount, at: now, until: now + each.leaseMs };
            const { states } = await store.decide(call.id, claimsOf(call.amount), now, each.leaseMs);
            expect(states.map(({ used }) => used)).toEqual(expected());
            running.push(call);
          }
        }
        await line.deliverLate();
        for (const call of [...running]) await settle(call, call.amount, "fine");
        const { states } = await store.decide(`c${calls++}`, claimsOf(0), now, 1);
        expect(states.map(({ used }) => used)).toEqual([spent, spent, 0]);
      }),
      { numRuns: 12 },
    );
  });

  test("are refused once it has been asked which were counted", async () => {
    const raw = new Redis(redis.url);
    const settle = (number: number) =>
      raw.eval(
        SETTLE,
        3,
        "budget",
        "reservations",
        "mark",
        "id",
        0,
        0,
        number,
        "budget",
        5,
        7,
        Date.now() + DAY,
        1,
      );
    expect(await raw.eval(FENCE, 1, "mark", 1)).toBe(0);
    expect(await settle(2)).toEqual([1, 7]);
    expect(await settle(2)).toEqual([0]);
    expect(await raw.eval(FENCE, 1, "mark", 5)).toBe(2);
    expect(await settle(4)).toEqual([0]);
    expect(await settle(6)).toEqual([1, 14]);
    expect(await raw.eval(FENCE, 1, "mark", 7)).toBe(6);
    raw.disconnect();
  });
});

const one: Settlement = { keys: ["a"], args: [] };
const two: Settlement = { keys: ["b"], args: [] };

test("a settlement that is refused is sent anew", async () => {
  const numbers: number[] = [];
  const wire = {
    ready: () => true,
    settle: async (number: number) => {
      numbers.push(number);
      return numbers.length === 1 ? undefined : [5];
    },
    fence: () => Promise.reject(new Error("nothing is in doubt")),
  };
  const settlements = new Settlements(wire, 10, () => undefined);
  expect(await settlements.deliver(one)).toBe(undefined);
  await settlements.close();
  expect(numbers).toEqual([1, 2]);
});

test("what was sent after the question which were counted is in doubt until the next", async () => {
  const sent: [number, string | undefined][] = [];
  let answer: (counted: number) => void = () => undefined;
  let lost = 0;
  const wire = {
    ready: () => true,
    settle: async (number: number, { keys }: Settlement) => {
      sent.push([number, keys[0]]);
      if (number < 4) throw new Error("no answer in time");
      return [1];
    },
    fence: () => new Promise<number>((resolve) => (answer = resolve)),
  };
  const settlements = new Settlements(wire, 10, (settlements) => (lost += settlements));
  await settlements.deliver(one);
  const flushed = settlements.flush();
  await settlements.deliver(two);
  answer(0);
  await flushed;
  // The first was not counted; of the other nobody knows yet.
  expect(sent).toEqual([
    [1, "a"],
    [3, "b"],
    [4, "a"],
  ]);
  expect(settlements.open).toEqual([two]);
  const closed = settlements.close();
  answer(3);
  await closed;
  expect([sent.length, lost]).toEqual([3, 0]);
});
