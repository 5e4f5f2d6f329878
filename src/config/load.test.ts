// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment are meant literally.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { defaultConfig } from "./defaults.ts";
import { loadConfig } from "./load.ts";

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), "bellwether-"));
});
afterEach(() => rm(cwd, { recursive: true }));

const write = (name: string, text: string) => writeFile(join(cwd, name), text);

async function load(text: string, env: Record<string, string> = {}) {
  await write("bellwether.yaml", text);
  return (await loadConfig({ cwd, env })).config;
}

describe("the file", () => {
  test("need not be there", async () => {
    const loaded = await loadConfig({ cwd, env: {} });
    expect(loaded).toMatchObject({ config: defaultConfig, file: undefined, warnings: [] });
    expect(loaded.locate(["server"])).toBeUndefined();
  });

  test("is bellwether.yaml, else bellwether.yml, in the working folder", async () => {
    await write("bellwether.yml", "server: { port: 1 }");
    expect((await loadConfig({ cwd, env: {} })).config.server.port).toBe(1);
    await write("bellwether.yaml", "server: { port: 2 }");
    const loaded = await loadConfig({ cwd, env: {} });
    expect(loaded.config.server.port).toBe(2);
    expect(loaded.file).toBe(join(cwd, "bellwether.yaml"));
    expect(loaded.warnings).toEqual([expect.stringContaining("bellwether.yml is ignored")]);
  });

  test("given by name must be there", async () => {
    await expect(loadConfig({ cwd, env: {}, file: "other.yaml" })).rejects.toThrow(
      "other.yaml: the configuration file does not exist",
    );
    await expect(loadConfig({ cwd, env: {}, file: "." })).rejects.toThrow("is a folder");
  });

  test("is listed with every file that it names", async () => {
    await write("key", "sk-from-a-file");
    await write("prices.json", "{}");
    await write(
      "bellwether.yaml",
      `upstreams: { a: { preset: openai, apiKey: "file:key" }, b: { preset: openai, apiKey: "file:${cwd}/key" } }
prices: { files: [prices.json] }`,
    );
    const { files } = await loadConfig({ cwd, env: {} });
    expect(files).toEqual(["bellwether.yaml", "key", "prices.json"].map((name) => join(cwd, name)));
  });

  test("may leave whole sections empty", async () => {
    expect(await load("server:\nlog: { level: warn }\nmodels:\n")).toEqual({
      ...defaultConfig,
      log: { ...defaultConfig.log, level: "warn" },
    });
  });

  test("may hold anchors and aliases", async () => {
    const config = await load(
      "upstreams:\n  a: { baseUrl: https://a.example, timeouts: &t { idle: 5s } }\n  b: { baseUrl: https://b.example, timeouts: *t }\n",
    );
    expect(config.upstreams.b?.timeouts.idle).toBe(5_000);
  });

  test("keeps model names that look like numbers", async () => {
    const config = await load("models: { 4.10: { alias: gpt-4.1 }, 0x10: { alias: gpt-4.1 } }");
    expect(Object.keys(config.models)).toEqual(["4.10", "0x10"]);
  });

  test("with apps that nobody checks earns a warning", async () => {
    await write("bellwether.yaml", `apps: [ { name: shop, keys: ["sha256:${"a".repeat(64)}"] } ]`);
    expect((await loadConfig({ cwd, env: {} })).warnings).toEqual([expect.stringContaining("not checked")]);
  });

  test("bellwether.example.yaml is accepted", async () => {
    const file = join(import.meta.dirname, "../../bellwether.example.yaml");
    const env = {
      HOLYSHEEP_API_KEY: "hs-1",
      OPENAI_API_KEY: "sk-2",
      OPENAI_API_KEY_2: "sk-3",
      BACKUP_KEY: "b-3",
      SLACK_WEBHOOK: "https://hooks.slack.example/services/1",
      WECOM_KEY: "w-4",
      PD_KEY: "p-5",
    };
    const { config } = await loadConfig({ cwd, file, env });
    expect(Object.keys(config.upstreams)).toEqual(["holysheep", "openai", "backup"]);
    expect(config.upstreams.backup?.prices).toEqual({
      "gpt-4.1": { input: 2, cachedInput: 0.5, output: 8 },
    });
  });
});

describe("a reference to the environment", () => {
  test("becomes a number or a boolean where one is wanted, and stays text elsewhere", async () => {
    const yaml = `
server: { host: "\${HOST}", port: "\${PORT:-8080}" }
upstreams:
  a:
    baseUrl: https://a.example
    apiKey: \${KEY}
    includeUsage: \${USAGE}
    priceMultiplier: \${TIMES}
    timeouts: { idle: "\${IDLE}" }
`;
    const env = { HOST: "127.0.0.2", KEY: "123456", USAGE: "false", TIMES: "1.5e0", IDLE: "7s" };
    const config = await load(yaml, env);
    expect(config).toMatchObject({
      server: { port: 8080, host: "127.0.0.2" },
      upstreams: { a: { includeUsage: false, priceMultiplier: 1.5, timeouts: { idle: 7_000 } } },
    });
    expect(config.upstreams.a?.apiKey?.reveal()).toBe("123456");
  });

  test("with an empty outcome means that the setting is not made", async () => {
    const config = await load(
      'upstreams: { a: { baseUrl: https://a.example, apiKey: "${K:-}", proxy: "${P:-}" } }',
    );
    expect(config.upstreams.a).not.toHaveProperty("apiKey");
    expect(config.upstreams.a).not.toHaveProperty("proxy");
  });

  test("cannot add settings, whatever the variable holds", async () => {
    await write("bellwether.yaml", 'upstreams: { a: { baseUrl: https://a.example, apiKey: "${KEY}" } }');
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, unit: "binary" }), async (value) => {
        fc.pre(!value.startsWith("file:"));
        const { config } = await loadConfig({ cwd, env: { KEY: value } });
        expect(Object.keys(config.upstreams)).toEqual(["a"]);
        expect(config.upstreams.a?.apiKey?.reveal()).toBe(value);
        expect(config.server).toEqual(defaultConfig.server);
      }),
      { numRuns: 12, examples: [["x\nserver:\n  auth: keys"], ["}"], ["&a *a"], ["# c"]] },
    );
  });
});

describe("a secret in a file", () => {
  test("is read without the newline at its end, from beside the configuration", async () => {
    await write("key", "hs-from-a-file\n");
    await write("header", "two words\r\n");
    const config = await load(
      'upstreams: { a: { baseUrl: https://a.example, apiKey: "file:key", headers: { x-a: "file:./header" } } }',
    );
    expect(config.upstreams.a?.apiKey?.reveal()).toBe("hs-from-a-file");
    expect(config.upstreams.a?.headers["x-a"]?.reveal()).toBe("two words");
  });

  test("may be named by a variable", async () => {
    await write("key", "hs-from-a-file");
    const config = await load('upstreams: { a: { baseUrl: https://a.example, apiKey: "${KEY}" } }', {
      KEY: `file:${join(cwd, "key")}`,
    });
    expect(config.upstreams.a?.apiKey?.reveal()).toBe("hs-from-a-file");
  });
});

test("a price file is found beside the configuration", async () => {
  await write("prices.json", "{}");
  expect((await load("prices: { files: [prices.json] }")).prices.files).toEqual([join(cwd, "prices.json")]);
});

test("a setting is found where it stands in the file", async () => {
  await write("bellwether.yaml", "server:\n  port: 8000\nupstreams:\n  a:\n    baseUrl: https://a.example\n");
  const { locate } = await loadConfig({ cwd, env: {} });
  expect(locate(["server", "port"])).toEqual({ file: "bellwether.yaml", line: 2, column: 9 });
  expect(locate(["server", "port"], "key")).toMatchObject({ line: 2, column: 3 });
  expect(locate(["upstreams", "a", "apiKey"])).toMatchObject({ line: 4, column: 3 });
  expect(locate(["log"])).toMatchObject({ line: 1, column: 1 });
});

test("the environment is read in this folder only", async () => {
  // A guard for the rule of docs/architecture.md; vitest runs from the repository's root.
  const { readdir } = await import("node:fs/promises");
  const root = join(import.meta.dirname, "..");
  const names = await readdir(root, { recursive: true });
  const readers = [];
  for (const name of names) {
    if (!name.endsWith(".ts") || name.endsWith(".test.ts")) continue;
    if (/process\.env\b/.test(await readFile(join(root, name), "utf8"))) readers.push(name);
  }
  expect(readers).toEqual([join("config", "environment.ts")]);
});
