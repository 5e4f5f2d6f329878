/** Routing rules as clients meet them: through the official clients and a real gateway, before two real relays. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Sandbox, startSandbox } from "../../src/sandbox/server.ts";
import { startGateway, type TestGateway, total } from "../helpers/gateway.ts";
import { anthropicAt } from "../helpers/scenarios/anthropic.ts";
import { geminiAt } from "../helpers/scenarios/gemini.ts";
import { openaiAt } from "../helpers/scenarios/openai.ts";
import { all } from "../helpers/scenarios/scenario.ts";

const keyOf = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;
const user = (content: string) => [{ role: "user" as const, content }];

const routes = [
  { name: "vip", priority: 100, when: { headers: { "X-Tier": "gold*" } }, use: { upstream: "second" } },
  {
    name: "code",
    priority: 10,
    when: { model: "auto", prompt: "\\b(code|function|bug)\\b" },
    use: { model: "gpt-4.1" },
  },
  {
    name: "refunds",
    when: { model: "auto", keywords: ["refund", "退款"] },
    use: { model: "gpt-4.1-mini", upstream: "second" },
  },
  { name: "seen", when: { model: "auto", images: true }, use: { model: "gpt-4o" } },
  { name: "tooled", when: { model: "auto", tools: true }, use: { model: "gpt-4o-mini" } },
  { name: "structured", when: { model: "auto", json: true }, use: { model: "gpt-4.1-nano" } },
  { name: "thinking", when: { model: "auto", reasoning: ["high", "xhigh"] }, use: { model: "o3" } },
  { name: "long", when: { model: "auto", inputTokens: { above: 2000 } }, use: { model: "gemini-2.5-flash" } },
  { name: "german", when: { model: "auto", language: "de" }, use: { model: "claude-sonnet-4.5" } },
  { name: "streamed", when: { model: "auto", streaming: true }, use: { model: "deepseek-v3.2" } },
  { name: "messages", when: { model: "auto", endpoint: "messages" }, use: { model: "claude-sonnet-4.5" } },
  { name: "gemini", when: { model: "auto", endpoint: "generate" }, use: { model: "gemini-2.5-flash" } },
  {
    name: "vectors",
    when: { model: "auto", endpoint: "embeddings" },
    use: { model: "text-embedding-3-small" },
  },
  { name: "shop", when: { app: "shop", model: "cheap" }, use: { model: "deepseek-v3.2" } },
  { name: "team", when: { team: "research", model: "cheap" }, use: { model: "auto" } },
  { name: "rest", when: { model: "auto" }, use: { model: "gpt-4o-mini" } },
];

let gateway: TestGateway;
let second: Sandbox;

beforeAll(async () => {
  second = await startSandbox({ keys: ["sk-second"], seed: 2 });
  gateway = await startGateway(
    {
      server: { auth: "keys", adminToken: "a-token-for-tests" },
      upstreams: { second: { baseUrl: `${second.url}/v1`, apiKey: "sk-second" } },
      models: { auto: { route: true }, cheap: { route: true }, mini: { alias: "gpt-4.1-mini" } },
      apps: [
        { name: "shop", team: "commerce", keys: [keyOf("shop-key")] },
        { name: "lab", team: "research", keys: [keyOf("lab-key")] },
      ],
      routes,
    },
    { record: true },
  );
});
afterAll(async () => {
  await gateway.close();
  await second.close();
});
beforeEach(() => {
  gateway.sandbox.reset();
  second.reset();
});

const openai = (key = "shop-key") => openaiAt({ url: gateway.url, key });
const asked = (): unknown => JSON.parse(gateway.sandbox.requests[0]?.body.toString() ?? "{}").model;

/** The decision as the headers of an answer tell it. */
async function decision(body: object, options: { key?: string; headers?: Record<string, string> } = {}) {
  const { response } = await openai(options.key)
    .chat.completions.create({ model: "auto", messages: user("Hello"), ...body } as never, {
      ...(options.headers !== undefined && { headers: options.headers }),
    })
    .withResponse();
  const header = (name: string): string | null => response.headers.get(`x-bellwether-${name}`);
  return `${header("route")}: ${header("model")} at ${header("upstream")}`;
}

describe("a rule is for calls", () => {
  const image = { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } };
  const tool = {
    type: "function",
    function: { name: "weather", parameters: { type: "object", properties: {} } },
  };
  it.each([
    ["whose prompt holds an expression", { messages: user("Find the bug") }, "code: gpt-4.1 at relay"],
    ["whose prompt holds a word", { messages: user("I want a REFUND!") }, "refunds: gpt-4.1-mini at second"],
    [
      "whose prompt holds a word of a script without spaces",
      { messages: user("我要求退款，谢谢") },
      "refunds: gpt-4.1-mini at second",
    ],
    [
      "with images",
      { messages: [{ role: "user", content: [{ type: "text", text: "What is it?" }, image] }] },
      "seen: gpt-4o at relay",
    ],
    ["with tools, whose definition is not the prompt", { tools: [tool] }, "tooled: gpt-4o-mini at relay"],
    ["that want JSON", { response_format: { type: "json_object" } }, "structured: gpt-4.1-nano at relay"],
    ["that want reasoning", { reasoning_effort: "high" }, "thinking: o3 at relay"],
    ["that are long", { messages: user("lorem ipsum ".repeat(1000)) }, "long: gemini-2.5-flash at relay"],
    [
      "in a language",
      { messages: user("Wie ist das Wetter heute in der Stadt, und was ziehe ich an?") },
      "german: claude-sonnet-4.5 at relay",
    ],
    ["of any other kind", {}, "rest: gpt-4o-mini at relay"],
  ])("%s", async (_, body, expected) => {
    expect(await decision(body)).toBe(expected);
  });

  it("of an app, or of a team, from one routed model to the next", async () => {
    expect(await decision({ model: "cheap" })).toBe("shop: deepseek-v3.2 at relay");
    expect(await decision({ model: "cheap" }, { key: "lab-key" })).toBe("team>rest: gpt-4o-mini at relay");
  });

  it("with a header, whatever model they ask for, and it keeps the model", async () => {
    expect(await decision({ model: "mini" }, { headers: { "x-tier": "gold-2" } })).toBe(
      "vip: gpt-4.1-mini at second",
    );
    expect(await decision({ model: "mini" }, { headers: { "x-tier": "silver" } })).toBe(
      "default: gpt-4.1-mini at relay",
    );
    expect(second.books.calls).toBe(1);
  });

  it("that are streamed, of other APIs, and of forms", async () => {
    const chunks = await all(
      openai().chat.completions.create({ model: "auto", messages: user("Hi"), stream: true }),
    );
    expect(chunks[0]?.model).toBe("deepseek-v3.2");
    const at = { url: gateway.url, key: "shop-key" };
    const message = await anthropicAt(at).messages.create({
      model: "auto",
      max_tokens: 9,
      messages: user("Hi"),
    });
    expect(message.model).toBe("claude-sonnet-4.5");
    const generated = await geminiAt(at).models.generateContent({ model: "auto", contents: "Hi" });
    expect(generated.modelVersion).toBe("gemini-2.5-flash");
    expect((await openai().embeddings.create({ model: "auto", input: "bell" })).model).toBe(
      "text-embedding-3-small",
    );
  });
});

describe("a routed call", () => {
  it("has nothing changed but its model", async () => {
    const body = '{ "model" : "auto",\n\t"messages": [{"role":"user","content":"\\u7f8a 羊 bug"}], "n":1.0 }';
    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: "Bearer shop-key" },
      body,
    });
    expect(response.status).toBe(200);
    expect(gateway.sandbox.requests[0]?.body.toString()).toBe(body.replace('"auto"', '"gpt-4.1"'));
    expect(asked()).toBe("gpt-4.1");
  });

  it("that no rule is for is refused, and told what to do", async () => {
    const refused = openai("lab-key").chat.completions.create({ model: "cheap", messages: user("Hi") });
    expect(await refused).toBeDefined();
    await gateway.configure({
      server: { auth: "keys" },
      models: { cheap: { route: true } },
      apps: [{ name: "shop", keys: [keyOf("shop-key")] }],
      routes: [{ name: "code", when: { model: "cheap", prompt: "code" }, use: { model: "gpt-4.1" } }],
    });
    const error = await openai()
      .chat.completions.create({ model: "cheap", messages: user("Hi") })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ status: 404, code: "no_route" });
    expect((error as Error).message).toContain('Model "cheap" is only routed');
    await gateway.configure({
      server: { auth: "keys", adminToken: "a-token-for-tests" },
      upstreams: { second: { baseUrl: `${second.url}/v1`, apiKey: "sk-second" } },
      models: { auto: { route: true }, cheap: { route: true }, mini: { alias: "gpt-4.1-mini" } },
      apps: [{ name: "shop", team: "commerce", keys: [keyOf("shop-key")] }],
      routes: routes.filter(({ name }) => name !== "team"),
    });
  });

  it("is for a model that only rules know, which answers to its name as the lists have it", async () => {
    gateway.sandbox.reset();
    const ask = async (path: string, headers: Record<string, string>, method = "GET") => {
      const answer = await fetch(gateway.url + path, { method, headers });
      return [answer.status, method === "HEAD" ? "" : await answer.json()];
    };
    const bearer = { authorization: "Bearer shop-key" };
    const listed = async (path: string, headers: Record<string, string>) => {
      const [, list] = await ask(path, headers);
      const { data, models } = list as Record<string, { id?: string; name?: string }[] | undefined>;
      return (data ?? models)?.find(({ id, name }) => id === "auto" || name === "models/auto");
    };
    const before = gateway.sandbox.requests.length;
    expect(await ask("/v1/models/auto", bearer)).toEqual([200, await listed("/v1/models", bearer)]);
    const anthropic = { "x-api-key": "shop-key", "anthropic-version": "2023-06-01" };
    expect(await ask("/v1/models/auto", anthropic)).toEqual([200, await listed("/v1/models", anthropic)]);
    const google = { "x-goog-api-key": "shop-key" };
    expect(await ask("/v1beta/models/auto", google)).toEqual([200, await listed("/v1beta/models", google)]);
    expect(await ask("/v1/models/auto", bearer, "HEAD")).toEqual([200, ""]);
    expect((await ask("/v1/models/auto", {}))[0]).toBe(401);
    // The lists were asked for at the upstream, the models were not.
    expect(gateway.sandbox.requests.length - before).toBe(3);
    await ask("/v1/models/gpt-4.1", bearer);
    expect(gateway.sandbox.requests.length - before).toBe(4);
    const own = { status: "200", endpoint: "models", upstream: "none" };
    expect(total(await gateway.samples(), "bellwether_requests_total", own)).toBe(4);
  });

  it("is counted by its route", async () => {
    const count = async () =>
      total(await gateway.samples(), "bellwether_route_decisions_total", {
        route: "code",
        upstream: "relay",
        model: "gpt-4.1",
      });
    const before = await count();
    await decision({ messages: user("Find the bug") });
    expect(await count()).toBe(before + 1);
  });

  it("says where it was to go when the upstream cannot be asked", async () => {
    gateway.sandbox.set({ status: 500 });
    const error = await openai()
      .chat.completions.create({ model: "auto", messages: user("Find the bug") }, { maxRetries: 0 })
      .catch((thrown: unknown) => thrown);
    const { headers } = error as { headers: Headers };
    expect(headers.get("x-bellwether-route")).toBe("code");
    expect(headers.get("x-bellwether-upstream")).toBe("relay");
  });
});

describe("the admin API", () => {
  const admin = async (path: string, question?: object) => {
    const response = await fetch(`${gateway.url}${path}`, {
      ...(question !== undefined && { method: "POST", body: JSON.stringify(question) }),
      headers: { authorization: "Bearer a-token-for-tests", "content-type": "application/json" },
    });
    return { status: response.status, text: await response.text() };
  };

  it("explains a call without making it or repeating its prompt", async () => {
    const { status, text } = await admin("/api/route/explain", {
      model: "auto",
      prompt: "secret plans: fix the bug",
    });
    expect(status).toBe(200);
    expect(text).not.toContain("secret");
    const explanation = JSON.parse(text);
    expect(explanation).toMatchObject({
      route: "code",
      reason: "rule",
      place: { upstream: "relay", model: "gpt-4.1" },
    });
    expect(
      explanation.steps[0].verdicts.map(({ rule, outcome }: { rule: string; outcome: string }) => [
        rule,
        outcome,
      ]),
    ).toEqual([
      ["vip", "does not hold"],
      ["code", "decides"],
    ]);
    expect(gateway.sandbox.books.calls).toBe(0);
  });

  it("refuses questions that make no sense, and lists the rules", async () => {
    expect(await admin("/api/route/explain", { prompt: 3 })).toMatchObject({ status: 400 });
    expect(await admin("/api/route/explain", { model: "auto", tools: "yes" })).toMatchObject({ status: 400 });
    expect(await admin("/api/route/explain", { model: "auto", endpoint: "toString" })).toMatchObject({
      status: 400,
    });
    expect(await admin("/api/route/explain", { model: "auto", app: "nobody" })).toMatchObject({
      status: 400,
    });
    const listed = JSON.parse((await admin("/api/routes")).text);
    expect(listed.virtualModels).toEqual(["auto", "cheap"]);
    expect(listed.routes.slice(0, 2)).toEqual([
      {
        name: "vip",
        priority: 100,
        when: ["headers: X-Tier: gold*"],
        use: "the model asked for at second",
        active: null,
      },
      {
        name: "code",
        priority: 10,
        when: ["model: auto", "prompt: \\b(code|function|bug)\\b"],
        use: "gpt-4.1",
        active: null,
      },
    ]);
  });
});
