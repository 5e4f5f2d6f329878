import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { counterStoreSuite } from "../../../test/helpers/counter-store-suite.ts";
import { startRedis, type TestRedis } from "../../../test/helpers/redis.ts";
import { describeWithProgram } from "../../../test/helpers/system-program.ts";
import { until } from "../../../test/helpers/until.ts";
import type { BudgetClaim, Claim } from "../counter-store.ts";
import { RedisCounters, type RedisCountersOptions } from "./counters-redis.ts";

const LEASE = 600_000;
/** However busy the machine is. */
const PATIENCE = 45_000;

describeWithProgram("redis-server", "counters in Redis", (program) => {
  let redis: TestRedis;
  let url = "";
  const availability: boolean[] = [];
  const open = (slotLeaseMs = 30_000, more: Partial<RedisCountersOptions> = {}): RedisCounters =>
    new RedisCounters({
      url,
      slotLeaseMs,
      commandMs: PATIENCE,
      onAvailability: (available) => availability.push(available),
      onEmpty: () => Promise.resolve(false),
      onLost: () => undefined,
      ...more,
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
          await counters.ready(PATIENCE);
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
    await Promise.all(stores.map((store) => store.ready(PATIENCE)));
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
    // None is renewed.
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const [gone, alive] = [open(1_000), open(1_000)];
    try {
      await Promise.all([gone.ready(PATIENCE), alive.ready(PATIENCE)]);
      const claim: Claim = { kind: "slot", key: `leases-${Date.now()}`, limit: 1 };
      const now = Date.now();
      expect((await gone.decide("l0", [claim], now, LEASE)).granted).toBe(true);
      await gone.close();
      expect((await alive.decide("l1", [claim], now + 999, LEASE)).granted).toBe(false);
      expect((await alive.decide("l2", [claim], now + 1_000, LEASE)).granted).toBe(true);
    } finally {
      vi.useRealTimers();
      await alive.close();
    }
  });

  test("a call that is refused while leases are renewed holds no slot", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const store = open(30_000);
    try {
      await store.ready(PATIENCE);
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

  test("a lease is renewed as long as its call runs", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const store = open(30_000);
    try {
      await store.ready(PATIENCE);
      const claim: Claim = { kind: "slot", key: `renewed-${Date.now()}`, limit: 1 };
      const now = Date.now();
      await store.decide("n0", [claim], now - 20_000, LEASE);
      vi.advanceTimersByTime(10_000);
      expect((await store.decide("n1", [claim], now + 15_000, LEASE)).granted).toBe(false);
      expect((await store.decide("n2", [claim], now + 300_000, LEASE)).granted).toBe(true);
    } finally {
      vi.useRealTimers();
      await store.close();
    }
  });

  test("a settlement of which nobody knows whether it arrived is counted once", async () => {
    const store = open();
    const raw = new Redis(url);
    await store.ready(PATIENCE);
    const now = Date.now();
    const claims: Claim[] = [
      { kind: "window", key: `doubt-w-${now}`, amount: 10, limit: 100, windowMs: 86_400_000 },
      {
        ...{ kind: "budget", key: `doubt-b-${now}`, amount: 10, limit: 100 },
        ...{ enforced: true, endsAt: now + 86_400_000 },
      },
      { kind: "slot", key: `doubt-s-${now}`, limit: 1 },
    ];
    await store.decide("d0", claims, now, LEASE);
    // Longer than the answer is waited for; then it does all that it was sent.
    await raw.call("CLIENT", "PAUSE", "600000", "WRITE");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const settling = store.settle("d0", claims, [3, 3, 3], now, now);
    await new Promise((resolve) => setImmediate(resolve));
    vi.advanceTimersByTime(PATIENCE);
    expect(await settling).toEqual(claims.map(() => undefined));
    vi.useRealTimers();
    await raw.call("CLIENT", "UNPAUSE");
    await until(() => store.used(`doubt-b-${now}`).catch(() => undefined), 3);
    // It sends what waits, which it may have done already.
    await store.close();
    const another = open();
    await another.ready(PATIENCE);
    const { states } = await another.decide("d1", claims, now, LEASE);
    expect(states.map(({ used }) => used)).toEqual([3, 3, 0]);
    raw.disconnect();
    await another.close();
  });

  test("what a gateway has counted itself is not added once more by one that starts later", async () => {
    const [first, later] = [open(), open()];
    await Promise.all([first.ready(PATIENCE), later.ready(PATIENCE)]);
    const now = Date.now();
    const claim: BudgetClaim = {
      ...{ kind: "budget", key: `later-${now}`, amount: 10, limit: 100, enforced: true },
      endsAt: now + 86_400_000,
    };
    await first.decide("s0", [claim], now, LEASE);
    await first.settle("s0", [claim], [10], now, now);
    await later.seed(claim.key, 10, claim.endsAt);
    expect(await later.used(claim.key)).toBe(10);
    await Promise.all([first.close(), later.close()]);
  });

  test("a Redis that has lost everything is told before calls are decided again, until that succeeds", async () => {
    const told: boolean[] = [];
    const store = open(30_000, {
      onEmpty: async () => {
        told.push(availability.at(-1) ?? true);
        if (told.length === 1) throw new Error("the ledger does not answer");
        return true;
      },
    });
    await store.ready(PATIENCE);
    const now = Date.now();
    const claim: BudgetClaim = {
      ...{ kind: "budget", key: `lost-${now}`, amount: 10, limit: 1_000, enforced: true },
      endsAt: now + 86_400_000,
    };
    await store.decide("e0", [claim], now, LEASE);
    const raw = new Redis(url);
    expect(told).toEqual([]);
    await raw.flushall();
    await raw.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    // What it is told includes what has ended before.
    await until(() => availability.at(-1), false);
    await store.settle("e0", [claim], [3], now, now);
    await until(() => told.length, 2);
    await store.ready(PATIENCE);
    expect([told, availability.at(-1)]).toEqual([[false, false], true]);
    expect(await store.used(claim.key)).toBe(0);
    raw.disconnect();
    await store.close();
  });

  test("as many settlements wait as may, and how many were lost is told", async () => {
    const lost: number[] = [];
    const store = open(30_000, {
      ...{ url: "redis://127.0.0.1:1", maxPending: 2 },
      onLost: (settlements) => lost.push(settlements),
    });
    const claim: Claim = { kind: "slot", key: "lost", limit: 1 };
    for (const id of ["p0", "p1", "p2", "p3"]) await store.settle(id, [claim], [0], 0, 0);
    expect(lost).toEqual([1, 1]);
    await store.close();
    expect(lost).toEqual([1, 1, 2]);
  });

  test("what is settled while Redis is dead is counted once when it is back", async () => {
    const store = open();
    await store.ready(PATIENCE);
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
    await store.ready(PATIENCE);
    await until(() => Promise.resolve(store.used(claim.key)), 120);
    expect((await store.decide("k100", [claim], now, LEASE)).states[0]?.used).toBe(120);
    expect(availability).toContain(false);
    await store.close();
  });
});
