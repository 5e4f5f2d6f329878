/** One of two upstreams gets into every kind of trouble, and heals: what clients notice, and how soon it is used again. */
import { SANDBOX_KEY, startSandbox } from "../../src/sandbox/server.ts";
import { startGateway, type TestConfig, total } from "./gateway.ts";

export interface ChaosOptions {
  /** Length of each phase. */
  readonly phaseMs: number;
  readonly callsPerSecond: number;
  readonly onPhase?: (name: string) => void;
}

export interface ChaosPhase {
  readonly name: string;
  readonly calls: number;
  /** Calls whose client did not get the whole answer. */
  readonly failed: number;
  /** Calls that upstreams saw, for each call of a client. */
  readonly attemptsPerCall: number;
  /** Milliseconds until the answer was complete. */
  readonly p50: number;
  readonly p99: number;
}

export interface ChaosReport {
  readonly phases: readonly ChaosPhase[];
  /** Milliseconds from the healing until the breaker was closed; undefined when it did not close within 45 s. */
  readonly recoveryMs: number | undefined;
}

/** Only what hangs is to meet a limit: however slow the machine, a call that is answered is no trouble. */
const HASTY = { timeouts: { firstByte: "400ms" } };
const PATIENT = { timeouts: { firstByte: "2s" } };

/** What befalls the first upstream, in this order, and its configuration then. */
const TROUBLES: readonly (readonly [name: string, knobs: object, config?: object])[] = [
  ["well", {}],
  ["30 % of the calls fail", { failRate: 0.3 }],
  ["all calls fail", { status: 500 }],
  ["it hangs", { hang: "head" }, HASTY],
  ["it answers by drips", { tokensPerSecond: 10, output: 6 }],
];

/** The last trouble, which is met twice: without a second attempt, and with one. */
const STUCK = { latency: "lognormal(30,90)", failRate: 0.04, failWith: "hang" };

const HEDGE_MIN_CALLS = 20;
const RECOVERY_LIMIT_MS = 45_000;
const POLL_MS = 20;
/** A load that is later than this does not catch up. */
const MOST_LATE_MS = 50;

export async function chaos({ phaseMs, callsPerSecond, onPhase }: ChaosOptions): Promise<ChaosReport> {
  const backup = await startSandbox({});
  const config = (more: object = {}): TestConfig => ({
    upstream: {
      retries: { attempts: 3, backoff: "20ms" },
      ...more,
    },
    upstreams: { backup: { baseUrl: `${backup.url}/v1`, apiKey: SANDBOX_KEY } },
    models: { "gpt-4.1": { upstreams: ["relay", "backup"] } },
  });
  const gateway = await startGateway(config());
  const seen = (): number => gateway.sandbox.books.total({}).calls + backup.books.total({}).calls;
  const inFlight = async (): Promise<number> =>
    total(await gateway.samples(), "bellwether_requests_in_flight") +
    gateway.sandbox.books.inFlight +
    backup.books.inFlight;
  const settled = async (): Promise<void> => {
    while ((await inFlight()) > 0) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  };
  const phase = async (name: string): Promise<ChaosPhase> => {
    onPhase?.(name);
    const before = seen();
    const results = await load(gateway.url, phaseMs, callsPerSecond);
    await settled();
    const times = results.map(({ ms }) => ms).sort((a, b) => a - b);
    const at = (q: number): number =>
      Math.round(times[Math.min(times.length - 1, Math.floor(q * times.length))] ?? 0);
    return {
      name,
      calls: results.length,
      failed: results.filter(({ ok }) => !ok).length,
      attemptsPerCall: (seen() - before) / results.length,
      p50: at(0.5),
      p99: at(0.99),
    };
  };
  try {
    const phases: ChaosPhase[] = [];
    for (const [name, knobs, more] of TROUBLES) {
      await gateway.configure(config(more));
      gateway.sandbox.set({ ...knobs });
      phases.push(await phase(name));
      gateway.sandbox.reset();
    }
    // Into trouble once more, to see the way out of it.
    gateway.sandbox.set({ status: 500 });
    await load(gateway.url, 1_000, callsPerSecond);
    gateway.sandbox.reset();
    onPhase?.("healed");
    const healed = performance.now();
    let recoveryMs: number | undefined;
    while (recoveryMs === undefined && performance.now() - healed < RECOVERY_LIMIT_MS) {
      await load(gateway.url, 200, callsPerSecond);
      const state = total(await gateway.samples(), "bellwether_breaker_state", { upstream: "relay" });
      if (state === 0) recoveryMs = Math.round(performance.now() - healed);
    }
    gateway.sandbox.set(STUCK);
    await gateway.configure(config(PATIENT));
    phases.push(await phase("4 % of the calls get stuck"));
    await gateway.configure(config({ ...PATIENT, hedge: { after: "p95", minCalls: HEDGE_MIN_CALLS } }));
    // It has to learn first how soon answers usually begin.
    await load(gateway.url, 2_000, callsPerSecond);
    phases.push(await phase("the same, with a hedge after p95"));
    return { phases, recoveryMs };
  } finally {
    await gateway.close();
    await backup.close();
  }
}

interface Result {
  readonly ok: boolean;
  readonly ms: number;
}

/**
 * Calls at a steady rate, whatever becomes of those before; half of them streams. They are as many as the time has
 * room for on any machine: one that stops for a while makes them later, not fewer, and not all at once.
 */
async function load(url: string, forMs: number, perSecond: number): Promise<Result[]> {
  const calls: Promise<Result>[] = [];
  let due = performance.now();
  for (let left = Math.ceil((forMs * perSecond) / 1_000); left > 0; left--) {
    calls.push(one(url, calls.length % 2 === 0));
    due = Math.max(due, performance.now() - MOST_LATE_MS) + 1_000 / perSecond;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
  }
  return Promise.all(calls);
}

async function one(url: string, stream: boolean): Promise<Result> {
  const began = performance.now();
  const body = JSON.stringify({ model: "gpt-4.1", stream, messages: [{ role: "user", content: "Hello" }] });
  const headers = { "content-type": "application/json" };
  let ok = false;
  try {
    const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body });
    const text = await response.text();
    ok = response.status === 200 && (stream ? text.includes("[DONE]") : text.endsWith("}"));
  } catch {
    // The connection broke.
  }
  return { ok, ms: performance.now() - began };
}
