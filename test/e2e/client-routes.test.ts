/** Which upstream and which model a client's call goes to: aliases, and models with upstreams of their own. */

import { toFile } from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SANDBOX_KEY, type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { startGateway, type TestGateway, total } from "../helpers/gateway.ts";
import { anthropicAt } from "../helpers/scenarios/anthropic.ts";
import { geminiAt } from "../helpers/scenarios/gemini.ts";
import { openaiAt } from "../helpers/scenarios/openai.ts";
import { all } from "../helpers/scenarios/scenario.ts";

const messages = [{ role: "user" as const, content: "Who leads the flock? 领头羊" }];

describe("an alias", () => {
  let gateway: TestGateway;
  const models = {
    fast: { alias: "gemini-2.5-flash" },
    快: { alias: "fast" },
    clever: { alias: "claude-sonnet-4.5" },
    vectors: { alias: "text-embedding-3-small" },
    ears: { alias: "whisper-1" },
  };
  beforeAll(async () => {
    gateway = await startGateway({ models }, { record: true });
  });
  afterAll(() => gateway.close());
  beforeEach(() => gateway.sandbox.reset());

  const at = (url: string) => ({ url, key: SANDBOX_KEY });
  const openai = (url = gateway.url) => openaiAt(at(url));

  it.each(["fast", "快"])("called %s gives the answer of the model it stands for", async (model) => {
    const real = await openai(gateway.sandbox.url).chat.completions.create({
      model: "gemini-2.5-flash",
      messages,
    });
    expect(await openai().chat.completions.create({ model, messages })).toEqual(real);
  });

  it("works in a stream, which is asked for usage as well", async () => {
    const request = { messages, stream: true } as const;
    const direct = {
      ...request,
      model: "gemini-2.5-flash",
      stream_options: { include_usage: true },
    } as const;
    const real = await all(openai(gateway.sandbox.url).chat.completions.create(direct));
    const chunks = await all(openai().chat.completions.create({ ...request, model: "fast" }));
    expect(chunks).toEqual(real.slice(0, -1));
  });

  it("works in Gemini's paths", async () => {
    const ask = (url: string, model: string) => {
      const { models: api } = geminiAt(at(url));
      return Promise.all([
        api.generateContent({ model, contents: "Hello" }),
        api.generateContentStream({ model, contents: "Hello" }).then(all),
        api.countTokens({ model, contents: "Hello" }),
      ]).then((answers) =>
        JSON.stringify(answers, (key, value: unknown) => (key === "sdkHttpResponse" ? {} : value)),
      );
    };
    const real = await ask(gateway.sandbox.url, "gemini-2.5-flash");
    expect(await ask(gateway.url, "fast")).toBe(real);
    expect(await ask(gateway.url, "快")).toBe(real);
  });

  it("works for messages, embeddings and forms", async () => {
    const message = { max_tokens: 9, messages };
    expect((await anthropicAt(at(gateway.url)).messages.create({ ...message, model: "clever" })).model).toBe(
      "claude-sonnet-4.5",
    );
    expect((await openai().embeddings.create({ model: "vectors", input: "bell" })).model).toBe(
      "text-embedding-3-small",
    );
    const file = await toFile(Buffer.alloc(40_000), "a.mp3");
    const heard = await openai().audio.transcriptions.create({ model: "ears", file });
    expect(heard.text.length).toBeGreaterThan(5);
  });

  it("leaves the rest of the request as it was", async () => {
    const body = '{ "model" : "fast",\n\t"messages": [{"role":"user","content":"\\u7f8a 羊"}], "n":1.0 }';
    await fetch(`${gateway.url}/v1/chat/completions`, { method: "POST", body });
    expect(gateway.sandbox.requests[0]?.body.toString()).toBe(body.replace('"fast"', '"gemini-2.5-flash"'));
  });

  it("is counted as the model it stands for", async () => {
    const count = async (model: string) =>
      total(await gateway.samples(), "bellwether_requests_total", { model, endpoint: "completions" });
    const before = await count("gemini-2.5-flash");
    await openai().completions.create({ model: "fast", prompt: "Once", max_tokens: 3 });
    await gateway.quiet();
    expect(await count("gemini-2.5-flash")).toBe(before + 1);
    expect(await count("fast")).toBe(0);
  });
});

describe("two upstreams", () => {
  let gateway: TestGateway;
  let second: Sandbox;
  const SECOND_KEY = "sk-second";
  beforeAll(async () => {
    second = await startSandbox({ keys: [SECOND_KEY], seed: 2 });
    gateway = await startGateway({
      upstreams: {
        second: {
          baseUrl: `${second.url}/v1`,
          apiKey: SECOND_KEY,
          dialects: ["openai-chat", "openai-embeddings"],
          prices: { "gpt-4.1": { input: 1, output: 3 } },
        },
      },
      upstream: { prices: { "gpt-4.1": { input: 2, output: 8 } } },
      models: {
        "gpt-4.1": { upstreams: ["second", "relay"] },
        "text-embedding-3-small": { upstreams: ["second"] },
        mine: { alias: "gpt-4.1", upstreams: ["relay"] },
      },
    });
  });
  afterAll(async () => {
    await gateway.close();
    await second.close();
  });
  beforeEach(() => {
    gateway.sandbox.reset();
    second.reset();
  });

  const client = () => openaiAt({ url: gateway.url, key: "ignored" });
  const calls = () => ({ relay: gateway.sandbox.books.calls, second: second.books.calls });

  it("each get the models that are theirs, with their own key", async () => {
    await client().chat.completions.create({ model: "gpt-4.1", messages });
    expect(calls()).toEqual({ relay: 0, second: 1 });
    await client().embeddings.create({ model: "text-embedding-3-small", input: "bell" });
    expect(calls()).toEqual({ relay: 0, second: 2 });
  });

  it("serve what is not theirs by name: the first that speaks the API", async () => {
    await client().chat.completions.create({ model: "gpt-4o", messages });
    expect(calls()).toEqual({ relay: 1, second: 0 });
  });

  it("are passed over where they do not speak the call's API", async () => {
    await client().responses.create({ model: "gpt-4.1", input: "Hello" });
    expect(calls()).toEqual({ relay: 1, second: 0 });
    const refused = client().completions.create({ model: "text-embedding-3-small", prompt: "Hello" });
    await expect(refused).rejects.toMatchObject({ status: 404, code: "no_upstream" });
    expect(calls()).toEqual({ relay: 1, second: 0 });
  });

  it("can be chosen by an alias", async () => {
    await client().chat.completions.create({ model: "mine", messages });
    expect(calls()).toEqual({ relay: 1, second: 0 });
  });

  it("are metered and priced apart", async () => {
    const figures = async () => {
      const samples = await gateway.samples();
      return ["relay", "second"].map((upstream) => {
        const of = (name: string) => total(samples, name, { upstream, model: "gpt-4.1" });
        return { cost: of("bellwether_cost_usd_total"), tokens: of("bellwether_output_tokens_total") };
      });
    };
    const [relayBefore, secondBefore] = await figures();
    const { usage } = await client().chat.completions.create({ model: "gpt-4.1", messages });
    await gateway.quiet();
    const [relay, secondAfter] = await figures();
    expect(relay).toEqual(relayBefore);
    expect((secondAfter?.tokens ?? 0) - (secondBefore?.tokens ?? 0)).toBe(usage?.completion_tokens);
    expect(((secondAfter?.cost ?? 0) - (secondBefore?.cost ?? 0)) * 1e6).toBeCloseTo(
      (usage?.prompt_tokens ?? 0) + 3 * (usage?.completion_tokens ?? 0),
      6,
    );
  });
});
