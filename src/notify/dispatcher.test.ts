import { describe, expect, it } from "vitest";
import { notifyRoute } from "../config/channel-schema.ts";
import type { NotifyRoute } from "../config/schema.ts";
import { type Alert, fingerprintOf } from "../core/alert.ts";
import { Dispatcher, type DispatcherState } from "./dispatcher.ts";
import { matches, routesOf } from "./route-match.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A dispatcher with a clock of its own, and what it tells: "seconds channel: alerts". */
class Scene {
  now = Date.UTC(2026, 0, 1);
  readonly told: string[] = [];
  readonly muted = new Set<string>();
  dispatcher: Dispatcher;
  readonly #begin = this.now;
  readonly #routes: readonly NotifyRoute[];

  constructor(...routes: object[]) {
    this.#routes = routes.map((route) => notifyRoute.parse(route));
    this.dispatcher = this.#make();
  }

  restart(): void {
    const state = JSON.parse(JSON.stringify(this.dispatcher.state())) as DispatcherState;
    this.dispatcher = this.#make();
    this.dispatcher.restore(state);
  }

  update(...alerts: Alert[]): void {
    this.dispatcher.update(alerts);
  }

  /** Lets time pass, second by second. */
  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now += SECOND) this.dispatcher.tick();
  }

  /** What was told since the last time. */
  news(): string[] {
    return this.told.splice(0);
  }

  #make(): Dispatcher {
    return new Dispatcher({
      routes: this.#routes,
      clock: { wall: () => this.now, monotonic: () => this.now },
      externalUrl: "",
      muted: ({ labels }) => (this.muted.has(labels.alertname ?? "") ? "silenced" : undefined),
      tell: (channel, { alerts }) => {
        const what = alerts.map(({ labels, status }) => `${status === "resolved" ? "-" : "+"}${labels.n}`);
        this.told.push(`${(this.now - this.#begin) / SECOND} ${channel}: ${what.join(" ")}`);
      },
    });
  }
}

function alert(n: number | string, labels: Record<string, string> = {}): Alert {
  const all = { alertname: "high-latency", severity: "warning", upstream: "a", ...labels, n: String(n) };
  return {
    status: "firing",
    labels: all,
    annotations: {},
    startsAt: 0,
    endsAt: undefined,
    generatorUrl: "",
    fingerprint: fingerprintOf(all),
  };
}

function ended(n: number | string, labels: Record<string, string> = {}): Alert {
  return { ...alert(n, labels), status: "resolved", endsAt: 1 };
}

describe("a group of alerts", () => {
  it("waits for others, is told once, and its news at most every interval", () => {
    const scene = new Scene({ to: ["ops"] });
    scene.update(alert(1));
    scene.pass(10 * SECOND);
    scene.update(alert(2));
    scene.pass(50 * SECOND);
    expect(scene.news()).toEqual(["30 ops: +1 +2"]);
    scene.update(alert(3));
    scene.pass(5 * MINUTE);
    expect(scene.news()).toEqual(["330 ops: +1 +2 +3"]);
    scene.pass(HOUR);
    expect(scene.news()).toEqual([]);
  });

  it("is told again while it lasts, and once when it ends", () => {
    const scene = new Scene({ to: ["ops"], repeatEvery: "1h" });
    scene.update(alert(1));
    scene.pass(2 * HOUR + 10 * MINUTE);
    expect(scene.news()).toEqual(["30 ops: +1", "3630 ops: +1", "7230 ops: +1"]);
    scene.update(ended(1));
    scene.pass(2 * HOUR);
    expect(scene.news()).toHaveLength(1);
  });

  it("that ended before it was told is no news", () => {
    const scene = new Scene({ to: ["ops"] });
    scene.update(alert(1));
    scene.pass(20 * SECOND);
    scene.update(ended(1));
    scene.pass(HOUR);
    expect(scene.news()).toEqual([]);
  });

  it("is not told twice by a restart, and its end is told after one", () => {
    const scene = new Scene({ to: ["ops"], groupWait: "0ms" });
    scene.update(alert(1));
    scene.pass(MINUTE);
    expect(scene.news()).toEqual(["0 ops: +1"]);
    scene.restart();
    scene.update(alert(1));
    scene.pass(HOUR);
    expect(scene.news()).toEqual([]);
    scene.restart();
    scene.update(ended(1));
    scene.pass(HOUR);
    expect(scene.news()).toEqual([expect.stringMatching(/ops: -1$/)]);
  });

  it("that is muted is not told, but is when it still fires afterwards", () => {
    const scene = new Scene({ to: ["ops"], groupWait: "0ms" });
    scene.muted.add("high-latency");
    scene.update(alert(1));
    scene.pass(10 * MINUTE);
    expect(scene.news()).toEqual([]);
    scene.muted.clear();
    scene.pass(6 * MINUTE);
    expect(scene.news()).toEqual([expect.stringMatching(/ops: \+1$/)]);
  });

  it("is not forgotten when the clock is set back", () => {
    const scene = new Scene({ to: ["ops"] });
    scene.update(alert(1));
    scene.now -= 30 * 24 * HOUR;
    scene.pass(6 * MINUTE);
    expect(scene.news()).toHaveLength(1);
  });
});

describe("routes", () => {
  it("group by name and upstream unless told otherwise", () => {
    const scene = new Scene({ to: ["ops"] });
    scene.update(alert(1), alert(2, { upstream: "b" }), alert(3, { alertname: "other" }));
    scene.pass(MINUTE);
    expect(scene.news()).toEqual(["30 ops: +1", "30 ops: +2", "30 ops: +3"]);
    const byNothing = new Scene({ to: ["ops"], groupBy: [] });
    byNothing.update(alert(1), alert(2, { upstream: "b" }), alert(3, { alertname: "other" }));
    byNothing.pass(MINUTE);
    expect(byNothing.news()).toEqual(["30 ops: +1 +2 +3"]);
  });

  it("the first that fits takes an alert, unless it lets it go on", () => {
    const routes = [
      { when: { severity: "critical" }, to: ["pager"], continue: true },
      { when: { severity: ["critical", "warning"], labels: { upstream: ["a", "b*"] } }, to: ["ops"] },
      { to: ["rest"] },
    ].map((route) => notifyRoute.parse(route));
    expect(routesOf(alert(1, { severity: "critical" }), routes)).toEqual([0, 1]);
    expect(routesOf(alert(1, { upstream: "backup" }), routes)).toEqual([1]);
    expect(routesOf(alert(1, { upstream: "c" }), routes)).toEqual([2]);
    expect(routesOf(alert(1, { severity: "info" }), routes)).toEqual([2]);
  });

  it.each([
    ["upstream-down", "upstream-*", true],
    ["upstream-down", "*down", true],
    ["upstream-down", "u*m*n", true],
    ["upstream-down", "*", true],
    ["upstream-down", "upstream", false],
    ["upstream-down", "*up", false],
    ["aba", "ab*ba", false],
    ["a.c", "abc", false],
  ])("%s with the pattern %s: %s", (value, pattern, expected) => {
    expect(matches(value, pattern)).toBe(expected);
  });
});
