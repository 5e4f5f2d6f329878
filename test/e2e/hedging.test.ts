/** A second attempt beside one whose answer is late: the client gets one answer, and each attempt is in the books. */
import { afterEach, describe, expect, it } from "vitest";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { startGateway, type TestConfig, type TestGateway, total } from "../helpers/gateway.ts";
import { HeldLine } from "../helpers/held-line.ts";
import { startRawUpstream } from "../helpers/raw-upstream.ts";
import { standStill } from "../helpers/stand-still.ts";
import { until } from "../helpers/until.ts";

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

interface Pair {
  readonly gateway: TestGateway;
  readonly backup: Sandbox;
  /** The lines to the two, which hold answers back. */
  readonly lines: { readonly relay: HeldLine; readonly backup: HeldLine };
}

/** Two upstreams of one model, the first with a hedge. */
async function pair(hedge: object = { after: "60ms" }, config: TestConfig = {}): Promise<Pair> {
  const backup = await startSandbox({});
  open.push(() => backup.close());
  const lines = { relay: await HeldLine.open(), backup: await HeldLine.open(backup.url) };
  for (const line of Object.values(lines)) open.push(() => line.close());
  const gateway = await startGateway({
    upstream: { hedge, baseUrl: `${lines.relay.url}/v1` },
    upstreams: { backup: { baseUrl: `${lines.backup.url}/v1`, apiKey: SANDBOX_KEY } },
    models: { "gpt-4.1": { upstreams: ["relay", "backup"] } },
    ...config,
  });
  lines.relay.target = gateway.sandbox.url;
  open.push(() => gateway.close());
  return { gateway, backup, lines };
}

const BODY = { model: "gpt-4.1", messages: [{ role: "user", content: "Who leads the flock?" }] };

function post({ url }: TestGateway, body: object = {}, init: RequestInit = {}): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    ...{ method: "POST", headers: { "content-type": "application/json" } },
    ...init,
    body: JSON.stringify({ ...BODY, ...body }),
  });
}

/** Status and text of an answer; the text ends early where the answer breaks off. */
async function answer(response: Response): Promise<{ status: number; text: string }> {
  let text = "";
  try {
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk as Uint8Array).toString();
  } catch {
    text += "<broken>";
  }
  return { status: response.status, text };
}

/** Resolves when both upstreams have been asked; what they answer is held back from now on. */
async function held({ gateway, backup, lines }: Pair): Promise<void> {
  lines.relay.hold();
  lines.backup.hold();
  await until(() => [gateway.sandbox, backup].map(({ books }) => books.total({}).calls), [1, 1]);
}

const both = ({ gateway, backup }: Pick<Pair, "gateway" | "backup">): Promise<void> =>
  gateway.quiet().then(() => until(() => backup.books.inFlight, 0));

async function hedges({ gateway }: Pick<Pair, "gateway">): Promise<Record<string, number>> {
  const page = await gateway.samples();
  const outcomes = ["won", "lost", "failed", "gone"].map(
    (outcome) => [outcome, total(page, "bellwether_hedges_total", { outcome })] as const,
  );
  return Object.fromEntries(outcomes.filter(([, count]) => count > 0));
}

async function counted({ gateway }: Pair): Promise<Record<string, number>> {
  const page = await gateway.samples();
  const by = (upstream: string, status: string): number =>
    total(page, "bellwether_requests_total", { upstream, status });
  const all = { relay: by("relay", "200"), relayGone: by("relay", "499"), backup: by("backup", "200") };
  const rest = { backupGone: by("backup", "499"), calls: total(page, "bellwether_requests_total") };
  return Object.fromEntries(Object.entries({ ...all, ...rest }).filter(([, count]) => count > 0));
}

describe("the second attempt answers", () => {
  it.each([
    ["the first hangs before its answer", { hang: "head" }],
    ["the first is slow to answer", { latency: 3_600_000 }],
    ["the first sends its head, and its first token much later", { firstToken: 3_600_000 }],
  ])("where %s; the first is cancelled, and its input is counted at its own upstream", async (_, knobs) => {
    const two = await pair();
    two.gateway.sandbox.set(knobs);
    const { status, text } = await answer(await post(two.gateway, { stream: true }));
    expect(status).toBe(200);
    expect(text.match(/\[DONE\]/g)).toHaveLength(1);
    await both(two);
    expect(two.backup.books.total({}).completed).toBe(1);
    expect(two.gateway.sandbox.books.total({}).completed).toBe(0);
    expect(await hedges(two)).toEqual({ won: 1 });
    expect(await counted(two)).toEqual({ backup: 1, relayGone: 1, calls: 2 });
    const page = await two.gateway.samples();
    expect(total(page, "bellwether_usage_records_total", { upstream: "relay", source: "partial" })).toBe(1);
    expect(total(page, "bellwether_usage_records_total", { upstream: "backup", source: "reported" })).toBe(1);
    expect(total(page, "bellwether_cost_usd_total", { upstream: "relay" })).toBeGreaterThan(0);
    expect(total(page, "bellwether_output_tokens_total", { upstream: "relay" })).toBe(0);
    expect(total(page, "bellwether_requests_in_flight")).toBe(0);
  });

  it.each([
    ["refuses", { status: 503 }],
    ["resets", { reset: "head" }],
  ])("where the first is late and then %s; that is no call of its own that costs", async (_, knobs) => {
    const two = await pair();
    two.gateway.sandbox.set(knobs);
    const call = post(two.gateway);
    await held(two);
    two.lines.relay.release();
    await until(() => two.lines.relay.open, 0);
    two.lines.backup.release();
    expect((await answer(await call)).status).toBe(200);
    await both(two);
    expect(await hedges(two)).toEqual({ won: 1 });
    expect(two.gateway.sandbox.books.total({}).calls).toBe(1);
    expect(two.backup.books.total({}).calls).toBe(1);
    expect(total(await two.gateway.samples(), "bellwether_cost_usd_total", { upstream: "relay" })).toBe(0);
  });

  it("at the same upstream where there is no other", async () => {
    const two = await pair({ after: "60ms" }, { models: {} });
    two.gateway.sandbox.set({ hang: "head" });
    const call = post(two.gateway);
    await until(() => two.gateway.sandbox.books.inFlight, 1);
    two.gateway.sandbox.reset();
    expect((await answer(await call)).status).toBe(200);
    await both(two);
    expect(await hedges(two)).toEqual({ won: 1 });
    expect(await counted(two)).toEqual({ relay: 1, relayGone: 1, calls: 2 });
    expect(two.backup.books.total({}).calls).toBe(0);
  });
});

describe("the first attempt answers", () => {
  it("before the second, which is cancelled and counted", async () => {
    const two = await pair();
    two.backup.set({ hang: "head" });
    const call = post(two.gateway, { stream: true });
    await held(two);
    two.lines.relay.release();
    const { status, text } = await answer(await call);
    expect([status, text.includes("[DONE]")]).toEqual([200, true]);
    await both(two);
    expect(await hedges(two)).toEqual({ lost: 1 });
    expect(await counted(two)).toEqual({ relay: 1, backupGone: 1, calls: 2 });
    expect(two.backup.books.total({}).completed).toBe(0);
  });

  it("though the second has failed meanwhile", async () => {
    const two = await pair();
    two.backup.set({ status: 500 });
    const call = post(two.gateway);
    await held(two);
    two.lines.backup.release();
    await until(() => hedges(two), { failed: 1 });
    two.lines.relay.release();
    expect((await answer(await call)).status).toBe(200);
    await both(two);
    expect(await hedges(two)).toEqual({ failed: 1 });
    expect(await counted(two)).toEqual({ relay: 1, backupGone: 1, calls: 2 });
    expect(total(await two.gateway.samples(), "bellwether_cost_usd_total", { upstream: "backup" })).toBe(0);
  });

  it("in time, and no second one is made", async () => {
    const two = await pair({ after: "1m" });
    expect((await answer(await post(two.gateway))).status).toBe(200);
    await both(two);
    expect(two.backup.books.total({}).calls).toBe(0);
    expect(await hedges(two)).toEqual({});
    expect(await counted(two)).toEqual({ relay: 1, calls: 1 });
  });
});

it("tells the client of a failure where both fail, once, and asks nobody twice", async () => {
  const two = await pair();
  two.gateway.sandbox.set({ status: 503 });
  two.backup.set({ status: 500 });
  const call = post(two.gateway);
  await held(two);
  two.lines.relay.release();
  await until(() => two.lines.relay.open, 0);
  two.lines.backup.release();
  expect((await answer(await call)).status).toBe(500);
  await both(two);
  expect(two.gateway.sandbox.books.total({}).calls).toBe(1);
  expect(two.backup.books.total({}).calls).toBe(1);
  expect(await hedges(two)).toEqual({ failed: 1 });
  const page = await two.gateway.samples();
  expect(total(page, "bellwether_requests_total", { status: "500" })).toBe(1);
  expect(total(page, "bellwether_requests_total")).toBe(2);
});

it("breaks off where the chosen answer does: nothing of another one is mixed in", async () => {
  const two = await pair();
  two.gateway.sandbox.set({ hang: "head" });
  two.backup.set({ reset: "stream", after: 3 });
  const { status, text } = await answer(await post(two.gateway, { stream: true }));
  expect(status).toBe(200);
  expect(text).toContain("<broken>");
  await both(two);
  expect(await hedges(two)).toEqual({ won: 1 });
});

it("gives each client one whole answer or one error and leaves nothing behind, whatever happens at random", async () => {
  const ROUNDS = 8;
  const AT_ONCE = 10;
  const breaker = { enabled: false };
  const backup = await startSandbox({ seed: 2 });
  open.push(() => backup.close());
  const gateway = await startGateway(
    {
      upstream: { breaker, hedge: { after: "40ms" }, timeouts: { firstByte: "300ms" } },
      upstreams: { backup: { baseUrl: `${backup.url}/v1`, apiKey: SANDBOX_KEY, breaker } },
      models: { "gpt-4.1": { upstreams: ["relay", "backup"] } },
    },
    { seed: 1 },
  );
  open.push(() => gateway.close());
  const slow = { latency: "uniform(0,80)", firstToken: "uniform(0,40)", failRate: 0.25 };
  gateway.sandbox.set({ ...slow, failWith: "hang" });
  backup.set({ ...slow, failWith: "reset" });
  const two = { gateway, backup };
  const one = async (number: number): Promise<void> => {
    const stream = number % 2 === 0;
    const leaves = number % 5 === 0;
    const signal = leaves ? AbortSignal.timeout(number % 150) : null;
    try {
      const { status, text } = await answer(await post(gateway, { stream }, { signal }));
      if (leaves) return;
      expect([200, 502, 504]).toContain(status);
      if (status !== 200) expect(text).toContain('"error"');
      else if (stream) expect(text.match(/\[DONE\]/g)).toHaveLength(1);
      else expect(JSON.parse(text)).toMatchObject({ object: "chat.completion" });
    } catch (error) {
      if (!leaves) throw error;
    }
  };
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => one(round * AT_ONCE + index)));
  }
  await both(two);
  const made = Object.values(await hedges(two)).reduce((sum, count) => sum + count, 0);
  expect(made).toBeGreaterThan(0);
  const page = await gateway.samples();
  const calls = total(page, "bellwether_requests_total");
  // Clients that left before their request was read were no calls.
  expect(calls).toBeLessThanOrEqual(ROUNDS * AT_ONCE + made);
  expect(calls).toBeGreaterThanOrEqual((ROUNDS * AT_ONCE * 4) / 5 + made);
  expect(total(page, "bellwether_requests_in_flight")).toBe(0);
});

it("lets go of both attempts when the client leaves while they are in flight", async () => {
  const two = await pair();
  two.gateway.sandbox.set({ hang: "head" });
  two.backup.set({ hang: "head" });
  const leaving = new AbortController();
  const call = post(two.gateway, {}, { signal: leaving.signal }).catch(() => "left");
  await until(() => two.gateway.sandbox.books.inFlight + two.backup.books.inFlight, 2);
  expect(total(await two.gateway.samples(), "bellwether_requests_in_flight")).toBe(2);
  leaving.abort();
  expect(await call).toBe("left");
  await both(two);
  expect(await hedges(two)).toEqual({ gone: 1 });
  expect(await counted(two)).toEqual({ relayGone: 1, backupGone: 1, calls: 2 });
});

it("spends the budgets of whoever is asked: what is given up counts where it was asked, once", async () => {
  const budget = { usd: 100, per: "month" };
  const two = await pair();
  const { gateway, backup, lines } = two;
  await gateway.configure({
    upstream: { hedge: { after: "60ms" }, baseUrl: `${lines.relay.url}/v1`, budget },
    upstreams: { backup: { baseUrl: `${lines.backup.url}/v1`, apiKey: SANDBOX_KEY, budget } },
    models: { "gpt-4.1": { upstreams: ["relay", "backup"] } },
    limits: { all: { budget, limits: { concurrency: 1, requestsPerDay: 2 } } },
  });
  gateway.sandbox.set({ hang: "head" });
  expect((await answer(await post(gateway))).status).toBe(200);
  await both(two);
  gateway.sandbox.reset();
  backup.reset();
  backup.set({ hang: "head" });
  const call = post(gateway);
  await held(two);
  lines.relay.release();
  expect((await answer(await call)).status).toBe(200);
  await both(two);
  expect(await hedges(two)).toEqual({ won: 1, lost: 1 });
  const used = (page: ReadonlyMap<string, number>, scope: string, name: string): number =>
    total(page, "bellwether_budget_used_usd", { scope, name });
  const page = await gateway.samples();
  const spent = (labels: Record<string, string>): number => total(page, "bellwether_cost_usd_total", labels);
  for (const upstream of ["relay", "backup"]) {
    expect(spent({ upstream })).toBeGreaterThan(0);
    expect(used(page, "upstream", upstream)).toBeCloseTo(spent({ upstream }), 8);
  }
  expect(used(page, "all", "all")).toBeCloseTo(spent({}), 8);
  // A second attempt is no second call: there were two, and two are allowed.
  expect((await post(gateway)).status).toBe(429);
});

describe("is not made", () => {
  const slow = { latency: 200 };

  it.each([
    ["of a call that is stored", { store: true }],
    ["of a call with tools that act at the vendor's", { tools: [{ type: "mcp", server_label: "crm" }] }],
  ])("%s", async (_, body) => {
    const two = await pair();
    two.gateway.sandbox.set(slow);
    await answer(await post(two.gateway, body));
    await both(two);
    expect(two.backup.books.total({}).calls).toBe(0);
  });

  it("of a call that its client wants to be made once", async () => {
    const two = await pair();
    two.gateway.sandbox.set(slow);
    const headers = { "content-type": "application/json", "Idempotency-Key": "order-17" };
    await answer(await post(two.gateway, {}, { headers }));
    await both(two);
    expect(two.backup.books.total({}).calls).toBe(0);
  });

  it("of a call that was answered in time, though the gateway stood still and read it too late", async () => {
    const raw = await startRawUpstream();
    open.push(() => raw.close());
    const body = '{"choices":[]}';
    raw.answer = (socket) => {
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      standStill(600);
    };
    const two = await pair({ after: "300ms" });
    await two.gateway.configure({
      upstream: { hedge: { after: "300ms" }, baseUrl: `${raw.url}/v1` },
      upstreams: { backup: { baseUrl: `${two.backup.url}/v1`, apiKey: SANDBOX_KEY } },
      models: { "gpt-4.1": { upstreams: ["relay", "backup"] } },
    });
    let made = 0;
    // The machine itself may stand still before the upstream is asked: then it is late indeed.
    for (let calls = 1; calls <= 5 && made === calls - 1; calls++) {
      expect((await answer(await post(two.gateway))).status).toBe(200);
      await both(two);
      made = Object.values(await hedges(two)).reduce((sum, count) => sum + count, 0);
    }
    expect(made).toBeLessThan(5);
  });

  it("of more calls than a tenth, and the ten that are saved up", async () => {
    const two = await pair({ after: "20ms" });
    two.gateway.sandbox.set({ latency: 60 });
    for (let round = 0; round < 6; round++) {
      await Promise.all(Array.from({ length: 10 }, async () => answer(await post(two.gateway))));
    }
    await both(two);
    const { calls } = two.backup.books.total({});
    expect(calls).toBeGreaterThan(0);
    expect(calls).toBeLessThanOrEqual(10 + 6);
  });

  it("before it is known how soon answers usually begin; then it waits for longer than most need", async () => {
    const two = await pair({ after: "p95", minCalls: 20 });
    two.gateway.sandbox.set({ latency: 30 });
    two.backup.set({ status: 500 });
    for (let call = 0; call < 19; call++) expect((await answer(await post(two.gateway))).status).toBe(200);
    two.backup.reset();
    expect(two.backup.books.total({}).calls).toBe(0);
    await answer(await post(two.gateway));
    two.gateway.sandbox.set({ hang: "head" });
    expect((await answer(await post(two.gateway))).status).toBe(200);
    await both(two);
    expect(two.backup.books.total({}).completed).toBe(1);
    expect((await hedges(two)).won).toBe(1);
  });
});
