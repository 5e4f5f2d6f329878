import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fingerprintOf } from "../core/alert.ts";
import type { Channel } from "./channel.ts";
import { postJson } from "./http-post.ts";
import type { Notification } from "./notification.ts";
import { Outbox, type Outcome } from "./outbox.ts";
import { ARRIVED, later, refused, type Verdict } from "./verdict.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

interface Sent {
  readonly at: number;
  readonly alerts: readonly string[];
}

/** A channel that answers as told, and remembers when it was given what. */
function channelThat(answer: (attempt: number) => Verdict, more: Partial<Channel> = {}) {
  const attempts: Sent[] = [];
  const channel: Channel = {
    rate: { messages: 1_000, perMs: 1_000 },
    combinable: true,
    messages: ({ alerts }) => [{ alerts: alerts.map(({ labels, status }) => `${labels.n} ${status}`) }],
    async send(message) {
      attempts.push({ at: performance.now(), ...(message as { alerts: string[] }) });
      return answer(attempts.length);
    },
    ...more,
  };
  const outcomes: Outcome[] = [];
  const outbox = new Outbox({
    name: "ops",
    channel,
    language: "en",
    io: { post: postJson, now: () => Date.now() },
    // Not the system's, which has looked `performance` up before it was replaced.
    clock: { wall: () => Date.now(), monotonic: () => performance.now() },
    onOutcome: (outcome) => outcomes.push(outcome),
  });
  return { outbox, attempts, outcomes };
}

function about(n: number, status: "firing" | "resolved" = "firing"): Notification {
  const labels = { alertname: "high-latency", n: String(n) };
  return {
    groupKey: `g${n}`,
    groupLabels: {},
    truncated: 0,
    externalUrl: "",
    alerts: [
      {
        status,
        labels,
        annotations: {},
        startsAt: 0,
        endsAt: status === "resolved" ? 1 : undefined,
        generatorUrl: "",
        fingerprint: fingerprintOf(labels),
      },
    ],
  };
}

describe("an outbox", () => {
  it("sends at once, and in order", async () => {
    const { outbox, attempts, outcomes } = channelThat(() => ARRIVED);
    for (const n of [1, 2, 3]) outbox.tell(about(n));
    await vi.advanceTimersByTimeAsync(10);
    expect(attempts.map(({ alerts }) => alerts)).toEqual([["1 firing"], ["2 firing"], ["3 firing"]]);
    expect(outcomes).toEqual(["sent", "sent", "sent"]);
    expect(outbox.waiting).toBe(0);
  });

  it("loses nothing while the channel is down for ten minutes, and tells it as one when it is back", async () => {
    const back = performance.now() + 600_000;
    const { outbox, attempts } = channelThat(() => (performance.now() < back ? later("HTTP 503") : ARRIVED));
    for (let n = 0; n < 10; n++) {
      outbox.tell(about(n));
      await vi.advanceTimersByTimeAsync(60_000);
    }
    outbox.tell(about(3, "resolved"));
    await vi.advanceTimersByTimeAsync(120_000);
    expect(outbox.waiting).toBe(0);
    const told = attempts.filter(({ at }) => at >= back).flatMap(({ alerts }) => alerts);
    const last = new Map(told.map((text) => text.split(" ") as [string, string]));
    expect([...last].sort()).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [String(n), n === 3 ? "resolved" : "firing"]),
    );
    // Not hammered meanwhile: about one attempt in half a minute to a minute, after the first few.
    expect(attempts.length).toBeLessThan(40);
  });

  it("waits as long as the vendor asks", async () => {
    const { outbox, attempts } = channelThat((attempt) =>
      attempt === 1 ? later("slow down", 90_000) : ARRIVED,
    );
    outbox.tell(about(1));
    await vi.advanceTimersByTimeAsync(89_000);
    expect(attempts).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(attempts).toHaveLength(2);
  });

  it("gives up at once what will never be accepted, and goes on with the next", async () => {
    const { outbox, attempts, outcomes } = channelThat((attempt) =>
      attempt === 1 ? refused("no") : ARRIVED,
    );
    outbox.tell(about(1));
    outbox.tell(about(2));
    await vi.advanceTimersByTimeAsync(10);
    expect(attempts).toHaveLength(2);
    expect(outcomes).toEqual(["failed", "sent"]);
  });

  it("gives up after a day", async () => {
    const { outbox, outcomes } = channelThat(() => later("HTTP 503"));
    outbox.tell(about(1));
    await vi.advanceTimersByTimeAsync(25 * 3_600_000);
    expect(outcomes.at(-1)).toBe("failed");
    expect(outbox.waiting).toBe(0);
  });

  it("never sends faster than the vendor allows", async () => {
    const rate = { messages: 20, perMs: 60_000 };
    const { outbox, attempts } = channelThat(() => ARRIVED, { rate, combinable: false });
    for (let n = 0; n < 100; n++) outbox.tell(about(n));
    await vi.advanceTimersByTimeAsync(600_000);
    expect(attempts).toHaveLength(100);
    for (const [index, { at }] of attempts.entries()) {
      const since = attempts[index + rate.messages]?.at ?? Number.POSITIVE_INFINITY;
      expect(since - at).toBeGreaterThanOrEqual(rate.perMs);
    }
  });

  it("makes few messages of a flood", async () => {
    const rate = { messages: 20, perMs: 60_000 };
    const { outbox, attempts } = channelThat(() => ARRIVED, { rate });
    for (let n = 0; n < 1_000; n++) {
      outbox.tell(about(n));
      await vi.advanceTimersByTimeAsync(60);
    }
    await vi.advanceTimersByTimeAsync(120_000);
    expect(attempts.length).toBeLessThanOrEqual(41);
    expect(new Set(attempts.flatMap(({ alerts }) => alerts)).size).toBe(1_000);
  });

  it("takes the same notification once while it waits", () => {
    const { outbox } = channelThat(() => later("HTTP 503"));
    expect(outbox.tell(about(1))).toBe(true);
    expect(outbox.tell(about(1))).toBe(false);
    expect(outbox.tell(about(1, "resolved"))).toBe(true);
  });

  it("keeps at most a thousand waiting, and counts those it gave up", async () => {
    const { outbox, outcomes } = channelThat(() => later("HTTP 503"), { combinable: false });
    for (let n = 0; n < 1_005; n++) outbox.tell(about(n));
    await vi.advanceTimersByTimeAsync(1);
    expect(outbox.waiting).toBe(1_000);
    expect(outcomes.filter((outcome) => outcome === "dropped")).toHaveLength(5);
  });

  it("survives a channel that throws", async () => {
    let calls = 0;
    const { outbox, outcomes } = channelThat(() => ARRIVED, {
      send: async () => {
        if (calls++ === 0) throw new Error("a bug with a secret in it");
        return ARRIVED;
      },
    });
    outbox.tell(about(1));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(outcomes).toEqual(["retried", "sent"]);
  });

  it("at its end sends what waits, for as long as it is given", async () => {
    const good = channelThat(() => ARRIVED);
    good.outbox.tell(about(1));
    const bad = channelThat(() => later("HTTP 503"));
    bad.outbox.tell(about(1));
    const closing = Promise.all([good.outbox.close(5_000), bad.outbox.close(5_000)]);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(await closing).toEqual([true, false]);
    const attempts = bad.attempts.length;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(bad.attempts).toHaveLength(attempts);
  });
});
