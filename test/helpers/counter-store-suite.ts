/** What every driver of the counters does alike; run by counters-memory.test.ts and counters-redis.test.ts. */
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import type { BudgetClaim, Claim, CounterStore, Hold, WindowClaim } from "../../src/store/counter-store.ts";

const MINUTE = 60_000;
/** Far in the future, so that Redis itself does not expire what the test has counted. */
const START = Math.ceil((Date.now() + 86_400_000) / MINUTE) * MINUTE;
const ENDS = START + 30 * 86_400_000;
const LEASE = 600_000;

/** A call of a property that has been granted and not settled. */
interface Running {
  readonly id: string;
  readonly amount: number;
  readonly at: number;
  /** When what it has reserved is free again, though it may still run. */
  readonly until: number;
  readonly entry: { amount: number };
  readonly hold: Hold | undefined;
  /** Its process has died: it is never settled. */
  lost: boolean;
}

const which = fc.nat();
/** What happens, one after the other, to calls that run beside each other; the clock moves past leases while they do. */
const interleaving = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("start" as const),
      amount: fc.integer({ min: 0, max: 40 }),
      leaseMs: fc.integer({ min: 1, max: 2 * MINUTE }),
    }),
    fc.record({
      ...{ kind: fc.constant("settle" as const), which },
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    fc.record({ kind: fc.constant("lose" as const), which }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 45_000 }) }),
  ),
  { minLength: 1, maxLength: 40 },
);

let serial = 0;
/** A key that no other test uses. */
const fresh = (name: string): string => `${name}-${process.pid}-${Date.now()}-${++serial}`;

export function counterStoreSuite(name: string, open: () => CounterStore, runs: number): void {
  describe(name, () => {
    const store = open();
    afterAll(() => store.close());

    const window = (key: string, amount: number, limit: number): WindowClaim => ({
      ...{ kind: "window", key, amount, limit, windowMs: MINUTE },
    });
    const budget = (key: string, amount: number, limit: number, enforced = true): BudgetClaim => ({
      ...{ kind: "budget", key, amount, limit, enforced, endsAt: ENDS },
    });

    test("a window grants its limit and not one more, and says when there is room", async () => {
      const key = fresh("w");
      for (let call = 0; call < 3; call++) {
        expect((await store.decide(`a${call}`, [window(key, 1, 3)], START, LEASE)).granted).toBe(true);
      }
      const refused = await store.decide("a3", [window(key, 1, 3)], START + 10, LEASE);
      expect(refused.granted).toBe(false);
      const [state] = refused.states;
      expect(state).toMatchObject({ fits: false, used: 3 });
      const later = START + 10 + (state?.waitMs ?? 0);
      expect((await store.decide("a4", [window(key, 1, 3)], later - 2, LEASE)).granted).toBe(false);
      expect((await store.decide("a5", [window(key, 1, 3)], later, LEASE)).granted).toBe(true);
    });

    test("all claims of a call are granted or none is counted", async () => {
      const [wide, narrow] = [fresh("wide"), fresh("narrow")];
      await store.decide("b0", [window(narrow, 1, 1)], START, LEASE);
      const both = [window(wide, 1, 10), window(narrow, 1, 1)];
      expect((await store.decide("b1", both, START, LEASE)).granted).toBe(false);
      expect((await store.decide("b2", [window(wide, 1, 10)], START, LEASE)).states[0]?.used).toBe(0);
    });

    test("an estimate is replaced by what it was", async () => {
      const key = fresh("tokens");
      const claim = window(key, 80, 100);
      const { hold } = await store.decide("c0", [claim], START, LEASE);
      expect((await store.decide("c1", [claim], START, LEASE)).granted).toBe(false);
      await store.settle("c0", [claim], [15], START, START + 1, hold);
      const next = await store.decide("c2", [claim], START + 2, LEASE);
      expect(next).toMatchObject({ granted: true, states: [{ used: 15 }] });
    });

    test("an estimate is replaced for as long as it counts", async () => {
      for (const [after, used] of [
        [MINUTE, 15],
        [MINUTE + 1_000, 0],
      ] as const) {
        const key = fresh("late");
        const claim = window(key, 80, 100);
        const { hold } = await store.decide("i0", [claim], START, LEASE);
        await store.settle("i0", [claim], [15], START, START + after, hold);
        const next = await store.decide("i1", [claim], START + after, LEASE);
        expect(next).toMatchObject({ granted: true, states: [{ used }] });
      }
    });

    test("a clock that goes back forgets nothing", async () => {
      const key = fresh("back");
      const claim = window(key, 1, 1);
      const granted = async (id: string, at: number) => (await store.decide(id, [claim], at, LEASE)).granted;
      expect(await granted("j0", START + MINUTE / 2)).toBe(true);
      expect(await granted("j1", START)).toBe(false);
      expect(await granted("j2", START + MINUTE + 2_000)).toBe(false);
      expect(await granted("j3", START + 1.5 * MINUTE + 1_000)).toBe(true);
    });

    test("slots are given back, once, by the call that held them", async () => {
      const claim: Claim = { kind: "slot", key: fresh("slots"), limit: 2 };
      const { granted, hold } = await store.decide("d0", [claim], START, LEASE);
      expect(granted).toBe(true);
      expect((await store.decide("d1", [claim], START, LEASE)).granted).toBe(true);
      expect((await store.decide("d2", [claim], START, LEASE)).granted).toBe(false);
      for (let times = 0; times < 2; times++) await store.settle("d0", [claim], [0], START, START, hold);
      expect((await store.decide("d3", [claim], START, LEASE)).granted).toBe(true);
      expect((await store.decide("d4", [claim], START, LEASE)).granted).toBe(false);
    });

    test("a budget counts reservations until they are settled or expire", async () => {
      const key = fresh("budget");
      const { hold } = await store.decide("e0", [budget(key, 60, 100)], START, 1_000);
      expect((await store.decide("e1", [budget(key, 60, 100)], START, 1_000)).granted).toBe(false);
      expect(await store.settle("e0", [budget(key, 60, 100)], [10], START, START, hold)).toEqual([10]);
      await store.decide("e2", [budget(key, 60, 100)], START, 1_000);
      expect((await store.decide("e3", [budget(key, 60, 100)], START + 999, 1_000)).granted).toBe(false);
      const late = await store.decide("e4", [budget(key, 60, 100)], START + 1_000, 1_000);
      expect(late).toMatchObject({ granted: true, states: [{ used: 10 }] });
      expect(await store.used(key)).toBe(10);
    });

    test("a reservation of nothing is settled by what was used, and ends as others do", async () => {
      const [settled, left] = [fresh("nothing"), fresh("nothing-left")];
      const { hold } = await store.decide("n0", [budget(settled, 0, 100)], START, LEASE);
      expect(await store.settle("n0", [budget(settled, 0, 100)], [7], START, START, hold)).toEqual([7]);
      await store.decide("n1", [budget(left, 0, 100)], START, 1_000);
      const later = await store.decide("n2", [budget(left, 100, 100)], START + 1_001, LEASE);
      expect(later).toMatchObject({ granted: true, states: [{ used: 0 }] });
    });

    test("a budget that is not enforced is granted and says that it was exceeded", async () => {
      const key = fresh("soft");
      await store.settle("f0", [budget(key, 0, 50, false)], [60], START, START);
      const decision = await store.decide("f1", [budget(key, 1, 50, false)], START, LEASE);
      expect(decision).toMatchObject({ granted: true, states: [{ fits: false, used: 60 }] });
    });

    test("what was used before is added once", async () => {
      const key = fresh("seeded");
      for (let times = 0; times < 3; times++) await store.seed(key, 70, ENDS);
      expect(await store.used(key)).toBe(70);
      expect((await store.decide("g0", [budget(key, 31, 100)], START, LEASE)).granted).toBe(false);
      expect((await store.decide("g1", [budget(key, 30, 100)], START, LEASE)).granted).toBe(true);
    });

    test("amounts beyond 32 bits stay exact", async () => {
      const key = fresh("large");
      const claim = budget(key, 5_000_000_000_123, 9_000_000_000_000_000);
      const { hold } = await store.decide("h0", [claim], START, LEASE);
      await store.settle("h0", [claim], [4_999_999_999_999_991], START, START, hold);
      expect(await store.used(key)).toBe(4_999_999_999_999_991);
      const next = await store.decide("h1", [claim], START, LEASE);
      expect(next.states[0]?.used).toBe(4_999_999_999_999_991);
    });

    test("no interleaving grants more than the limits, or leaves anything behind", async () => {
      await fc.assert(
        fc.asyncProperty(interleaving, fc.boolean(), async (steps, mayBeLost) => {
          const keys = { w: fresh("pw"), s: fresh("ps"), b: fresh("pb") };
          const limits = { w: 100, s: 3, b: 150 };
          let now = START;
          let calls = 0;
          /** A model that is plain to see through: every amount that was granted, with its time. */
          const counted: { at: number; amount: number }[] = [];
          const running: Running[] = [];
          let spent = 0;
          // Nobody gives back the slot of a call whose process is gone: where calls get lost none has one.
          const claimsOf = (amount: number): Claim[] => [
            window(keys.w, amount, limits.w),
            budget(keys.b, amount, limits.b),
            ...(mayBeLost ? [] : [{ kind: "slot", key: keys.s, limit: limits.s } as const]),
          ];
          const settle = async ({ id, amount, at, entry, hold }: Running, actual: number) => {
            await store.settle(id, claimsOf(amount), [actual, actual, actual], at, now, hold);
            entry.amount = actual;
            spent += actual;
          };
          for (const each of steps) {
            if (each.kind === "wait") now += each.ms;
            else if (each.kind === "start") {
              const { amount, leaseMs } = each;
              const id = `p${calls++}`;
              const { granted, states, hold } = await store.decide(id, claimsOf(amount), now, leaseMs);
              const reserved = running.reduce((sum, call) => sum + (now < call.until ? call.amount : 0), 0);
              const recent = (age: number): number =>
                counted.filter(({ at }) => at > now - age).reduce((sum, one) => sum + one.amount, 0);
              expect(states[1]?.used).toBe(spent + reserved);
              const others =
                (mayBeLost || running.length + 1 <= limits.s) && spent + reserved + amount <= limits.b;
              if (granted) expect(others && recent(MINUTE) + amount <= limits.w).toBe(true);
              // Two slots older than the window have surely given way.
              else expect(others && recent(MINUTE + 2_000) + amount <= limits.w).toBe(false);
              if (granted) {
                const entry = { at: now, amount };
                counted.push(entry);
                running.push({ id, amount, at: now, until: now + leaseMs, entry, hold, lost: false });
              }
            } else {
              const known = running.filter(({ lost }) => !lost);
              const call = known[each.which % Math.max(1, known.length)];
              if (call === undefined) continue;
              if (each.kind === "lose") call.lost = mayBeLost;
              else {
                running.splice(running.indexOf(call), 1);
                await settle(call, Math.floor(call.amount * each.share));
              }
            }
          }
          for (const call of running) if (!call.lost) await settle(call, call.amount);
          const after = await store.decide("end", claimsOf(0), now + 3 * MINUTE, LEASE);
          expect(after.states.map(({ used }) => used)).toEqual(mayBeLost ? [0, spent] : [0, spent, 0]);
          expect(await store.used(keys.b)).toBe(spent);
        }),
        { numRuns: runs },
      );
    });
  });
}
