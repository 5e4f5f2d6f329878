import { expect, it } from "vitest";
import { Metrics } from "../metrics/metrics.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import { Board } from "./board.ts";
import { probes } from "./index.ts";
import { KeyHealth } from "./key-health.ts";
import type { Finding } from "./probe.ts";
import type { Result } from "./run.ts";

const upstream = { name: "relay", apiKey: "sk-1" } as Upstream;
const MINUTE = 60_000;

function setUp() {
  const clock = { now: 0, wall: () => 1_700_000_000_000 + clock.now, monotonic: () => clock.now };
  const metrics = new Metrics();
  const keys = new KeyHealth({ isOurs: () => true, doubt: () => false, changed: () => undefined });
  const board = new Board(metrics.registry, clock, keys);
  board.watch(new Map([["relay", { models: ["gpt-4.1", "gone"], keys: 1 }]]));
  const note = (name: keyof typeof probes, finding: Finding, more: Partial<Result> = {}): void => {
    const task = { upstream, probe: probes[name], model: "", timeoutMs: 1_000, key: 1 };
    const ended = { outcome: "success", success: true, message: "", status: 200, durationMs: 10 } as const;
    const nothing = { key: undefined, retryAfterMs: undefined, usages: [], cost: undefined };
    board.note({ task, ...ended, ...nothing, startedAt: clock.wall(), finding, ...more }, MINUTE);
  };
  const page = async (): Promise<string> => {
    let text = "";
    for await (const piece of (await metrics.page()).body) text += piece;
    return text
      .split("\n")
      .filter((line) => !line.startsWith("#"))
      .join("\n");
  };
  return { clock, board, note, page };
}

const dollars = (balance: number) => ({
  accounts: [{ currency: "USD", balance, used: undefined, limit: undefined, unlimited: false }],
});

it("an old balance is never shown as fresh: it goes after three intervals, its time stays", async () => {
  const { clock, note, page } = setUp();
  note("balance", dollars(10));
  clock.now = 3 * MINUTE;
  note("balance", {}, { success: false, outcome: "auth" });
  expect(await page()).toContain('bellwether_upstream_balance{upstream="relay",currency="USD"} 10');
  clock.now += 1;
  const stale = await page();
  expect(stale).not.toMatch(/bellwether_upstream_(balance|quota_\w+|balance_unlimited)\{/);
  expect(stale).toContain('bellwether_upstream_balance_timestamp_seconds{upstream="relay"} 1700000000\n');
  expect(stale).toContain('bellwether_probe_success{upstream="relay",probe="balance",model=""} 0');
  note("balance", dollars(9));
  expect(await page()).toContain('bellwether_upstream_balance{upstream="relay",currency="USD"} 9');
});

it("a currency that is not told any more is gone at once", async () => {
  const { note, page } = setUp();
  note("balance", {
    accounts: [...dollars(1).accounts, { ...dollars(2).accounts[0], currency: "CNY" }],
  } as Finding);
  note("balance", dollars(1));
  expect(await page()).not.toContain("CNY");
});

it("the balance's fall tells when nothing will be left; a top-up does not hide it", async () => {
  const { clock, note, page } = setUp();
  for (const balance of [100, 94, 88, 182, 176]) {
    note("balance", dollars(balance));
    clock.now += 2 * MINUTE;
  }
  const text = await page();
  // 18 dollars in eight minutes; 176 are left for 78 minutes more.
  expect(text).toContain(
    'bellwether_upstream_balance_burn_per_second{upstream="relay",currency="USD"} 0.0375',
  );
  const at = /balance_exhausted_timestamp_seconds\{.*\} (\S+)/.exec(text)?.[1];
  expect(Number(at)).toBeCloseTo(1_700_000_000 + 8 * 60 + 176 / 0.0375, 3);
});

it("a balance that does not fall has no end", async () => {
  const { clock, note, page } = setUp();
  note("balance", dollars(5));
  clock.now = 5 * MINUTE;
  note("balance", dollars(5));
  const text = await page();
  expect(text).toContain('burn_per_second{upstream="relay",currency="USD"} 0');
  expect(text).not.toContain("exhausted");
});

it("lists of models: how many, which configured ones are missing, what came and went", async () => {
  const { note, page } = setUp();
  note("models", { models: ["gpt-4.1", "a", "b"] });
  note("models", { models: ["gpt-4.1", "c"] });
  const text = await page();
  expect(text).toContain('bellwether_upstream_models{upstream="relay"} 2');
  expect(text).toContain('bellwether_upstream_model_listed{upstream="relay",model="gpt-4.1"} 1');
  expect(text).toContain('bellwether_upstream_model_listed{upstream="relay",model="gone"} 0');
  expect(text).toContain('bellwether_upstream_model_changes_total{upstream="relay",change="appeared"} 1');
  expect(text).toContain('bellwether_upstream_model_changes_total{upstream="relay",change="vanished"} 2');
});

it("a probe that was not run for want of money shows neither success nor failure", async () => {
  const { note, page } = setUp();
  note("chat", {});
  note("chat", {}, { success: false, outcome: "spend_cap" });
  const text = await page();
  expect(text).not.toContain("bellwether_probe_success");
  expect(text).toContain(
    'bellwether_probe_last_success_timestamp_seconds{upstream="relay",probe="chat",model=""}',
  );
  expect(text).toContain('outcome="spend_cap"} 1');
});

it("an upstream that is gone from the configuration is gone from the page", async () => {
  const { board, note, page } = setUp();
  note("balance", dollars(10));
  note("models", { models: ["gpt-4.1"] });
  board.watch(new Map());
  // Counters stay, as counters do.
  const left = (await page())
    .split("\n")
    .filter((line) => line.includes("relay") && !line.includes("_total"));
  expect(left).toEqual([]);
});
