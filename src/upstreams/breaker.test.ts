import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BreakerChange, Breakers } from "./breaker.ts";
import type { BreakerSettings, Upstream } from "./upstream.ts";

const SETTINGS: BreakerSettings = {
  ...{ failures: 0.5, minCalls: 10, window: 30_000, consecutive: 5, openFor: 5_000, trials: 3 },
};

function breakers(settings: BreakerSettings = SETTINGS) {
  const clock = { now: 1_000_000, monotonic: () => clock.now };
  const changes: BreakerChange[] = [];
  const all = new Breakers({ clock, random: () => 1, onChange: (change) => changes.push(change) });
  const upstream = { name: "a", breaker: settings } as Upstream;
  const call = (failure?: "upstream_5xx" | "rate_limit" | "bad_request") =>
    all.begin(upstream, "m")?.tell(failure);
  const state = () => all.state("a", "m");
  return { clock, changes, all, upstream, call, state };
}

describe("a breaker", () => {
  it("opens when too large a share of enough calls fails, and not before", () => {
    const { call, state, changes } = breakers();
    for (let n = 0; n < 4; n++) {
      call();
      call("upstream_5xx");
    }
    expect(state()).toBe("closed");
    call("upstream_5xx");
    call("upstream_5xx");
    expect(state()).toBe("open");
    expect(changes).toEqual([{ upstream: "a", model: "m", state: "open", why: "6 of 10 calls failed" }]);
  });

  it("opens when just the share fails", () => {
    const { call, state } = breakers();
    for (let n = 0; n < 5; n++) {
      call();
      expect(state()).toBe("closed");
      call("upstream_5xx");
    }
    expect(state()).toBe("open");
  });

  it("opens after five failures in a row, however few the calls", () => {
    const { call, state } = breakers();
    for (let n = 0; n < 4; n++) call("upstream_5xx");
    expect(state()).toBe("closed");
    call("upstream_5xx");
    expect(state()).toBe("open");
  });

  it("forgets what is older than its window", () => {
    const { call, state, clock } = breakers();
    for (let n = 0; n < 4; n++) call("upstream_5xx");
    call();
    clock.now += 31_000;
    for (let n = 0; n < 4; n++) call("upstream_5xx");
    for (let n = 0; n < 5; n++) call();
    expect(state()).toBe("closed");
  });

  it("does not mind clients' mistakes and rate limits", () => {
    const { call, state } = breakers();
    for (let n = 0; n < 50; n++) call(n % 2 === 0 ? "rate_limit" : "bad_request");
    expect(state()).toBe("closed");
  });

  it("lets a few calls try after its time, and closes when they succeed", () => {
    const { all, upstream, call, state, clock, changes } = breakers();
    for (let n = 0; n < 5; n++) call("upstream_5xx");
    expect(all.admits(upstream, "m")).toBe(false);
    clock.now += 5_000;
    expect(state()).toBe("half-open");
    const trials = [1, 2, 3].map(() => {
      expect(all.admits(upstream, "m")).toBe(true);
      return all.begin(upstream, "m");
    });
    expect(all.admits(upstream, "m")).toBe(false);
    for (const trial of trials) trial?.tell(undefined);
    expect(state()).toBe("closed");
    expect(changes.map((change) => change.state)).toEqual(["open", "half-open", "closed"]);
    // It begins anew: the failures before do not count any more.
    for (let n = 0; n < 4; n++) call("upstream_5xx");
    expect(state()).toBe("closed");
  });

  it("opens again when a trial fails, and late words of older trials change nothing", () => {
    const { all, upstream, call, state, clock } = breakers();
    for (let n = 0; n < 5; n++) call("upstream_5xx");
    clock.now += 5_000;
    const slow = all.begin(upstream, "m");
    all.begin(upstream, "m")?.tell("upstream_5xx");
    expect(state()).toBe("open");
    clock.now += 5_000;
    const trials = [all.begin(upstream, "m"), all.begin(upstream, "m")];
    slow?.tell("upstream_5xx");
    expect(state()).toBe("half-open");
    for (const trial of trials) trial?.tell(undefined);
    expect(state()).toBe("half-open");
  });

  it("gives the place of a trial back whose client left", () => {
    const { all, upstream, call, clock } = breakers({ ...SETTINGS, trials: 1 });
    for (let n = 0; n < 5; n++) call("upstream_5xx");
    clock.now += 5_000;
    const trial = all.begin(upstream, "m");
    expect(all.admits(upstream, "m")).toBe(false);
    trial?.left();
    trial?.left();
    expect(all.admits(upstream, "m")).toBe(true);
  });

  it("counts an answer that breaks off after a good beginning as a failure", () => {
    const { all, upstream, state } = breakers();
    for (let n = 0; n < 5; n++) {
      const ticket = all.begin(upstream, "m");
      ticket?.tell(undefined);
      ticket?.tell("upstream_5xx");
    }
    // Each began well, so that they were not in a row; half of all is enough of ten.
    expect(state()).toBe("closed");
    for (let n = 0; n < 5; n++) {
      const ticket = all.begin(upstream, "m");
      ticket?.tell(undefined);
      ticket?.tell("upstream_5xx");
    }
    expect(state()).toBe("open");
  });

  it("is there for each model, and is forgotten with its upstream", () => {
    const { all, upstream, call } = breakers();
    for (let n = 0; n < 5; n++) call("upstream_5xx");
    expect([all.state("a", "m"), all.state("a", "n"), all.state("b", "m")]).toEqual([
      "open",
      "closed",
      "closed",
    ]);
    expect(all.worst("a")).toBe("open");
    all.configure([]);
    expect(all.worst("a")).toBe("closed");
    expect(all.begin({ ...upstream, breaker: undefined } as unknown as Upstream, "m")).toBeUndefined();
  });
});

it("never keeps a place out for ever, whatever happens: with time there is always a trial free, or it is closed", () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("begin" as const) }),
    fc.record({
      do: fc.constantFrom("succeed" as const, "fail" as const, "leave" as const),
      which: fc.nat(),
    }),
    fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 9_000 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { all, upstream, clock } = breakers();
      const open: (ReturnType<typeof all.begin> | undefined)[] = [];
      for (const each of steps) {
        if (each.do === "begin") {
          if (all.admits(upstream, "m")) open.push(all.begin(upstream, "m"));
        } else if (each.do === "wait") clock.now += each.ms;
        else if (open.length > 0) {
          const [ticket] = open.splice(each.which % open.length, 1);
          if (each.do === "leave") ticket?.left();
          else ticket?.tell(each.do === "fail" ? "upstream_5xx" : undefined);
        }
      }
      for (const ticket of open) ticket?.left();
      clock.now += 10_000;
      expect(all.admits(upstream, "m")).toBe(true);
    }),
  );
});

it("is there for a thousand models at most, and those in trouble stay", () => {
  const { all, upstream } = breakers();
  for (let n = 0; n < 5; n++) all.begin(upstream, "broken")?.tell("upstream_5xx");
  for (let n = 0; n < 3_000; n++) all.begin(upstream, `invented-${n}`)?.tell(undefined);
  expect(all.state("a", "broken")).toBe("open");
  for (let model = 0; model < 2_000; model++) {
    for (let n = 0; n < 5; n++) all.begin(upstream, `broken-${model}`)?.tell("upstream_5xx");
  }
  expect(all.begin(upstream, "one more")).toBeUndefined();
  expect(all.admits(upstream, "one more")).toBe(true);
});
