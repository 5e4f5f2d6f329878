import { expect, it } from "vitest";
import { ledgerRow } from "../../../test/helpers/ledger-row.ts";
import { LiveTraffic } from "./live.ts";

/** Traffic with a clock that is set by hand, in seconds. */
function traffic() {
  const clock = { now: 1_000 };
  return { clock, live: new LiveTraffic({ monotonic: () => clock.now * 1000 }) };
}

it("tells of the last minute, and forgets what is older", () => {
  const { clock, live } = traffic();
  for (let n = 1; n <= 100; n++) {
    live.settled(ledgerRow({ durationMs: n, firstTokenMs: undefined, upstream: n > 90 ? "b" : "a" }));
  }
  live.settled(
    ledgerRow({
      status: 503,
      errorType: "upstream_5xx",
      upstream: "b",
      durationMs: 5_000,
      firstTokenMs: undefined,
    }),
  );
  const figures = live.figures();
  expect(figures).toMatchObject({ callsPerSecond: 101 / 60, errorRate: 1 / 101, firstTokenP50: null });
  expect(figures.calls.slice(-2)).toEqual([0, 101]);
  // Within 0.6 % of the 51st, the 96th and the 100th of 101.
  for (const [found, exact] of [
    [figures.p50, 51],
    [figures.p95, 96],
    [figures.p99, 100],
  ] as const) {
    expect(Math.abs((found ?? 0) / exact - 1)).toBeLessThan(0.006);
  }
  expect(live.ofUpstream("b")).toEqual({ calls: 11, errorRate: 1 / 11 });
  expect(live.ofUpstream("nobody")).toEqual({ calls: 0, errorRate: null });

  clock.now += 30;
  live.settled(ledgerRow({ durationMs: 7 }));
  clock.now += 30;
  expect(live.figures()).toMatchObject({ callsPerSecond: 1 / 60, errorRate: 0 });
  expect(Math.abs((live.figures().p99 ?? 0) / 7 - 1)).toBeLessThan(0.006);
  clock.now += 3_600;
  expect(live.figures()).toMatchObject({ callsPerSecond: 0, errorRate: null, p50: null });
});

it("survives durations that cannot be, and leaves probes out", () => {
  const { live } = traffic();
  for (const durationMs of [0, -1, Number.NaN, 1e12]) live.settled(ledgerRow({ durationMs }));
  live.settled(ledgerRow({ probe: true }));
  expect(live.figures().callsPerSecond).toBe(4 / 60);
  expect(live.figures().p50).toBeGreaterThanOrEqual(0);
});

it("counts a call that its client left as neither success nor error, as reports do", () => {
  const { live } = traffic();
  live.settled(ledgerRow({ status: 499, errorType: "client_gone", upstream: "a" }));
  expect(live.figures()).toMatchObject({ callsPerSecond: 1 / 60, errorRate: null });
  live.settled(ledgerRow({ status: 200, upstream: "a" }));
  live.settled(ledgerRow({ status: 500, errorType: "upstream_5xx", upstream: "a" }));
  expect(live.ofUpstream("a")).toEqual({ calls: 3, errorRate: 1 / 2 });
});
