/** Retries, fallbacks and timeouts, against a real relay that fails on request. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../sandbox/server.ts";
import { createMeter, type MeterOptions, type Usage } from "./index.ts";
import { pauseBefore, retryAfter, retryOf } from "./retry.ts";

let relay: Sandbox;
let backup: Sandbox;
const records: Usage[] = [];

beforeAll(async () => {
  relay = await startSandbox();
  backup = await startSandbox({ keys: ["sk-backup"] });
});
afterAll(async () => {
  await relay.close();
  await backup.close();
});
afterEach(() => {
  relay.reset();
  backup.reset();
  records.length = 0;
});

const quick = { attempts: 2, base: 1, max: 2 };

function metered(options: MeterOptions) {
  return createMeter({
    upstream: "relay",
    priceFiles: [],
    onUsage: (usage) => records.push(usage),
    ...options,
  });
}

async function chat(fetch: typeof globalThis.fetch, knobs = "", more: object = {}, signal?: AbortSignal) {
  const response = await fetch(`${relay.url}/v1/chat/completions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${SANDBOX_KEY}`,
      "content-type": "application/json",
      "x-sandbox": knobs,
    },
    body: JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content: "hello" }], ...more }),
    ...(signal && { signal }),
  });
  return { status: response.status, text: await response.text() };
}

/** Answers with these statuses, one call after the other, then with 200. */
async function failing(statuses: number[], headers: Record<string, string> = {}) {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece: Buffer) => (body += piece.toString()));
    request.on("end", () => {
      seen.push(body);
      const status = statuses.shift() ?? 200;
      response.writeHead(status, { "content-type": "application/json", ...(status === 200 ? {} : headers) });
      response.end('{"usage":{"prompt_tokens":3,"completion_tokens":4}}');
    });
  });
  // However long it takes until the next call comes.
  server.keepAliveTimeout = 0;
  const url = await listening(server);
  return { url: `${url}/v1/chat/completions`, seen, close: () => server.close() };
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const post = { method: "POST", body: '{"model":"gpt-4.1"}' };

describe("retries", () => {
  it("tries again after 429, 500, 502, 503 and 504 until it succeeds, and says how often", async () => {
    for (const status of [429, 500, 502, 503, 504]) {
      const server = await failing([status, status]);
      const meter = metered({ retries: quick });
      const response = await meter.fetch(server.url, post);
      expect(response.status).toBe(200);
      await response.text();
      expect(server.seen).toEqual([post.body, post.body, post.body]);
      expect(records.pop()).toMatchObject({ status: 200, retries: 2, quantities: { outputTokens: 4 } });
      const reason = status === 429 ? "rate_limit" : "upstream_5xx";
      expect(await meter.metrics()).toContain(
        `bellwether_retries_total{upstream="relay",reason="${reason}"} 2\n`,
      );
      server.close();
    }
  });

  it("hands out the last answer when attempts are used up, and no more attempts are made", async () => {
    const server = await failing([500, 500, 500, 500]);
    const response = await metered({ retries: quick }).fetch(server.url, post);
    expect(response.status).toBe(500);
    await response.text();
    expect(server.seen).toHaveLength(3);
    expect(records).toMatchObject([{ status: 500, errorType: "upstream_5xx", retries: 2 }]);
    server.close();
  });

  it.each([400, 401, 404])("does not repeat what is the app's own fault (%i)", async (status) => {
    const server = await failing([status]);
    const response = await metered({ retries: quick }).fetch(server.url, post);
    expect(response.status).toBe(status);
    expect(server.seen).toHaveLength(1);
    server.close();
  });

  it("does not retry unless told to: SDKs do so themselves", async () => {
    const server = await failing([500]);
    expect((await metered({}).fetch(server.url, post)).status).toBe(500);
    server.close();
  });

  it("tries again when the connection is reset, and throws what fetch threw when that stays so", async () => {
    await expect(chat(metered({ retries: quick }).fetch, "reset=head")).rejects.toThrow("fetch failed");
    expect(relay.books.calls).toBe(3);
    expect(records).toMatchObject([
      { status: 502, errorType: "reset", errorCode: "upstream_reset", retries: 2 },
    ]);
  });

  it("waits as long as Retry-After asks, and not when it asks for more than allowed", async () => {
    const server = await failing([429, 429], { "retry-after": "120" });
    const response = await metered({ retries: quick }).fetch(server.url, post);
    expect(response.status).toBe(429);
    expect(server.seen).toHaveLength(1);
    server.close();
    const soon = new Headers({ "retry-after": "2" });
    expect(pauseBefore(0, retryOf(3), soon)).toBe(2000);
    expect(retryAfter(new Headers({ "retry-after-ms": "15", "retry-after": "9" }), 0)).toBe(15);
    expect(retryAfter(new Headers({ "retry-after": "Thu, 01 Jan 1970 00:00:05 GMT" }), 2000)).toBe(3000);
    expect(retryAfter(new Headers({ "retry-after": "soon" }), 0)).toBeUndefined();
  });

  it("pauses at random below a bound that doubles up to its limit", () => {
    const retry = retryOf({ attempts: 9, base: 100, max: 350 });
    const longest = [0, 1, 2, 3].map((done) => pauseBefore(done, retry, undefined, 0, 1));
    expect(longest).toEqual([100, 200, 350, 350]);
    expect(pauseBefore(3, retry, undefined, 0, 0)).toBe(0);
  });

  it("ends a pause when the app leaves", async () => {
    const server = await failing([503, 503], { "retry-after": "30" });
    const app = new AbortController();
    const call = metered({ retries: quick }).fetch(server.url, { ...post, signal: app.signal });
    setTimeout(() => app.abort(new Error("enough")), 100);
    await expect(call).rejects.toThrow("enough");
    expect(records).toMatchObject([{ status: 499, errorType: "client_gone" }]);
    server.close();
  });
});

describe("fallbacks", () => {
  it("go on at the next address with its key, and count the call there", async () => {
    const meter = metered({
      retries: { ...quick, attempts: 1 },
      fallbacks: [{ baseUrl: `${backup.url}/v1`, name: "backup", apiKey: "sk-backup" }],
    });
    relay.set({ status: 503, retryAfter: "0" });
    expect((await chat(meter.fetch)).status).toBe(200);
    expect(relay.books.calls).toBe(2);
    expect(backup.books.total().statuses).toEqual({ 200: 1 });
    expect(records).toMatchObject([{ upstream: "backup", status: 200, retries: 2, source: "reported" }]);
    const page = await meter.metrics();
    expect(page).toContain('bellwether_fallbacks_total{from="relay",to="backup",reason="upstream_5xx"} 1\n');
    expect(page).toContain('bellwether_requests_in_flight{upstream="relay",model="other"} 0\n');
    expect(page).toContain('bellwether_requests_in_flight{upstream="backup",model="other"} 0\n');
  });

  it("are not for a wrong request", async () => {
    const meter = metered({ fallbacks: [`${backup.url}/v1`] });
    expect((await chat(meter.fetch, "", { model: "nonsense" })).status).toBe(404);
    expect(backup.books.calls).toBe(0);
  });

  it("serve when nothing listens at the first address", async () => {
    const meter = metered({ fallbacks: [{ baseUrl: backup.url, apiKey: "sk-backup" }] });
    const response = await meter.fetch("http://127.0.0.1:9/v1/embeddings", {
      ...post,
      body: '{"model":"text-embedding-3-small","input":"x"}',
    });
    expect(response.status).toBe(200);
  });
});

describe("timeouts", () => {
  const code = (error: unknown) => (error as { code?: unknown }).code;
  const LIMIT = 1_000;

  /** From here on time passes only when the test says so, however long the sockets take. */
  const stopTheClock = () => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  afterEach(() => void vi.useRealTimers());

  it("end a call whose answer does not begin", async () => {
    const error = await chat(metered({ timeouts: { firstByte: 60 } }).fetch, "hang=head").catch(code);
    expect(error).toBe("upstream_first_byte_timeout");
    expect(records).toMatchObject([{ status: 504, errorType: "timeout_first_byte" }]);
  });

  it("end a stream that falls silent, with what came marked as partial", async () => {
    stopTheClock();
    const { fetch } = metered({ timeouts: { idle: LIMIT } });
    const response = await fetch(`${relay.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${SANDBOX_KEY}`, "x-sandbox": "hang=stream; after=3" },
      body: JSON.stringify({
        model: "gpt-4.1",
        stream: true,
        messages: [{ role: "user", content: "hello" }],
      }),
    });
    const reader = response.body?.getReader();
    for (let text = ""; text.split("data: ").length <= 3; ) {
      text += Buffer.from((await reader?.read())?.value ?? "").toString();
    }
    const silence = reader?.read().catch(code);
    vi.advanceTimersByTime(LIMIT);
    expect(await silence).toBe("upstream_idle_timeout");
    vi.useRealTimers();
    await expect
      .poll(() => records)
      .toMatchObject([{ status: 200, errorType: "timeout_idle", source: "partial" }]);
  });

  it("do not count the time in which the app reads nothing", async () => {
    stopTheClock();
    const { fetch } = metered({ timeouts: { idle: LIMIT } });
    const response = await fetch(`${relay.url}/v1/models`, {
      headers: { authorization: `Bearer ${SANDBOX_KEY}` },
    });
    vi.advanceTimersByTime(6 * LIMIT);
    expect(await response.text()).toContain("gpt-4.1");
  });

  it("end a call that takes too long in all, though it keeps talking", async () => {
    const { fetch } = metered({ timeouts: { total: 150, idle: 300_000 } });
    const error = await chat(fetch, "tokensPerSecond=20; output=2000", { stream: true }).catch(code);
    expect(error).toBe("upstream_total_timeout");
  });

  it("include pauses and retries in the total", async () => {
    const server = await failing([503, 503, 503], { "retry-after": "30" });
    const meter = metered({ retries: quick, timeouts: { total: 80 } });
    expect(await meter.fetch(server.url, post).catch(code)).toBe("upstream_total_timeout");
    expect(records).toMatchObject([{ status: 504, errorCode: "upstream_total_timeout" }]);
    server.close();
  });

  it("end a connection that is not accepted, and tell it from an answer that does not come", async () => {
    // TLS that nobody answers: the connection never stands.
    const mute = createTcpServer(() => {});
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    const { port } = mute.address() as AddressInfo;
    const { fetch } = metered({ timeouts: { connect: 80, firstByte: 300_000 } });
    expect(await fetch(`https://127.0.0.1:${port}/v1/chat/completions`, post).catch(code)).toBe(
      "upstream_connect_timeout",
    );
    const slow = metered({ timeouts: { connect: 300_000, firstByte: 80 } });
    expect(await chat(slow.fetch, "hang=head").catch(code)).toBe("upstream_first_byte_timeout");
    mute.close();
  });

  it("are tried again, and each attempt has its own", async () => {
    const sent = vi.fn(globalThis.fetch);
    const meter = metered({ retries: quick, timeouts: { firstByte: 40 }, fetch: sent });
    await chat(meter.fetch, "hang=head").catch(code);
    expect(sent).toHaveBeenCalledTimes(3);
    expect(records).toMatchObject([{ retries: 2, errorType: "timeout_first_byte" }]);
  });
});
