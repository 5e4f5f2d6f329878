import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { socketPair } from "../../test/helpers/socket-pair.ts";
import { systemClock } from "../core/clock.ts";
import type { Settings, Surroundings } from "../gateway/state.ts";
import type { Upstream } from "../upstreams/upstream.ts";
import { type Probe, ProbeFailure } from "./probe.ts";
import { type RunSurroundings, runProbe } from "./run.ts";
import { Spend } from "./spend.ts";

const KEY = "sk-abcdefgh12345678";
const upstream = {
  name: "relay",
  baseUrl: "http://127.0.0.1:9/v1",
  apiKey: KEY,
  timeouts: { connect: 5_000, firstByte: 5_000, idle: 5_000, total: 5_000 },
} as Upstream;

const errors: object[] = [];
const log = {
  info: () => {},
  warn: () => {},
  debug: () => {},
  error: (fields: object) => void errors.push(fields),
};

function surroundings(spend = new Spend(1), priced = true): RunSurroundings {
  const prices = { price: () => (priced ? {} : undefined) } as unknown as Settings["prices"];
  return {
    around: { clock: systemClock, log } as unknown as Surroundings,
    settings: () => ({ prices }) as Settings,
    spend,
  };
}

function task(run: Probe["run"], more: Partial<Probe> = {}) {
  const probe: Probe = { name: "chat", about: "", costs: false, applies: () => true, run, ...more };
  return { upstream, probe, model: "gpt-4.1", timeoutMs: 1_000, key: 1 };
}

beforeEach(() => {
  errors.length = 0;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

it("takes the time, and calls what ends well a success", async () => {
  const result = await runProbe(
    task(() => Promise.resolve({ key: "valid" })),
    surroundings(),
  );
  expect(result).toMatchObject({ outcome: "success", success: true, key: "valid", message: "" });
  expect(result.durationMs).toBeGreaterThanOrEqual(0);
});

it.each<[string, Probe["run"]]>([
  [
    "throws before its first wait",
    () => {
      throw new TypeError(`cannot read ${KEY}`);
    },
  ],
  ["rejects", () => Promise.reject(new Error(`with ${KEY}`))],
  ["rejects with what is no error", () => Promise.reject("nonsense")],
])("survives a probe that %s: logged, an exception, without the key", async (_name, run) => {
  const result = await runProbe(task(run), surroundings());
  expect(result).toMatchObject({ outcome: "exception", success: false });
  expect(JSON.stringify(result.message)).not.toContain(KEY);
  expect(errors).toHaveLength(1);
});

it("tells what a probe found, with the vendor's words but not the key in them", async () => {
  const fail = () =>
    Promise.reject(
      new ProbeFailure("auth", `HTTP 401: wrong key ${KEY}, or sk-abc***678`, {
        status: 401,
        key: "invalid",
      }),
    );
  const result = await runProbe(task(fail), surroundings());
  expect(result).toMatchObject({ outcome: "auth", status: 401, key: "invalid" });
  expect(result.message).toBe("HTTP 401: wrong key ****, or ****");
});

it("leaves a probe behind that does not mind its time", async () => {
  const never = new Promise<never>(() => undefined);
  const running = runProbe(
    task(() => never),
    surroundings(),
  );
  await vi.advanceTimersByTimeAsync(1_000 + 250);
  // What has arrived is read before the probe is told.
  await new Promise((resolve) => setImmediate(resolve));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await running).toMatchObject({ outcome: "timeout", success: false });
});

it("tells a probe that its time is over", async () => {
  const obedient: Probe["run"] = ({ signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
  const running = runProbe(task(obedient), surroundings());
  await vi.advanceTimersByTimeAsync(1_250);
  expect(await running).toMatchObject({ outcome: "timeout" });
  expect(errors).toEqual([]);
});

it("takes an answer that came in time, though this process stood still and has not read it yet", async () => {
  const { near, far, close } = await socketPair();
  const run: Probe["run"] = ({ signal }) =>
    new Promise((resolve, reject) => {
      near.once("data", () => resolve({ key: "valid" }));
      signal.addEventListener("abort", () => reject(new Error("aborted")));
    });
  const running = runProbe(task(run), surroundings());
  // In one turn of the event loop, after which timers come before sockets.
  setImmediate(() => {
    far.write("answer");
    vi.advanceTimersByTime(60_000);
  });
  expect(await running).toMatchObject({ outcome: "success", key: "valid" });
  close();
});

it("does not run what costs once the day's money is spent, and says how to change that", async () => {
  const run = vi.fn(() => Promise.resolve({}));
  const result = await runProbe(task(run, { costs: true }), surroundings(new Spend(0)));
  expect(run).not.toHaveBeenCalled();
  expect(result).toMatchObject({ outcome: "spend_cap", success: false });
  expect(result.message).toContain("probes.spendPerDay.usd");
  expect((await runProbe(task(run), surroundings(new Spend(0)))).outcome).toBe("success");
});

it("does not run what is dear without knowing its price", async () => {
  const run = vi.fn(() => Promise.resolve({}));
  const dear = task(run, { costs: true, needsPrice: true });
  expect(await runProbe(dear, surroundings(new Spend(1), false))).toMatchObject({ outcome: "spend_cap" });
  expect(run).not.toHaveBeenCalled();
  expect(await runProbe(dear, surroundings(new Spend(1)))).toMatchObject({ outcome: "success" });
});
