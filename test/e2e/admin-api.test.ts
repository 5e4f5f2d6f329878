/** The figures behind the page, of a gateway that serves real calls, and what the API does with those who misbehave. */
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type {
  BudgetsAnswer,
  CallDetail,
  CallsAnswer,
  Overview,
  Session,
  UpstreamsAnswer,
} from "../../src/http/api.ts";
import { sandboxPrices } from "../../src/sandbox/models.ts";
import { SANDBOX_KEY, startSandbox } from "../../src/sandbox/server.ts";
import { startGateway, type TestGateway } from "../helpers/gateway.ts";
import { pricesAsConfigured } from "../helpers/ledger.ts";
import { type Product, startProduct } from "../helpers/product.ts";
import { until } from "../helpers/until.ts";

const TOKEN = "an-admin-token-of-some-length";
const prices = pricesAsConfigured(sandboxPrices);
let gateway: TestGateway;
afterEach(() => gateway.close());

async function get<Answer>(path: string): Promise<Answer> {
  const response = await fetch(`${gateway.url}${path}`);
  const body = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${body}`);
  return JSON.parse(body) as Answer;
}

async function refused(path: string): Promise<{ status: number; code: string; message: string }> {
  const response = await fetch(`${gateway.url}${path}`);
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  return { status: response.status, ...error };
}

/** Makes a call and gives the id that its answer names. */
async function chat(model = "gpt-4.1", knobs = "", stream = false): Promise<string> {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(knobs === "" ? {} : { "x-sandbox": knobs }) },
    body: JSON.stringify({ model, stream, messages: [{ role: "user", content: "Hello" }] }),
  });
  await response.arrayBuffer();
  return /desc="([^"]+)"/.exec(response.headers.get("server-timing") ?? "")?.[1] ?? "";
}

describe("with a ledger", () => {
  it("calls are found and explained to the pico-dollar, page by page", async () => {
    gateway = await startGateway({ ledger: { enabled: true }, upstream: { prices } });
    const ids: string[] = [];
    for (let n = 0; n < 4; n++) ids.push(await chat());
    const cached = await chat("gpt-4.1", "input=2048; cached=1024; output=100", true);
    const failed = await chat("gpt-4.1-mini", "status=503");
    await until(async () => (await get<CallsAnswer>("/api/calls")).calls.length, 6);

    const first = await get<CallsAnswer>("/api/calls?limit=4");
    const second = await get<CallsAnswer>(`/api/calls?limit=4&cursor=${first.next}`);
    expect([...first.calls, ...second.calls].map(({ id }) => id)).toEqual([failed, cached, ...ids.reverse()]);
    expect(second.next).toBe(null);
    const wrong = await get<CallsAnswer>("/api/calls?status=5*");
    expect(wrong.calls).toEqual([
      expect.objectContaining({ id: failed, status: 503, errorType: "upstream_5xx", model: "gpt-4.1-mini" }),
    ]);

    const call = await get<CallDetail>(`/api/calls/${cached}`);
    // 1,024 at 2 dollars a million, 1,024 cached at 0.5, 100 of output at 8.
    expect(call).toMatchObject({
      streaming: true,
      costUsd: "0.00336",
      quantities: { inputTokens: 2048, cachedInputTokens: 1024, outputTokens: 100 },
      cost: {
        model: "gpt-4.1",
        layer: "own",
        totalUsd: "0.00336",
        asBooked: true,
        charges: [
          { kind: "cachedInput", quantity: 1024, priceUsd: "0.5", per: "1M", costUsd: "0.000512" },
          { kind: "input", quantity: 1024, priceUsd: "2", per: "1M", costUsd: "0.002048" },
          { kind: "output", quantity: 100, priceUsd: "8", per: "1M", costUsd: "0.0008" },
        ],
      },
    });
    expect(call.listCost?.asBooked).toBe(true);
    expect(call.events.map(({ what }) => what)).toEqual([
      "received",
      "sent",
      "first_byte",
      "first_token",
      "end",
    ]);
    const times = call.events.map(({ at }) => at);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.at(-1)).toBe(call.durationMs);
    // What it cost then stays, though prices are others now.
    await gateway.configure({
      ledger: { enabled: true },
      upstream: { prices: { "gpt-4.1": { input: 1, output: 1 } } },
    });
    expect(await get<CallDetail>(`/api/calls/${cached}`)).toMatchObject({
      costUsd: "0.00336",
      cost: { totalUsd: "0.002148", asBooked: false },
    });
    expect(await refused("/api/calls/019cd5f8-7a80-7b3c-8f00-5b1c9a3e2d10")).toMatchObject({
      status: 404,
      code: "unknown_call",
    });
    expect(await refused("/api/calls?cursor=x")).toMatchObject({ status: 400, code: "bad_parameter" });
    expect(await refused("/api/calls?colour=red")).toMatchObject({ status: 400, code: "bad_parameter" });
  });

  it("the month's spending is in the overview and in the metrics, to the pico-dollar", async () => {
    gateway = await startGateway({ ledger: { enabled: true }, upstream: { prices } });
    await chat("gpt-4.1", "input=1000; output=100");
    const spend = async () => (await get<Overview>("/api/overview")).spend;
    await until(async () => (await spend())?.monthUsd, "0.0028");
    expect(await spend()).toMatchObject({ todayUsd: "0.0028", monthTokens: 1100, method: "linear" });
    expect(Number((await spend())?.projectedUsd)).toBeGreaterThanOrEqual(0.0028);
    const samples = await gateway.samples();
    expect(samples.get('bellwether_month_cost_usd{upstream="relay"}')).toBe(0.0028);
    expect(samples.get('bellwether_month_tokens{upstream="relay"}')).toBe(1100);
    expect(samples.get('bellwether_month_projected_cost_usd{upstream="relay"}')).toBe(
      Number((await spend())?.projectedUsd),
    );
    expect((await gateway.samples("llm")).get("holy_sheep_monthly_cost")).toBe(0.0028);
    const { upstreams } = await get<UpstreamsAnswer>("/api/upstreams");
    expect(upstreams).toEqual([
      expect.objectContaining({
        name: "relay",
        health: "ok",
        monthUsd: "0.0028",
        lastMinute: { calls: 1, errorRate: 0 },
      }),
    ]);
  });

  it("the month goes on after the process was killed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "bellwether-month-"));
    const month = async ({ url }: Product): Promise<number | undefined> => {
      const page = await (await fetch(`${url}/metrics`)).text();
      const value = /^bellwether_month_cost_usd\{upstream="relay"\} (\S+)$/m.exec(page)?.[1];
      return value === undefined ? undefined : Number(value);
    };
    let product = await startProduct({ folder, upstream: { prices } });
    gateway = { url: product.url, close: () => product.close() } as TestGateway;
    await chat("gpt-4.1", "input=1000; output=100");
    await until(() => month(product), 0.0028);
    await product.close();
    product = await startProduct({ folder, upstream: { prices } });
    await until(() => month(product), 0.0028);
    await product.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("budgets tell what was used, what will be, and where they stand", async () => {
    gateway = await startGateway({
      ledger: { enabled: true },
      upstream: { prices, budget: { usd: 0.1, per: "day", warnAt: [0.02], onExceeded: "block" } },
      limits: { all: { tokenBudget: { tokens: 1_000_000, per: "month" } } },
    });
    const budget = async (scope: string) =>
      (await get<BudgetsAnswer>("/api/budgets")).budgets.find((each) => each.scope === scope);
    expect(await budget("upstream")).toMatchObject({ used: "0", limit: "0.1", state: "ok", per: "day" });
    await chat("gpt-4.1", "input=1000; output=100");
    await until(async () => (await budget("upstream"))?.used, "0.0028");
    expect(await budget("upstream")).toMatchObject({ state: "warning", warnAt: [0.02], onExceeded: "block" });
    const all = await budget("all");
    expect(all).toMatchObject({ unit: "tokens", used: "1100", limit: "1000000", state: "ok" });
    expect(Number(all?.projected)).toBeGreaterThanOrEqual(1100);
    const { periodStart = 0, periodEnd = 0 } = (await budget("upstream")) ?? {};
    expect(periodEnd - periodStart).toBe(86_400_000);
  });
});

describe("without a ledger", () => {
  it("says what is missing and why, and the rest works", async () => {
    gateway = await startGateway({
      apps: [{ name: "shop", keys: [`sha256:${"0".repeat(64)}`], models: ["gpt-*"] }],
      limits: { all: { budget: { usd: 1, per: "month", timeZone: "UTC" } } },
    });
    await chat();
    for (const path of ["/api/calls", "/api/calls/x", "/api/reports/summary"]) {
      expect(await refused(path)).toMatchObject({
        status: 503,
        code: "ledger_unavailable",
        message: expect.stringContaining("ledger: { enabled: true }"),
      });
    }
    const session = await get<Session>("/api/session");
    expect(session).toMatchObject({
      needsToken: false,
      open: true,
      problem: null,
      about: { ledger: null, upstreams: ["relay"], apps: ["shop"], budgets: 1, simulated: false },
    });
    expect(await get<Overview>("/api/overview")).toMatchObject({ spend: null, ledgerLagMs: null });
    const { budgets, note } = await get<BudgetsAnswer>("/api/budgets");
    expect(note).toContain("ledger is off");
    expect(budgets[0]).toMatchObject({ limit: "1", state: "ok" });
    expect(await get("/api/apps")).toEqual({
      apps: [
        expect.objectContaining({
          name: "shop",
          keys: 1,
          models: ["gpt-*"],
          lastMinute: { calls: 0, errorRate: null },
        }),
        expect.objectContaining({ name: "anonymous", lastMinute: { calls: 1, errorRate: 0 } }),
      ],
    });
  });

  it("an upstream that fails is shown as down, and why", async () => {
    gateway = await startGateway({ probes: { modules: ["models"], interval: "1h" } });
    const relay = async () => (await get<UpstreamsAnswer>("/api/upstreams")).upstreams[0];
    await until(async () => (await relay())?.probes[0]?.outcome, "success");
    expect(await relay()).toMatchObject({
      health: "ok",
      key: { state: "valid" },
      modelsListed: expect.any(Number),
    });
    for (let n = 0; n < 6; n++) await chat("gpt-4.1", "status=500");
    await gateway.quiet();
    expect(await relay()).toMatchObject({
      health: "down",
      why: "100 % of the last minute's attempts failed",
      lastMinute: { calls: 6, errorRate: 1 },
    });
  });
});

it("an upstream whose calls go on elsewhere is seen to fail, though no client is told", async () => {
  const bad = await startSandbox({ knobs: { status: 503 } });
  gateway = await startGateway({
    upstreams: { bad: { baseUrl: `${bad.url}/v1`, apiKey: SANDBOX_KEY } },
    models: { "gpt-4.1": { upstreams: ["bad", "relay"] } },
  });
  try {
    for (let n = 0; n < 5; n++) await chat();
    await gateway.quiet();
    const { upstreams } = await get<UpstreamsAnswer>("/api/upstreams");
    expect(upstreams.map(({ name, health, lastMinute }) => [name, health, lastMinute])).toEqual([
      ["relay", "ok", { calls: 5, errorRate: 0 }],
      ["bad", "down", { calls: 5, errorRate: 1 }],
    ]);
    expect(await get<Overview>("/api/overview")).toMatchObject({ errorRate: 0, callsPerSecond: 5 / 60 });
    // Once it has failed often enough it is left alone.
    for (let n = 0; n < 10; n++) await chat();
    const after = (await get<UpstreamsAnswer>("/api/upstreams")).upstreams;
    expect(after.map(({ name, breaker }) => [name, breaker])).toEqual([
      ["relay", "closed"],
      ["bad", "open"],
    ]);
  } finally {
    await bad.close();
  }
});

describe("whoever misbehaves", () => {
  /** Sends bytes on a socket of its own and gives what comes back until the answer's body is there. */
  function send(head: string, more: (socket: Socket) => void): Promise<string> {
    const { hostname, port } = new URL(gateway.url);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => {
        socket.write(`${head}\r\nhost: localhost\r\n`);
        more(socket);
      });
      let text = "";
      socket.on("data", (piece) => {
        text += piece.toString();
      });
      socket.on("close", () => resolve(text));
      socket.on("error", (error) => (text === "" ? reject(error) : resolve(text)));
    });
  }

  it("cannot make it read a large body before logging in", async () => {
    gateway = await startGateway({ server: { adminToken: TOKEN } });
    const announced = await send("POST /api/login HTTP/1.1", (socket) =>
      socket.write("content-length: 70000\r\n\r\n"),
    );
    expect(announced).toMatch(/^HTTP\/1\.1 413 [\s\S]*payload_too_large/);
    // Chunked: nobody knows how long it will be.
    let written = 0;
    const chunked = await send("POST /api/login HTTP/1.1", (socket) => {
      socket.write("transfer-encoding: chunked\r\n\r\n");
      const piece = `4000\r\n${"x".repeat(0x4000)}\r\n`;
      const on = (): void => {
        if (socket.destroyed || !socket.writable) return;
        written += 0x4000;
        socket.write(piece, () => setImmediate(on));
      };
      on();
    });
    expect(chunked).toMatch(/^HTTP\/1\.1 413 [\s\S]*payload_too_large/);
    expect(chunked).toMatch(/connection: close/i);
    expect(written).toBeGreaterThan(64 * 1024);
    // Nor hold events back by a body that does not end.
    const events = connect(Number(new URL(gateway.url).port), "127.0.0.1");
    const authorization = `authorization: Bearer ${TOKEN}`;
    events.write(
      `GET /api/events HTTP/1.1\r\nhost: localhost\r\n${authorization}\r\ncontent-length: 9\r\n\r\nbody`,
    );
    let heard = "";
    events.on("data", (piece) => {
      heard += piece.toString();
    });
    await until(() => heard.includes("event: overview"), true);
    events.destroy();
    // Nor one that nobody may send at all.
    const forbidden = await send("POST /alerts/robot HTTP/1.1", (socket) =>
      socket.write("content-length: 900000000\r\n\r\n"),
    );
    expect(forbidden).toMatch(/^HTTP\/1\.1 401 /);
  });

  it("watching and reading nothing costs little, and does not keep it from stopping", async () => {
    gateway = await startGateway();
    const { hostname, port } = new URL(gateway.url);
    const sockets: Socket[] = [];
    const statuses: string[] = [];
    for (let n = 0; n < 101; n++) {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => undefined);
      socket.write("GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n");
      statuses.push(
        await new Promise<string>((resolve) =>
          socket.once("data", (piece) => resolve(piece.toString().slice(9, 12))),
        ),
      );
      socket.pause();
      sockets.push(socket);
    }
    expect(statuses).toEqual([...Array(100).fill("200"), "503"]);
    const closed = gateway.running.close();
    expect(await closed).toBe(true);
    for (const socket of sockets) socket.destroy();
  });
});

it("says why a request may not use the API, and what would help", async () => {
  gateway = await startGateway({ server: { adminToken: TOKEN } });
  expect(await get<Session>("/api/session")).toEqual({
    needsToken: true,
    open: false,
    problem: { code: "admin_unauthorized", message: expect.stringContaining("adminToken") },
    about: null,
  });
});
