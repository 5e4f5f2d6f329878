/** The client for apps that want no SDK. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../sandbox/server.ts";
import { ApiError, Bellwether, BellwetherError, type ClientOptions } from "./index.ts";

let relay: Sandbox;
beforeAll(async () => {
  relay = await startSandbox();
});
afterAll(() => relay.close());
afterEach(() => relay.reset());

const messages = [{ role: "user" as const, content: "Who leads the flock? 领头羊" }];
const chat = { model: "gpt-4.1", messages };
const clientWith = (options: Partial<ClientOptions> = {}) =>
  new Bellwether({ baseUrl: relay.url, apiKey: SANDBOX_KEY, upstream: "relay", retries: 0, ...options });

it("chats, embeds, draws, lists models, and has metered it all", async () => {
  const client = clientWith();
  const answer = await client.chat(chat);
  expect(answer.choices[0]?.message.content).not.toBe("");
  expect((await client.embeddings({ model: "text-embedding-3-small", input: ["a", "b"] })).data).toHaveLength(
    2,
  );
  expect((await client.images({ model: "gpt-image-1", prompt: "a bell", n: 2 })).data).toHaveLength(2);
  expect((await client.models()).map(({ id }) => id)).toContain("gpt-4.1");
  expect(client.meter.stats()).toMatchObject({ calls: 4, errors: 0, unpricedCalls: 0 });
});

it("streams what a whole answer says, and the usage if asked", async () => {
  const client = clientWith();
  let text = "";
  let usage: unknown;
  for await (const chunk of client.chatStream({ ...chat, stream_options: { include_usage: true } })) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  expect(text).not.toBe("");
  expect(usage).toMatchObject({ completion_tokens: client.meter.stats().tokens.output });
});

it("ends the call when the loop over a stream is left", async () => {
  const client = clientWith({ headers: { "x-sandbox": "tokensPerSecond=50; output=4000" } });
  for await (const chunk of client.chatStream(chat)) if (chunk.choices.length > 0) break;
  expect(client.meter.stats().errorsByType).toEqual({ client_gone: 1 });
  await expect.poll(() => relay.books.total().aborted).toBe(1);
});

it("throws what the API refused, with its code and status", async () => {
  const client = clientWith();
  await expect(clientWith({ apiKey: "sk-wrong" }).chat(chat)).rejects.toMatchObject({
    status: 401,
    type: "auth",
  });
  const error = await client.chat({ ...chat, model: "nonsense" }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ name: "ApiError", status: 404, code: "model_not_found", type: "not_found" });
  expect((error as ApiError).requestId).toMatch(/^req_/);
  await expect(clientWith({ headers: { "x-sandbox": "status=500" } }).models()).rejects.toMatchObject({
    status: 500,
  });
});

it("throws an error within a stream", async () => {
  const stream = clientWith({ headers: { "x-sandbox": "streamError; after=2" } }).chatStream(chat);
  const read = async () => {
    for await (const _ of stream);
  };
  await expect(read()).rejects.toBeInstanceOf(ApiError);
});

it("throws an error with a code where there was no answer", async () => {
  const lost = new Bellwether({ baseUrl: "http://127.0.0.1:9/v1", retries: 0 });
  await expect(lost.chat(chat)).rejects.toBeInstanceOf(BellwetherError);
  await expect(lost.chat(chat)).rejects.toMatchObject({ code: "upstream_unreachable", type: "unreachable" });
  const silent = clientWith({ headers: { "x-sandbox": "hang=head" }, timeouts: { firstByte: 50 } });
  await expect(silent.chat(chat)).rejects.toMatchObject({ code: "upstream_first_byte_timeout" });
  const web = clientWith({ headers: { "x-sandbox": "html" } });
  await expect(web.chat(chat)).rejects.toMatchObject({ code: "upstream_malformed" });
});

it("throws the app's own reason when the app aborts", async () => {
  const app = new AbortController();
  const call = clientWith({ headers: { "x-sandbox": "hang=head" } }).chat(chat, { signal: app.signal });
  app.abort(new Error("enough"));
  await expect(call).rejects.toThrow("enough");
});

it("retries by itself, unlike a bare fetch", async () => {
  const client = clientWith({ retries: { attempts: 2, base: 1 } });
  relay.set({ status: 503, retryAfter: "0" });
  await expect(client.chat(chat)).rejects.toMatchObject({ status: 503 });
  expect(relay.books.calls).toBe(3);
});

it("asks for the key at each call, where it is a function", async () => {
  let asked = 0;
  const client = clientWith({ apiKey: () => Promise.resolve(`sk-${["wrong", "sandbox"][asked++]}`) });
  await expect(client.models()).rejects.toMatchObject({ status: 401 });
  expect(await client.models()).not.toEqual([]);
});

it.each([
  [{ baseUrl: "relay.example" }, "http or https URL"],
  [{ retries: -1 }, "retries: -1 is not a number of at least 0."],
  [{ timeouts: { idle: 0 } }, "timeouts.idle"],
  [{ rateLimit: {} }, "rateLimit: give `calls`"],
  [{ preset: "nobody" as never }, "there is no preset nobody"],
  [{ fallbacks: ["https://relay.example/v1/chat/completions"] }, "fallbacks[0]: the base URL is an endpoint"],
])("refuses options that cannot be right: %j", (options, message) => {
  expect(() => clientWith(options)).toThrow(message);
});

it("needs an address", () => {
  expect(() => new Bellwether({ apiKey: "x" })).toThrow("baseUrl: give the relay's address");
});
