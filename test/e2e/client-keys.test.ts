/** Whose key goes where: `auth: keys` with every way to send one, and `auth: passthrough`. */
import { createHash } from "node:crypto";
import { AuthenticationError as AnthropicRefusal } from "@anthropic-ai/sdk";
import { ApiError } from "@google/genai";
import { AuthenticationError } from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { keyLabel } from "../../src/sandbox/books.ts";
import { SANDBOX_KEY } from "../../src/sandbox/server.ts";
import { startGateway, type TestGateway, total } from "../helpers/gateway.ts";
import { anthropicAt } from "../helpers/scenarios/anthropic.ts";
import { geminiAt } from "../helpers/scenarios/gemini.ts";
import { openaiAt } from "../helpers/scenarios/openai.ts";

const messages = [{ role: "user" as const, content: "Who leads the flock?" }];
const sha256 = (key: string): string => `sha256:${createHash("sha256").update(key).digest("hex")}`;

interface Way {
  readonly way: string;
  readonly model: string;
  /** Calls with this key, and resolves to the model that answered. */
  readonly call: (url: string, key: string) => Promise<string | undefined>;
}

const ways: readonly Way[] = [
  {
    way: "`Authorization: Bearer`, as the OpenAI client",
    model: "gpt-4.1",
    call: async (url, key) =>
      (await openaiAt({ url, key }).chat.completions.create({ model: "gpt-4.1", messages })).model,
  },
  {
    way: "`x-api-key`, as the Anthropic client",
    model: "claude-sonnet-4.5",
    call: async (url, key) => {
      const request = { model: "claude-sonnet-4.5", max_tokens: 9, messages };
      return (await anthropicAt({ url, key }).messages.create(request)).model;
    },
  },
  {
    way: "`x-goog-api-key`, as the Gemini client",
    model: "gemini-2.5-flash",
    call: async (url, key) =>
      (await geminiAt({ url, key }).models.generateContent({ model: "gemini-2.5-flash", contents: "Hello" }))
        .modelVersion,
  },
  {
    way: "`?key=`",
    model: "gemini-2.0-flash",
    call: async (url, key) => {
      const path = `/v1beta/models/gemini-2.0-flash:generateContent?alt=json&key=${key}`;
      const body = JSON.stringify({ contents: [{ parts: [{ text: "Hello" }] }] });
      const response = await fetch(url + path, { method: "POST", body });
      if (!response.ok) throw new Error(await response.text());
      return ((await response.json()) as { modelVersion: string }).modelVersion;
    },
  },
];

describe("auth: keys", () => {
  const SHOP = "shop-key-1";
  const OLD_SHOP = "shop-key-0";
  const SEARCH = "search-key";
  let gateway: TestGateway;
  beforeAll(async () => {
    const apps = [
      { name: "shop", keys: [sha256(SHOP), sha256(OLD_SHOP)] },
      { name: "search", keys: [sha256(SEARCH)] },
    ];
    gateway = await startGateway({ server: { auth: "keys" }, apps }, { record: true });
  });
  afterAll(() => gateway.close());
  beforeEach(() => gateway.sandbox.reset());

  const requests = async (app: string, model: string): Promise<number> =>
    total(await gateway.samples(), "bellwether_requests_total", { app, model, status: "200" });

  it.each(ways)(
    "accepts a key sent with $way, and sends the upstream's own instead",
    async ({ model, call }) => {
      for (const [app, key] of [
        ["shop", SHOP],
        ["shop", OLD_SHOP],
        ["search", SEARCH],
      ] as const) {
        const before = await requests(app, model);
        expect(await call(gateway.url, key)).toBe(model);
        await gateway.quiet();
        expect(await requests(app, model)).toBe(before + 1);
      }
      expect(gateway.sandbox.books.accounts().map(({ key, calls }) => [key, calls])).toEqual([
        [keyLabel(SANDBOX_KEY), 3],
      ]);
      const seen = gateway.sandbox.requests
        .map(({ url, rawHeaders }) => [url, ...rawHeaders].join("\n"))
        .join("\n");
      for (const key of [SHOP, OLD_SHOP, SEARCH]) expect(seen).not.toContain(key);
    },
  );

  it.each(ways)("refuses a wrong key sent with $way, itself, without repeating it", async ({ call }) => {
    const rejected = async () =>
      total(await gateway.samples(), "bellwether_rejected_total", { reason: "auth" });
    const before = await rejected();
    for (const key of ["wrong-key", `${SHOP}x`, SANDBOX_KEY]) {
      const error = await call(gateway.url, key).then(() => undefined, String);
      expect(error).toContain("not one of this gateway's app keys");
      expect(error).not.toContain(key);
    }
    expect(await rejected()).toBe(before + 3);
    expect(gateway.sandbox.books.calls).toBe(0);
  });

  it("refuses in the shape that each client understands", async () => {
    const place = { url: gateway.url, key: "wrong-key" };
    await expect(openaiAt(place).models.list()).rejects.toBeInstanceOf(AuthenticationError);
    await expect(openaiAt(place).models.list()).rejects.toMatchObject({
      status: 401,
      code: "invalid_api_key",
    });
    await expect(anthropicAt(place).models.list()).rejects.toBeInstanceOf(AnthropicRefusal);
    await expect(anthropicAt(place).models.list()).rejects.toMatchObject({
      error: { type: "error", error: { type: "authentication_error" } },
    });
    const gemini = geminiAt(place).models.list();
    await expect(gemini).rejects.toBeInstanceOf(ApiError);
    await expect(gemini).rejects.toMatchObject({
      status: 401,
      message: expect.stringContaining("UNAUTHENTICATED"),
    });
  });

  it("wants a key", async () => {
    const response = await fetch(`${gateway.url}/v1/models`);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: { code: "missing_api_key" } });
  });
});

describe("auth: passthrough", () => {
  const OWN = "sk-client-of-the-relay";
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway(
      { server: { auth: "passthrough" }, upstream: { apiKey: undefined } },
      { keys: [OWN], record: true },
    );
  });
  afterAll(() => gateway.close());
  beforeEach(() => gateway.sandbox.reset());

  it.each(ways)("lets a key sent with $way reach the upstream", async ({ model, call }) => {
    expect(await call(gateway.url, OWN)).toBe(model);
    expect(gateway.sandbox.books.accounts().map(({ key }) => key)).toEqual([keyLabel(OWN)]);
  });

  it.each([
    ["OpenAI", "POST", "/v1/chat/completions", { authorization: "Bearer wrong" }, 401],
    ["OpenAI, no key", "GET", "/v1/models", {}, 401],
    ["Anthropic", "POST", "/v1/messages", { "x-api-key": "wrong", "anthropic-version": "2023-06-01" }, 401],
    ["Gemini", "POST", "/v1beta/models/gemini-2.5-flash:generateContent", { "x-goog-api-key": "wrong" }, 400],
    ["Gemini, in the query", "GET", "/v1beta/models?key=wrong&pageSize=5", {}, 400],
  ])("gives the upstream's own refusal unchanged (%s)", async (_api, method, path, headers, status) => {
    const ask = async (origin: string) => {
      gateway.sandbox.reset();
      const body = method === "POST" ? JSON.stringify({ model: "gpt-4.1", messages }) : null;
      const answer = await fetch(origin + path, { method, headers: headers as Record<string, string>, body });
      return { status: answer.status, type: answer.headers.get("content-type"), body: await answer.text() };
    };
    const direct = await ask(gateway.sandbox.url);
    expect(direct.status).toBe(status);
    expect(await ask(gateway.url)).toEqual(direct);
    expect(gateway.sandbox.requests.map(({ url }) => url)).toEqual([path]);
  });

  it("counts the upstream's refusals as such, and none as its own", async () => {
    const errors = async () => total(await gateway.samples(), "bellwether_errors_total", { type: "auth" });
    const before = await errors();
    await expect(openaiAt({ url: gateway.url, key: "wrong" }).models.list()).rejects.toThrow();
    await gateway.quiet();
    const samples = await gateway.samples();
    expect(total(samples, "bellwether_errors_total", { type: "auth" })).toBe(before + 1);
    expect(total(samples, "bellwether_rejected_total")).toBe(0);
  });
});
