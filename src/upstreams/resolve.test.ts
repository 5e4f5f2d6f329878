// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment are meant literally.
import { describe, expect, test } from "vitest";
import { defaultConfig } from "../config/defaults.ts";
import { parseConfig } from "../config/parse.ts";
import { ConfigError } from "../config/problems.ts";
import { allDialects } from "./presets.ts";
import { resolveUpstreams } from "./resolve.ts";

const KEY = "hs-3f9c2ab871d04e65";

function resolve(yaml: string, env: Record<string, string> = {}) {
  const { config, locate } = parseConfig(yaml, "bellwether.yaml", env);
  return resolveUpstreams(config, env, { locate });
}

function problems(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
  }
  return "accepted";
}

describe("with nothing configured", () => {
  const fromEnvironment = (env: Record<string, string>, warnings: string[] = []) =>
    resolveUpstreams(defaultConfig, env, { warn: (message) => warnings.push(message) });

  test("and no key there is no upstream", () => expect(fromEnvironment({})).toEqual([]));

  test("each key in the environment adds its preset, HolySheep first", () => {
    const upstreams = fromEnvironment({ OPENAI_API_KEY: "sk-5e1f0c9a", HOLYSHEEP_API_KEY: KEY });
    expect(upstreams.map(({ name }) => name)).toEqual(["holysheep", "openai"]);
    expect(upstreams[0]).toMatchObject({
      provider: "holysheep",
      baseUrl: "https://api.holysheep.ai/v1",
      rootUrl: "https://api.holysheep.ai",
      apiKey: KEY,
      dialects: new Set(allDialects),
      timeouts: { connect: 5_000, firstByte: 120_000, idle: 60_000, total: 600_000 },
      onClientGone: "cancel",
      includeUsage: true,
      headers: [],
      proxy: undefined,
      ca: undefined,
      pricing: { list: "holysheep", own: {}, multiplier: 1, currency: "USD", usdPer: 1 },
    });
  });

  test("HOLYSHEEP_API_URL moves HolySheep", () => {
    const env = { HOLYSHEEP_API_KEY: KEY, HOLYSHEEP_API_URL: "http://127.0.0.1:9999/" };
    expect(fromEnvironment(env)[0]?.baseUrl).toBe("http://127.0.0.1:9999/v1");
  });

  test("the client's own variables do not make Bellwether call itself", () => {
    const env = { OPENAI_API_KEY: "sk-5e1f0c9a", OPENAI_BASE_URL: "http://127.0.0.1:8000/v1" };
    expect(fromEnvironment(env)[0]?.baseUrl).toBe("https://api.openai.com/v1");
  });

  test("Gemini's two APIs have two roots", () => {
    expect(fromEnvironment({ GEMINI_API_KEY: "AIza0123456789" })[0]).toMatchObject({
      baseUrl: "https://generativelanguage.googleapis.com/v1beta/openai",
      rootUrl: "https://generativelanguage.googleapis.com",
    });
  });

  test("a variable that is wrong is named, and its value is not shown", () => {
    const text = problems(() =>
      fromEnvironment({ HOLYSHEEP_API_KEY: `Bearer ${KEY}`, HOLYSHEEP_API_URL: "https://u:p4ss@x.example" }),
    );
    expect(text).toContain("HOLYSHEEP_API_KEY: the key begins with `Bearer `");
    expect(text).toContain("HOLYSHEEP_API_URL: the base URL contains a user or password");
    expect(text).not.toContain(KEY);
    expect(text).not.toContain("p4ss");
  });

  test("an empty key, or an address without a key, is ignored with a warning", () => {
    const warnings: string[] = [];
    const env = { OPENAI_API_KEY: "", HOLYSHEEP_API_URL: "https://relay.example" };
    expect(fromEnvironment(env, warnings)).toEqual([]);
    expect(warnings).toEqual([
      "HOLYSHEEP_API_URL is set but HOLYSHEEP_API_KEY is not: upstream holysheep is not used.",
      "OPENAI_API_KEY is set but empty, and is ignored.",
    ]);
  });
});

describe("configured", () => {
  test("upstreams are all there are, in their order", () => {
    const upstreams = resolve(
      `upstreams: { z: { baseUrl: https://z.example }, a: { baseUrl: https://a.example } }`,
      { OPENAI_API_KEY: "sk-5e1f0c9a" },
    );
    expect(upstreams.map(({ name }) => name)).toEqual(["z", "a"]);
  });

  test("a preset takes its key and address from the environment unless they are given", () => {
    const env = { HOLYSHEEP_API_KEY: KEY, HOLYSHEEP_API_URL: "https://env.example" };
    expect(resolve("upstreams: { main: { preset: holysheep } }", env)[0]).toMatchObject({
      name: "main",
      provider: "holysheep",
      apiKey: KEY,
      baseUrl: "https://env.example/v1",
    });
    const own = `upstreams: { main: { preset: holysheep, apiKey: own-5e1f0c9a, baseUrl: https://own.example } }`;
    expect(resolve(own, env)[0]).toMatchObject({ apiKey: "own-5e1f0c9a", baseUrl: "https://own.example/v1" });
  });

  test("an upstream without a preset is its own provider, speaks everything and needs no key", () => {
    expect(resolve("upstreams: { local: { baseUrl: http://127.0.0.1:11434 } }")[0]).toMatchObject({
      provider: "local",
      apiKey: undefined,
      dialects: new Set(allDialects),
      owns: [],
    });
  });

  test("own settings come before the preset's", () => {
    const yaml = `
upstreams:
  m:
    preset: mistral
    apiKey: ${KEY}
    dialects: [openai-chat]
    includeUsage: true
    headers: { X-Team: search }
    proxy: http://u:p@proxy.example:3128
    currency: EUR
    usdPer: 1.1
    priceMultiplier: 1.2
    prices: { mistral-large: { input: 2, output: 6 } }
    onClientGone: drain
    drain: { bytes: 2MiB, time: 5s }`;
    expect(resolve(yaml)[0]).toMatchObject({
      dialects: new Set(["openai-chat"]),
      includeUsage: true,
      headers: [["X-Team", "search"]],
      proxy: "http://u:p@proxy.example:3128",
      owns: expect.arrayContaining(["mistral-*"]),
      pricing: {
        list: undefined,
        own: { "mistral-large": { input: 2, output: 6 } },
        multiplier: 1.2,
        currency: "EUR",
        usdPer: 1.1,
      },
      onClientGone: "drain",
      drain: { bytes: 2 * 2 ** 20, time: 5_000 },
    });
    expect(resolve(`upstreams: { m: { preset: mistral, apiKey: ${KEY} } }`)[0]?.includeUsage).toBe(false);
  });

  test("a preset without a key is refused unless clients, or a header, bring one", () => {
    const yaml = "upstreams: { o: { preset: openai } }";
    expect(problems(() => resolve(yaml))).toContain("bellwether.yaml:1:14: upstreams.o.apiKey: has no key");
    expect(resolve(`server: { auth: passthrough }\n${yaml}`)[0]?.apiKey).toBeUndefined();
    const header = "upstreams: { o: { preset: openai, headers: { Authorization: Basic eA== } } }";
    expect(resolve(header)[0]?.apiKey).toBeUndefined();
  });

  test("an address that is Bellwether's own is refused, another port is not", () => {
    for (const address of ["http://localhost:8000", "http://127.0.0.1:8000/v1", "http://[::1]:8000"]) {
      expect(problems(() => resolve(`upstreams: { a: { baseUrl: "${address}" } }`))).toContain("own address");
    }
    expect(resolve("upstreams: { a: { baseUrl: http://localhost:8001 } }")).toHaveLength(1);
    expect(resolve("upstreams: { a: { baseUrl: http://10.1.2.3:8000 } }")).toHaveLength(1);
  });

  test("a value from a variable that holds a line break is refused as a key", () => {
    const text = problems(() =>
      resolve('upstreams: { a: { baseUrl: https://a.example, apiKey: "${K}" } }', {
        K: "x5e1f\n  admin: true",
      }),
    );
    expect(text).toContain("line break");
    expect(text).not.toContain("x5e1f");
  });

  test("a key over plain http earns a warning, but not on loopback", () => {
    const warnings: string[] = [];
    const { config } = parseConfig(
      `upstreams: { a: { baseUrl: http://a.example, apiKey: ${KEY} }, b: { baseUrl: http://127.0.0.1:1, apiKey: ${KEY} } }`,
      "x",
      {},
    );
    resolveUpstreams(config, {}, { warn: (message) => warnings.push(message) });
    expect(warnings).toEqual([expect.stringContaining("upstream a: the key is sent over plain http")]);
  });
});

test("models may name the upstreams that the environment adds, and no others", () => {
  const yaml = "models: { gpt-4.1: { upstreams: [holysheep] } }";
  expect(resolve(yaml, { HOLYSHEEP_API_KEY: KEY })).toHaveLength(1);
  expect(problems(() => resolve(yaml, { OPENAI_API_KEY: "sk-5e1f0c9a" }))).toContain(
    'no upstream "holysheep"',
  );
});
