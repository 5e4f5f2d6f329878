import { describe, expect, it } from "vitest";
import { type BreakerChange, Breakers } from "./breaker.ts";
import type { Ejection } from "./outliers.ts";
import type { OutlierSettings, Upstream } from "./upstream.ts";

const OUTLIER: OutlierSettings = { errors: 0.2, slower: 3, minCalls: 20, ejectFor: 30_000, share: 0.5 };
const BREAKER = {
  ...{ failures: 0.9, minCalls: 10_000, window: 30_000, consecutive: 10_000, openFor: 5_000, trials: 1 },
};

/** Milliseconds to the answer, or what becomes of it instead. */
type Result = number | "fails" | "breaks" | undefined;

/** Upstreams a, b, c, … of one model; the breaker opens for outliers only. */
function pool(count: number, outlier: OutlierSettings | "off" = OUTLIER) {
  const clock = { now: 1_000_000, monotonic: () => clock.now };
  const changes: BreakerChange[] = [];
  const ejections: Ejection[] = [];
  const all = new Breakers({
    ...{ clock, random: () => 1 },
    onChange: (change) => changes.push(change),
    onEjection: (ejection) => ejections.push(ejection),
  });
  const upstreams = Array.from(
    { length: count },
    (_, index) =>
      ({
        name: "abcdefgh"[index],
        breaker: { ...BREAKER, ...(outlier !== "off" && { outlier }) },
      }) as unknown as Upstream,
  );
  all.configure(upstreams);
  /** Each upstream makes a call that takes so long, fails, or breaks off amid its answer; `undefined` makes none. */
  const round = (...results: Result[]): void => {
    const tickets = results.map((result, index) =>
      result === undefined ? undefined : all.begin(upstreams[index] as Upstream, "m"),
    );
    const began = clock.now;
    results.forEach((result, index) => {
      if (typeof result === "number") clock.now = began + result;
      tickets[index]?.tell(result === "fails" ? "upstream_5xx" : undefined);
      if (result === "breaks") tickets[index]?.tell("reset");
    });
    clock.now = began + 300;
  };
  const rounds = (times: number, ...results: Result[]): void => {
    for (let n = 0; n < times; n++) round(...results);
  };
  const states = (): string => upstreams.map(({ name }) => all.state(name, "m")[0]).join("");
  return { clock, changes, ejections, all, upstreams, rounds, states };
}

describe("an upstream is taken out", () => {
  it("when its answers begin far later than the others', and not before enough calls are known", () => {
    const { rounds, states, ejections, changes, all } = pool(2);
    rounds(19, 900, 100);
    expect(states()).toBe("cc");
    rounds(3, 900, 100);
    expect(states()).toBe("oc");
    expect(ejections).toMatchObject([{ upstream: "a", model: "m", reason: "latency", ms: 30_000 }]);
    expect(changes[0]?.why).toMatch(/^its answers began after (8|9)\d\d ms, the others' after (9\d|10\d) ms/);
    expect(all.ejected("a")).toMatchObject([{ model: "m", why: changes[0]?.why }]);
    expect(all.ejected("b")).toEqual([]);
  });

  it("when far more of its calls fail, though its breaker would bear that", () => {
    const { rounds, states, ejections } = pool(3);
    for (let n = 0; n < 12; n++) {
      rounds(1, "fails", 50, 50);
      rounds(1, 50, 50, 50);
    }
    expect(states()).toBe("occ");
    expect(ejections[0]).toMatchObject({
      reason: "errors",
      why: expect.stringMatching(/^\d+ % of its calls failed, of the others' 0 %$/),
    });
  });

  it("when its answers break off, however well they begin", () => {
    const { rounds, states, ejections } = pool(2);
    rounds(22, "breaks", 50);
    expect([states(), ejections[0]?.reason]).toEqual(["oc", "errors"]);
  });

  it("not when all fare alike, or it is only a little worse, or nobody can be compared with", () => {
    const alike = pool(3);
    alike.rounds(40, 900, 900, 900);
    alike.rounds(40, "fails", "fails", "fails");
    expect(alike.states()).toBe("ccc");
    const little = pool(2);
    little.rounds(40, 290, 100);
    expect(little.states()).toBe("cc");
    const tiny = pool(2);
    tiny.rounds(40, 40, 2);
    expect(tiny.states()).toBe("cc");
    const alone = pool(2);
    alone.rounds(40, 3_000, undefined);
    expect(alone.states()).toBe("cc");
  });

  it("not where it is not asked for", () => {
    const { rounds, states } = pool(2, "off");
    rounds(40, 900, 100);
    expect(states()).toBe("cc");
  });

  it("up to a share of the pool, and never all", () => {
    const { rounds, states } = pool(4);
    rounds(30, 5_000, 5_000, 100, 100);
    // Half of four, and then nobody else, however bad.
    expect(states().replaceAll("c", "")).toBe("oo");
    rounds(60, undefined, undefined, 5_000, 100);
    expect(states()).toBe("oocc");
    const everybody = pool(2, { ...OUTLIER, share: 1 });
    everybody.rounds(30, 5_000, 100);
    everybody.rounds(60, undefined, 5_000);
    expect(everybody.states()).toBe("oc");
  });

  it("for longer each time, and for the first time again when that is long ago", () => {
    const { clock, rounds, states, ejections, all, upstreams } = pool(2);
    const back = (): void => {
      clock.now += ejections.at(-1)?.ms ?? 0;
      all.begin(upstreams[0] as Upstream, "m")?.tell(undefined);
      expect(states()).toBe("cc");
    };
    for (let time = 1; time <= 22; time++) {
      rounds(40, 900, 100);
      expect(ejections.map(({ ms }) => ms)).toHaveLength(time);
      back();
    }
    expect(ejections.slice(0, 3).map(({ ms }) => ms)).toEqual([30_000, 60_000, 90_000]);
    expect(ejections.slice(-3).map(({ ms }) => ms)).toEqual([600_000, 600_000, 600_000]);
    clock.now += 600_000 * 5;
    rounds(40, 900, 100);
    expect(ejections.at(-1)?.ms).toBe(30_000);
  });
});

it("is told apart from a breaker that opened by itself", () => {
  const { all, upstreams } = pool(2);
  const ticket = all.begin(
    { ...upstreams[0], breaker: { ...BREAKER, consecutive: 1 } } as unknown as Upstream,
    "m",
  );
  ticket?.tell("reset");
  expect(all.state("a", "m")).toBe("open");
  expect(all.ejected("a")).toEqual([]);
});
