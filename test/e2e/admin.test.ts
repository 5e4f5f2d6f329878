/** The admin API of a running gateway: what it shows, and to whom. */
import { request } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startGateway, type TestGateway } from "../helpers/gateway.ts";
import { until } from "../helpers/until.ts";
import { KEYS, Vendors } from "../helpers/vendors.ts";

const TOKEN = "an-admin-token-of-some-length";
let gateway: TestGateway;
afterEach(() => gateway.close());

async function call(
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${gateway.url}${path}`, init);
  const text = await response.text();
  return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : { text } };
}

async function chat(model = "gpt-4.1"): Promise<void> {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }] }),
  });
  await response.arrayBuffer();
}

/** The status of a request with any headers, which fetch does not send. */
function raw(path: string, headers: Record<string, string>, method = "GET"): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(gateway.url);
    const sent = request({ hostname, port, path, method, headers }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
    });
    sent.on("error", reject);
    sent.end();
  });
}

describe("without a token, on this machine", () => {
  beforeEach(async () => {
    gateway = await startGateway({ ledger: { enabled: true } });
  });

  it("figures move with traffic, and reports come from the ledger", async () => {
    expect((await call("/api/overview")).body).toMatchObject({
      callsPerSecond: 0,
      errorRate: null,
      alertsFiring: 0,
    });
    for (let i = 0; i < 3; i++) await chat();
    await gateway.quiet();
    const { body } = await call("/api/overview");
    expect(body.callsPerSecond).toBeCloseTo(3 / 60);
    expect(body.errorRate).toBe(0);
    expect(body.p95).toBeGreaterThan(0);
    await until(async () => {
      const { body: report } = await call("/api/reports/summary?from=1h");
      return JSON.stringify(report).includes("gpt-4.1");
    }, true);
    expect(await call("/api/reports/sumary")).toMatchObject({
      status: 404,
      body: { error: { code: "unknown_report", message: expect.stringContaining("summary") } },
    });
    expect(await call("/api/reports/summary?by=colour")).toMatchObject({ status: 400 });
  });

  it("events come every second, and stop with the last who watches", async () => {
    const response = await fetch(`${gateway.url}/api/events`);
    const reader = response.body?.getReader();
    let text = "";
    expect(response.status).toBe(200);
    while (text.split("event: overview").length < 4) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done) throw new Error(`the events ended: ${text}`);
      text += new TextDecoder().decode(value);
    }
    expect(text).toContain('"callsPerSecond"');
    await reader?.cancel();
  });

  it("settings are shown without a secret", async () => {
    const { body } = await call("/api/settings");
    expect(JSON.stringify(body)).toContain("relay");
    expect(JSON.stringify(body)).not.toMatch(/sandbox-key-[0-9a-z]{8,}/);
  });

  it("a page of another site reads and changes nothing", async () => {
    expect(await raw("/api/overview", { host: "evil.example" })).toBe(403);
    expect(await raw("/api/alerts/silences", { origin: "https://evil.example" }, "POST")).toBe(403);
    expect(await raw("/api/alerts/silences", { "sec-fetch-site": "cross-site" }, "POST")).toBe(403);
  });

  it("alerts are listed with what they compute, and can be silenced", async () => {
    const { body } = await call("/api/alerts");
    expect(body.alerts).toContainEqual(
      expect.objectContaining({
        name: "upstream-down",
        state: "inactive",
        expression: expect.stringContaining("bellwether_errors_total"),
      }),
    );
    const silence = { matchers: { alertname: "high-*" }, duration: 60_000, comment: "we know" };
    const made = await call("/api/alerts/silences", { method: "POST", body: JSON.stringify(silence) });
    expect(made).toMatchObject({
      status: 201,
      body: { matchers: { alertname: "high-*" }, comment: "we know" },
    });
    expect((await call("/api/alerts")).body.silences).toHaveLength(1);
    expect((await call(`/api/alerts/silences/${String(made.body.id)}`, { method: "DELETE" })).status).toBe(
      200,
    );
    expect((await call("/api/alerts")).body.silences).toHaveLength(0);
    for (const bad of ["[]", "{", '{"matchers":{}}', '{"matchers":{"a":"b"},"duration":-1}']) {
      expect(await call("/api/alerts/silences", { method: "POST", body: bad })).toMatchObject({
        status: 400,
      });
    }
  });

  it("runbooks are there for each alert", async () => {
    expect((await call("/runbooks/upstream-down")).body.text).toContain("# upstream-down");
    expect((await call("/runbooks/nothing")).status).toBe(404);
  });
});

describe("with a token", () => {
  beforeEach(async () => {
    gateway = await startGateway({ server: { adminToken: TOKEN } });
  });

  it("is open to whoever shows it, and to nobody else", async () => {
    expect((await call("/api/overview")).status).toBe(401);
    expect((await call("/api/overview", { headers: { authorization: "Bearer wrong" } })).status).toBe(401);
    expect((await call("/api/overview", { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200);
    expect((await call("/api/login")).body).toEqual({ needsToken: true, open: false });
  });

  it("exchanges it for a session that a script cannot read and another site cannot use", async () => {
    const response = await fetch(`${gateway.url}/api/login`, {
      method: "POST",
      body: JSON.stringify({ token: TOKEN }),
    });
    const cookie = response.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/^bellwether_session=\S{40,}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/);
    expect(cookie).not.toContain(TOKEN);
    const session = { cookie: cookie.split(";")[0] ?? "" };
    expect(await raw("/api/overview", session)).toBe(200);
    expect(await raw("/api/logout", { ...session, origin: "https://evil.example" }, "POST")).toBe(403);
    expect(await raw("/api/logout", session, "POST")).toBe(200);
    expect(await raw("/api/overview", session)).toBe(401);
  });

  it("makes whoever guesses wait, and the right one too from there", async () => {
    const guess = () => call("/api/login", { method: "POST", body: JSON.stringify({ token: "guess" }) });
    const statuses = [];
    for (let i = 0; i < 12; i++) statuses.push((await guess()).status);
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(401));
    expect(statuses.slice(10)).toEqual([429, 429]);
  });
});

describe("another program's webhook", () => {
  const vendors = new Vendors();

  it("reaches a channel that the program does not know", async () => {
    const url = await vendors.listen();
    gateway = await startGateway({
      channels: { robot: { type: "wecom", key: KEYS.wecom, url: `${url}/wecom`, language: "zh" } },
    });
    const payload = {
      version: "4",
      groupKey: "g",
      alerts: [
        {
          status: "firing",
          labels: { alertname: "DiskFull", severity: "critical" },
          annotations: { summary: "the disk is full" },
          startsAt: "2026-05-01T03:00:07Z",
          endsAt: "0001-01-01T00:00:00Z",
        },
      ],
    };
    const post = (channel: string, body: string) => call(`/alerts/${channel}`, { method: "POST", body });
    expect(await post("robot", JSON.stringify(payload))).toMatchObject({ status: 202 });
    await until(() => vendors.of("wecom").length, 1);
    expect(vendors.of("wecom")[0]?.body.markdown.content).toContain("the disk is full");
    expect(await post("robto", JSON.stringify(payload))).toMatchObject({
      status: 404,
      body: { error: { message: 'There is no channel "robto". Configured: robot.' } },
    });
    expect(await post("robot", "nonsense")).toMatchObject({ status: 400 });
    await vendors.close();
  });
});
