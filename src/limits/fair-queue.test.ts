import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FairQueue, type QueuedCall } from "./fair-queue.ts";
import { LimitRefusal } from "./limit-refusal.ts";

/** Places that calls hold, by the rules' keys, as counters would keep them. */
class Places {
  readonly limits = new Map<string, number>();
  readonly held = new Map<string, number>();
  /** Who was let in, in order. */
  readonly admitted: string[] = [];
  readonly over: string[] = [];
  readonly waiting = new Map<string, number>();
  queue = this.#queue(false);

  #queue(shared: boolean): FairQueue<Place> {
    return new FairQueue<Place>({
      now: () => performance.now(),
      shared,
      onWaiting: (app, calls) => void this.waiting.set(app, calls),
      onOver: (_, outcome) => void this.over.push(outcome),
    });
  }

  share(): void {
    this.queue = this.#queue(true);
  }

  take(id: string, keys: readonly string[]): Place {
    for (const key of keys) {
      if ((this.held.get(key) ?? 0) < (this.limits.get(key) ?? 1)) continue;
      const more = { reason: "concurrency", retryAfterMs: 1_000, key } as const;
      throw new LimitRefusal("too_many_at_once", { limit: 1, scope: key }, more);
    }
    for (const key of keys) this.held.set(key, (this.held.get(key) ?? 0) + 1);
    this.admitted.push(id);
    return new Place(this, id, keys);
  }

  call(id: string, more: Partial<QueuedCall<Place>> = {}): QueuedCall<Place> {
    const keys = more.keys ?? ["all"];
    const app = more.app ?? "shop";
    return {
      ...{ id, app, keys, lane: LANE, waitMs: 1_000, size: 100, left: () => false },
      attempt: () => this.take(id, keys),
      ...more,
    };
  }
}

const LANE = {};

class Place {
  readonly #places: Places;
  readonly id: string;
  readonly #keys: readonly string[];

  constructor(places: Places, id: string, keys: readonly string[]) {
    this.#places = places;
    this.id = id;
    this.#keys = keys;
  }

  release(): void {
    for (const key of this.#keys) this.#places.held.set(key, (this.#places.held.get(key) ?? 0) - 1);
    this.#places.queue.freed();
  }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());
const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

describe("calls that wait for room", () => {
  test("go on as soon as there is some", async () => {
    const places = new Places();
    const first = places.queue.enter(places.call("1")) as Place;
    const second = places.queue.enter(places.call("2"));
    await settled();
    expect([places.admitted, places.waiting.get("shop")]).toEqual([["1"], 1]);
    first.release();
    expect((await second)?.id).toBe("2");
    expect([places.over, places.waiting.get("shop")]).toEqual([["admitted"], 0]);
  });

  test("of one app do not keep those of another waiting, and their own come in order", async () => {
    const places = new Places();
    let held = places.queue.enter(places.call("a0", { app: "a" })) as Place;
    const entered = ["a1", "a2", "a3", "b1", "b2", "c1"].map((id) =>
      places.queue.enter(places.call(id, { app: id.charAt(0), lane: LANE })),
    );
    for (const each of entered) void (each as Promise<Place>).then((place) => (held = place));
    for (let turn = 0; turn < 6; turn++) {
      held.release();
      await settled();
    }
    expect(places.admitted).toEqual(["a0", "a1", "b1", "c1", "a2", "b2", "a3"]);
  });

  test("are not overtaken by calls that come later, but by those that need other rules", async () => {
    const places = new Places();
    const held = places.queue.enter(places.call("1", { app: "a" })) as Place;
    const waits = places.queue.enter(places.call("2", { app: "a" }));
    const other = places.queue.enter(places.call("3", { app: "a", keys: ["other"] }));
    expect((other as Place).id).toBe("3");
    // What becomes free belongs to the one that waits, whoever comes in the same moment.
    held.release();
    const late = places.queue.enter(places.call("4", { app: "b" }));
    expect((await waits)?.id).toBe("2");
    expect(late).toBeInstanceOf(Promise);
  });

  test("get what becomes free with time before calls that come later", async () => {
    const places = new Places();
    places.queue.enter(places.call("1"));
    const waits = places.queue.enter(places.call("2", { waitMs: 5_000 }));
    await settled();
    // A window gives way: nobody says so, and the one that waits has not looked again yet.
    places.held.set("all", 0);
    const late = places.queue.enter(places.call("3", { app: "late", waitMs: 5_000 }));
    expect(late).toBeInstanceOf(Promise);
    await vi.advanceTimersByTimeAsync(1_000);
    expect((await waits)?.id).toBe("2");
  });

  test("are refused when their time is over, with what was the matter last", async () => {
    const places = new Places();
    places.queue.enter(places.call("1"));
    const waits = places.queue.enter(places.call("2")) as Promise<Place>;
    const refused = expect(waits).rejects.toMatchObject({ code: "too_many_at_once", retryAfterMs: 1_000 });
    await vi.advanceTimersByTimeAsync(999);
    expect(places.queue.size).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    await refused;
    expect([places.queue.size, places.over]).toEqual([0, ["refused"]]);
  });

  test("are refused at once when too many of the app wait, or waiting is of no use", () => {
    const places = new Places();
    places.queue.enter(places.call("1"));
    const enter = (id: string, more = {}) => places.queue.enter(places.call(id, more));
    expect(enter("2", { size: 1 })).toBeInstanceOf(Promise);
    expect(() => enter("3", { size: 1 })).toThrow(LimitRefusal);
    expect(enter("4", { size: 1, app: "another" })).toBeInstanceOf(Promise);
    const hours = { reason: "rate", retryAfterMs: 3_600_000, key: "hourly" } as const;
    const attempt = () => {
      throw new LimitRefusal("rate_limited", {}, hours);
    };
    expect(() => enter("5", { attempt, keys: ["hourly"] })).toThrow(LimitRefusal);
    const budget = () => {
      throw new LimitRefusal("budget_exceeded", {}, { reason: "budget", retryAfterMs: 10 });
    };
    expect(() => enter("6", { attempt: budget, keys: [] })).toThrow(LimitRefusal);
  });

  test("leave with their clients, and what others wait for is theirs", async () => {
    const places = new Places();
    const held = places.queue.enter(places.call("1")) as Place;
    const gone = places.queue.enter(places.call("2"));
    const stays = places.queue.enter(places.call("3"));
    places.queue.leave("2");
    expect(await gone).toBeUndefined();
    held.release();
    expect((await stays)?.id).toBe("3");
    expect(places.admitted).toEqual(["1", "3"]);
  });

  test("look again by themselves where others count too", async () => {
    const places = new Places();
    places.share();
    places.queue.enter(places.call("1"));
    const waits = places.queue.enter(places.call("2"));
    // Another process gives the place back: nobody says so here.
    places.held.set("all", 0);
    await vi.advanceTimersByTimeAsync(50);
    expect(((await waits) as Place).id).toBe("2");
  });

  test("whose client leaves while they are tried give back what they got", async () => {
    const places = new Places();
    const held = places.queue.enter(places.call("1")) as Place;
    const attempt = async (): Promise<Place> => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return places.take("2", ["all"]);
    };
    const waits = places.queue.enter(places.call("2", { attempt }));
    await vi.advanceTimersByTimeAsync(10);
    held.release();
    await vi.advanceTimersByTimeAsync(5);
    places.queue.leave("2");
    expect(await waits).toBeUndefined();
    await vi.advanceTimersByTimeAsync(10);
    expect([places.held.get("all"), places.queue.size]).toEqual([0, 0]);
  });

  test("whose client leaves while they are tried for the last time give back what they got, too", async () => {
    const places = new Places();
    places.queue.enter(places.call("1"));
    const attempt = async (): Promise<Place> => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return places.take("2", ["all"]);
    };
    const waits = places.queue.enter(places.call("2", { attempt, waitMs: 100 }));
    await vi.advanceTimersByTimeAsync(10);
    // Free, but nobody has told.
    places.held.set("all", 0);
    await vi.advanceTimersByTimeAsync(105);
    places.queue.leave("2");
    expect(await waits).toBeUndefined();
    await vi.advanceTimersByTimeAsync(10);
    expect([places.admitted, places.held.get("all"), places.queue.size]).toEqual([["1", "2"], 0, 0]);
  });
});

test("whatever comes, goes and leaves, in whatever order: never over, nobody forgotten, nothing left behind", async () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant("come" as const),
      app: fc.constantFrom("a", "b", "c"),
      own: fc.boolean(),
      slow: fc.integer({ min: 0, max: 20 }),
    }),
    fc.record({ kind: fc.constant("end" as const), which: fc.nat() }),
    fc.record({ kind: fc.constant("leave" as const), which: fc.nat() }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 300 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.boolean(), async (steps, shared) => {
      const places = new Places();
      if (shared) places.share();
      places.limits.set("all", 2).set("a", 1).set("b", 1).set("c", 1);
      const lanes = new Map<string, object>();
      const running: Place[] = [];
      const open = new Set<string>();
      let calls = 0;
      const note = (id: string, place: Place | undefined): void => {
        open.delete(id);
        if (place !== undefined) running.push(place);
      };
      for (const each of steps) {
        if (each.kind === "wait") await vi.advanceTimersByTimeAsync(each.ms);
        else if (each.kind === "end") {
          const [place] = running.splice(each.which % Math.max(1, running.length), 1);
          place?.release();
        } else if (each.kind === "leave") {
          const id = [...open][each.which % Math.max(1, open.size)];
          if (id !== undefined) places.queue.leave(id);
        } else {
          const { app, own, slow } = each;
          const id = `${app}${calls++}`;
          const keys = own ? [app, "all"] : ["all"];
          const lane = lanes.get(`${app}${own}`) ?? {};
          lanes.set(`${app}${own}`, lane);
          const attempt = async (): Promise<Place> => {
            await new Promise((resolve) => setTimeout(resolve, slow));
            return places.take(id, keys);
          };
          const call = places.call(id, { app, keys, lane, ...(slow > 0 && { attempt }) });
          open.add(id);
          try {
            const entered = places.queue.enter(call);
            if (!(entered instanceof Promise)) note(id, entered);
            else
              entered.then(
                (place) => note(id, place),
                () => open.delete(id),
              );
          } catch {
            open.delete(id);
          }
        }
        await settled();
        for (const [key, held] of places.held) {
          expect(held).toBeLessThanOrEqual(places.limits.get(key) ?? 1);
        }
        expect(places.held.get("all") ?? 0).toBeGreaterThanOrEqual(running.length);
      }
      // Everybody ends: whoever waits is let in before its time is over, or refused at its end.
      for (let turn = 0; turn < 200 && (running.length > 0 || open.size > 0); turn++) {
        for (const place of running.splice(0)) place.release();
        await vi.advanceTimersByTimeAsync(25);
      }
      expect([open.size, places.queue.size]).toEqual([0, 0]);
      for (const [, held] of places.held) expect(held).toBe(0);
      for (const [, waiting] of places.waiting) expect(waiting).toBe(0);
    }),
    { numRuns: 150 },
  );
});
