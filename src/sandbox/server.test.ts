import { Agent, request } from "undici";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "./server.ts";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.reset());

const bearer = { authorization: `Bearer ${SANDBOX_KEY}` };
const chat = { model: "gpt-4.1", messages: [{ role: "user", content: "hello" }] };
const post = (path: string, body: unknown, headers: Record<string, string> = bearer, url = sandbox.url) =>
  fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

describe("errors in the API's own shape", () => {
  it.each([
    ["/v1/chat/completions", "{", 400, "could not parse the JSON body"],
    ["/v1/chat/completions", "[]", 400, "must be a JSON object"],
    ["/v1/chat/completions", {}, 400, "'model' is required"],
    ["/v1/chat/completions", { model: "gpt-4.1" }, 400, "'messages' must be a non-empty array"],
    ["/v1/chat/completions", { ...chat, n: 0 }, 400, "'n' must be 1 to 128"],
    ["/v1/chat/completions", { ...chat, model: "text-embedding-3-small" }, 404, "does not exist"],
    ["/v1/responses", { model: "gpt-4.1" }, 400, "'input' is required"],
    ["/v1/embeddings", { model: "text-embedding-3-small", input: [] }, 400, "'input' must be"],
    ["/v1/images/generations", { model: "gpt-image-1" }, 400, "'prompt' is required"],
    ["/v1/audio/speech", { model: "tts-1", input: "x" }, 400, "'voice' is required"],
    ["/v1/audio/transcriptions", {}, 400, "could not parse the form"],
    ["/v1/nothing", {}, 404, "Invalid URL (POST /v1/nothing)"],
    ["/v1/models", {}, 405, "Not allowed to POST"],
  ])("OpenAI: POST %s %j gives %i", async (path, body, status, message) => {
    const response = await post(path, body);
    expect(response.status).toBe(status);
    const { error } = (await response.json()) as { error: { message: string; type: string } };
    expect(error.message).toContain(message);
    expect(error.type).toBe("invalid_request_error");
    expect(error).toHaveProperty("param");
    expect(error).toHaveProperty("code");
  });

  it("Anthropic: type, error and request_id", async () => {
    const headers = { "x-api-key": SANDBOX_KEY };
    const response = await post("/v1/messages", { ...chat, model: "claude-haiku-4-5" }, headers);
    expect(response.status).toBe(400);
    const body = (await response.json()) as { request_id: string; error: { message: string } };
    expect(body).toMatchObject({ type: "error", error: { type: "invalid_request_error" } });
    expect(body.error.message).toContain("'max_tokens' is required");
    expect(response.headers.get("request-id")).toBe(body.request_id);
  });

  it("Gemini: code and status", async () => {
    const headers = { "x-goog-api-key": SANDBOX_KEY };
    const response = await post("/v1beta/models/nothing:generateContent", { contents: [{}] }, headers);
    expect(await response.json()).toMatchObject({ error: { code: 404, status: "NOT_FOUND" } });
  });

  it("tells a missing key from a wrong one, and shows neither", async () => {
    const missing = await post("/v1/chat/completions", chat, {});
    expect(missing.status).toBe(401);
    expect(await missing.text()).toContain("didn't provide an API key");
    const wrong = await post("/v1/chat/completions", chat, { authorization: "Bearer sk-secret" });
    expect(await wrong.text()).not.toContain("sk-secret");
    expect((await post("/v1/messages", chat, { "x-api-key": "wrong" })).status).toBe(401);
  });
});

describe("headers of success", () => {
  it("carries OpenAI's request id and limits, and none of the limits for DeepSeek", async () => {
    const first = await post("/v1/chat/completions", chat);
    expect(first.headers.get("x-request-id")).toMatch(/^req_/);
    expect(first.headers.get("x-ratelimit-limit-requests")).toBe("10000");
    expect(first.headers.get("x-ratelimit-reset-requests")).toBe("6ms");
    const second = await post("/v1/chat/completions", { ...chat, model: "deepseek-chat" });
    expect(second.headers.get("x-request-id")).not.toBe(first.headers.get("x-request-id"));
    expect(second.headers.has("x-ratelimit-limit-requests")).toBe(false);
  });
});

describe("determinism", () => {
  it("gives the same bytes for the same seed, and others for another", async () => {
    const again = await startSandbox({ seed: 1 });
    const other = await startSandbox({ seed: 2 });
    try {
      const bodies = await Promise.all(
        [sandbox, again, other].map(async ({ url }) =>
          (await post("/v1/chat/completions", chat, bearer, url)).text(),
        ),
      );
      expect(bodies[1]).toBe(bodies[0]);
      expect(bodies[2]).not.toBe(bodies[0]);
    } finally {
      await Promise.all([again.close(), other.close()]);
    }
  });
});

describe("being an HTTP server", () => {
  it("answers HEAD without a body", async () => {
    const response = await fetch(`${sandbox.url}/v1/models`, { method: "HEAD", headers: bearer });
    expect(response.status).toBe(200);
    expect(Number(response.headers.get("content-length"))).toBeGreaterThan(100);
    expect(await response.text()).toBe("");
  });

  it("pauses a stream that the client does not read, and finishes it when it does", async () => {
    const response = await post(
      "/v1/chat/completions",
      { ...chat, stream: true },
      {
        ...bearer,
        "x-sandbox": "size=40000000",
      },
    );
    const reader = response.body?.getReader();
    await reader?.read();
    // As long as it takes to serve another client.
    await (await fetch(`${sandbox.url}/sandbox`)).text();
    expect(sandbox.books.inFlight).toBe(1);
    let bytes = 0;
    for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read()) {
      bytes += part.value.length;
    }
    expect(bytes).toBeGreaterThan(39_000_000);
    await expect.poll(() => sandbox.books.total().completed).toBe(1);
  });

  it("carries a thousand streams at once", async () => {
    const dispatcher = new Agent({ connections: 1000 });
    const one = async () => {
      const { body } = await request(`${sandbox.url}/v1/chat/completions`, {
        dispatcher,
        method: "POST",
        headers: { ...bearer, "x-sandbox": "hang=stream; after=6; tokensPerSecond=50; output=20" },
        body: JSON.stringify({ ...chat, stream: true }),
      });
      body.on("error", () => {});
      await new Promise((resolve) => body.once("data", resolve));
    };
    await Promise.all(Array.from({ length: 1000 }, one));
    expect(sandbox.books.inFlight).toBe(1000);
    await dispatcher.destroy();
    await expect.poll(() => sandbox.books.total().aborted).toBe(1000);
  });

  it("accepts any key in `any` mode, but not none", async () => {
    const open = await startSandbox({ keys: "any" });
    try {
      expect((await post("/v1/chat/completions", chat, { authorization: "Bearer x" }, open.url)).status).toBe(
        200,
      );
      expect((await post("/v1/chat/completions", chat, {}, open.url)).status).toBe(401);
    } finally {
      await open.close();
    }
  });

  it("rejects when its port is taken", async () => {
    await expect(startSandbox({ port: sandbox.port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  it("closes with calls in flight", async () => {
    const closing = await startSandbox({ knobs: { hang: "head" } });
    const asked = post("/v1/chat/completions", chat, bearer, closing.url);
    const failed = expect(asked).rejects.toThrow();
    await expect.poll(() => closing.books.inFlight).toBe(1);
    await closing.close();
    await failed;
  });
});
