import Anthropic from "@anthropic-ai/sdk";
import { ApiError, GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { afterEach, describe, expect, it, vi } from "vitest";
import { BellwetherError, type ErrorCode, errorCatalogue } from "../core/errors.ts";
import { errorBody, errorEvent } from "./error-shape.ts";

const codes = Object.keys(errorCatalogue) as ErrorCode[];
const families = ["openai", "anthropic", "gemini"] as const;
const error = new BellwetherError("upstream_first_byte_timeout", { upstream: "relay", limit: 120_000 });

const json = { "content-type": "application/json" };
const events = { "content-type": "text/event-stream" };

/** A fetch that answers with Bellwether's error, as a body or after the beginning of a stream. */
const refuse = (family: (typeof families)[number], cause: BellwetherError) => async () =>
  new Response(errorBody(family, cause, "id-1"), { status: cause.status, headers: json });
const breakOff = (family: (typeof families)[number], begun: string) => async () =>
  new Response(begun + errorEvent(family, error, "id-1"), { headers: events });

async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

const thrownBy = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("errorBody", () => {
  it("has a message, a type word and the stable code for every error in every family", () => {
    for (const code of codes) {
      const cause = new BellwetherError(code);
      for (const family of families) {
        const body = JSON.parse(errorBody(family, cause, "id-1"));
        expect(body.error.message).toBe(cause.message);
        if (family === "openai") expect(body.error).toMatchObject({ param: null, code });
        if (family === "anthropic") expect(body).toMatchObject({ type: "error", request_id: "id-1" });
        if (family === "anthropic") expect(body.error.details).toEqual({ error_code: code });
        if (family === "gemini") expect(body.error.code).toBe(cause.status);
      }
    }
  });

  it.each([
    ["missing_api_key", "authentication_error", "authentication_error", "UNAUTHENTICATED"],
    ["unknown_path", "not_found_error", "not_found_error", "NOT_FOUND"],
    ["malformed_request", "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"],
    ["body_too_large", "invalid_request_error", "request_too_large", "INVALID_ARGUMENT"],
    ["upstream_unreachable", "server_error", "api_error", "UNAVAILABLE"],
    ["upstream_connect_timeout", "server_error", "timeout_error", "DEADLINE_EXCEEDED"],
    ["internal", "server_error", "api_error", "INTERNAL"],
  ] as const)("%s has the words of each vendor", (code, openai, anthropic, gemini) => {
    const cause = new BellwetherError(code);
    expect(JSON.parse(errorBody("openai", cause, "")).error.type).toBe(openai);
    expect(JSON.parse(errorBody("anthropic", cause, "")).error.type).toBe(anthropic);
    expect(JSON.parse(errorBody("gemini", cause, "")).error.status).toBe(gemini);
  });

  it("is one line of JSON whatever the details", () => {
    const cause = new BellwetherError("no_upstream", { what: 'a "b"\n\ndata: c\r' });
    for (const family of families) expect(errorBody(family, cause, "x")).not.toMatch(/[\r\n]/);
  });
});

describe("the official clients understand", () => {
  it("openai: a refusal", async () => {
    const cause = new BellwetherError("invalid_api_key");
    const client = new OpenAI({ apiKey: "k", fetch: refuse("openai", cause), maxRetries: 0 });
    const thrown = await thrownBy(client.chat.completions.create({ model: "m", messages: [] }));
    expect(thrown).toBeInstanceOf(OpenAI.AuthenticationError);
    expect(thrown).toMatchObject({ status: 401, code: "invalid_api_key", type: "authentication_error" });
    expect(String(thrown)).toContain(cause.message);
  });

  it("openai: the end of a stream", async () => {
    const client = new OpenAI({ apiKey: "k", fetch: breakOff("openai", 'data: {"choices":[]}\n\n') });
    const stream = await client.chat.completions.create({ model: "m", messages: [], stream: true });
    const thrown = await thrownBy(drain(stream));
    expect(thrown).toBeInstanceOf(OpenAI.APIError);
    expect(thrown).toMatchObject({ code: error.code, type: "server_error" });
  });

  it("anthropic: a refusal", async () => {
    const cause = new BellwetherError("unknown_path", { method: "POST", path: "/x" });
    const client = new Anthropic({ apiKey: "k", fetch: refuse("anthropic", cause), maxRetries: 0 });
    const thrown = await thrownBy(client.messages.create({ model: "m", max_tokens: 1, messages: [] }));
    expect(thrown).toBeInstanceOf(Anthropic.NotFoundError);
    expect(thrown).toMatchObject({ status: 404, type: "not_found_error", errorCode: "unknown_path" });
    expect(String(thrown)).toContain("/x");
  });

  it("anthropic: the end of a stream", async () => {
    const begun = 'event: ping\ndata: {"type":"ping"}\n\n';
    const client = new Anthropic({ apiKey: "k", fetch: breakOff("anthropic", begun) });
    const stream = await client.messages.create({ model: "m", max_tokens: 1, messages: [], stream: true });
    const thrown = await thrownBy(drain(stream));
    expect(thrown).toBeInstanceOf(Anthropic.APIError);
    expect(thrown).toMatchObject({ type: "timeout_error", errorCode: error.code });
  });

  it("gemini: a refusal", async () => {
    vi.stubGlobal("fetch", refuse("gemini", error));
    const client = new GoogleGenAI({ apiKey: "k" });
    const thrown = await thrownBy(client.models.generateContent({ model: "m", contents: "x" }));
    expect(thrown).toBeInstanceOf(ApiError);
    expect(thrown).toMatchObject({ status: 504 });
    expect(String(thrown)).toContain("DEADLINE_EXCEEDED");
  });

  it("gemini: the end of a stream", async () => {
    vi.stubGlobal("fetch", breakOff("gemini", 'data: {"candidates":[]}\n\n'));
    const client = new GoogleGenAI({ apiKey: "k" });
    const stream = await client.models.generateContentStream({ model: "m", contents: "x" });
    const thrown = await thrownBy(drain(stream));
    expect(thrown).toBeInstanceOf(ApiError);
    expect(thrown).toMatchObject({ status: 504 });
  });
});
