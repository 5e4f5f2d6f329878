import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { counterStoreSuite } from "../../../test/helpers/counter-store-suite.ts";
import { startRedis, type TestRedis } from "../../../test/helpers/redis.ts";
import { describeWithProgram } from "../../../test/helpers/system-program.ts";
import { until } from "../../../test/helpers/until.ts";
import type { BudgetClaim, Claim } from "../counter-store.ts";
import { RedisCounters } from "./counters-redis.ts";

const LEASE = 600_000;

describeWithProgram("redis-server", "counters in Redis", (program) => {
  let redis: TestRedis;
  let url = "";
  const availability: boolean[] = [];
  const open = (slotLeaseMs = 30_000): RedisCounters =>
    new RedisCounters({
      url,
      slotLeaseMs,
      onAvailability: (available) => availability.push(available),
      onEmpty: () => Promise.resolve(),
      onLost: () => undefined,
    });

  beforeAll(async () => {
    redis = await startRedis(program);
    url = redis.url;
  });
  afterAll(() => redis.close());

  // The suite opens its store while tests are collected, before Redis has a port: it gets one that waits.
  counterStoreSuite(
    "as every driver",
    () => {
      let store: Promise<RedisCounters> | undefined;
      const opened = (): Promise<RedisCounters> => {
        store ??= (async () => {
          // Its clock runs ahead, while that of the leases' renewal does not.
          const counters = open(10 * LEASE);
          await counters.ready(5_000);
          return counters;
        })();
        return store;
      };
      return {
        shared: true,
        decide: async (...args) => (await opened()).decide(...args),
        settle: async (id, claims, actual, at, now) => (await opened()).settle(id, claims, actual, at, now),
        seed: async (...args) => (await opened()).seed(...args),
        used: async (key) => (await opened()).used(key),
        close: async () => (await opened()).close(),
      };
    },
    40,
  );

  test("three connections share one limit exactly", async () => {
    const stores = [open(), open(), open()];
    await Promise.all(stores.map((store) => store.ready(5_000)));
    const now = Date.now();
    const claim: Claim = {
      kind: "window",
      key: `shared-${now}`,
      amount: 1,
      limit: 100,
      windowMs: 86_400_000,
    };
    const decisions = await Promise.all(
      Array.from({ length: 300 }, (_, call) => stores[call % 3]?.decide(`s${call}`, [claim], now, LEASE)),
    );
    expect(decisions.filter((decision) => decision?.granted)).toHaveLength(100);
    for (const store of stores) await store.close();
  });

  test("slots of a gateway that is gone are free when its leases have ended", async () => {
    const [gone, alive] = [open(1_000), open(1_000)];
    await Promise.all([gone.ready(5_000), alive.ready(5_000)]);
    const claim: Claim = { kind: "slot", key: `leases-${Date.now()}`, limit: 1 };
    const now = Date.now();
    expect((await gone.decide("l0", [claim], now, LEASE)).granted).toBe(true);
    await gone.close();
    expect((await alive.decide("l1", [claim], now + 999, LEASE)).granted).toBe(false);
    expect((await alive.decide("l2", [claim], now + 1_000, LEASE)).granted).toBe(true);
    await alive.close();
  });

  test("a call that is refused while leases are renewed holds no slot", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const store = open(30_000);
    try {
      await store.ready(5_000);
      const claim: Claim = { kind: "slot", key: `refused-${Date.now()}`, limit: 1 };
      const now = Date.now();
      expect((await store.decide("r0", [claim], now, LEASE)).granted).toBe(true);
      const refused = store.decide("r1", [claim], now, LEASE);
      vi.advanceTimersByTime(10_000);
      expect((await refused).granted).toBe(false);
      expect((await store.decide("r2", [claim], now, LEASE)).states[0]?.used).toBe(1);
    } finally {
      vi.useRealTimers();
      await store.close();
    }
  });

  test("what is settled while Redis is dead is counted once when it is back", async () => {
    const store = open();
    await store.ready(5_000);
    const now = Date.now();
    const claim: BudgetClaim = {
      ...{ kind: "budget", key: `dead-${now}`, amount: 10, limit: 1_000, enforced: true },
      endsAt: now + 86_400_000,
    };
    const ids = Array.from({ length: 40 }, (_, call) => `k${call}`);
    for (const id of ids) await store.decide(id, [claim], now, LEASE);
    // Half are on their way when it dies, so that for some of them nobody knows whether they arrived.
    const settle = (id: string) => store.settle(id, [claim], [3], now, now);
    const early = ids.slice(0, 20).map(settle);
    await redis.kill();
    await Promise.all([...early, ...ids.slice(20).map(settle)]);
    await expect(store.decide("k99", [claim], now, LEASE)).rejects.toThrow();
    await redis.start();
    await store.ready(5_000);
    await until(() => Promise.resolve(store.used(claim.key)), 120);
    expect((await store.decide("k100", [claim], now, LEASE)).states[0]?.used).toBe(120);
    expect(availability).toContain(false);
    await store.close();
  });
});
