// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment are meant literally.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { checkCommand } from "./check.ts";

const KEY = "hs-3f9c2ab871d04e65";
let folder: string;
let file: string;
let stdout: string;
let stderr: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bellwether-"));
  file = join(folder, "bellwether.yaml");
  stdout = "";
  stderr = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
  vi.spyOn(process, "cwd").mockReturnValue(folder);
  for (const name of Object.keys(process.env)) if (name.endsWith("_API_KEY")) vi.stubEnv(name, undefined);
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
  await rm(folder, { recursive: true });
});

async function check(...options: string[]): Promise<number> {
  process.exitCode = undefined;
  await checkCommand().parseAsync(options, { from: "user" });
  return Number(process.exitCode ?? 0);
}

test("what is in force is printed as YAML, with its source, upstreams and masked secrets", async () => {
  vi.stubEnv("SOME_KEY", KEY);
  await writeFile(
    file,
    `upstreams:
  relay: { baseUrl: https://relay.example, apiKey: "$` +
      `{SOME_KEY}", headers: { x-token: ${KEY} }, proxy: "http://user:${KEY}@proxy.example:1" }
`,
  );
  expect(await check()).toBe(0);
  expect(stdout).not.toContain(KEY);
  expect(stdout).toContain(file);
  expect(stdout).toContain("https://relay.example/v1");
  expect(stdout).toMatch(/key +\*\*\*\*4e65/);
  expect(stdout).toContain("connect 5s, firstByte 2m, idle 1m, total 10m");
  expect(parse(stdout)).toMatchObject({
    server: { port: 8000, bodyLimit: "32MiB" },
    upstreams: { relay: { apiKey: "****4e65", proxy: "http://****@proxy.example:1" } },
  });
});

test("without a file the environment is the source", async () => {
  vi.stubEnv("HOLYSHEEP_API_KEY", KEY);
  expect(await check()).toBe(0);
  expect(stdout).toContain("no file");
  expect(stdout).toContain("https://api.holysheep.ai/v1");
  expect(stdout).not.toContain(KEY);
});

test("with nothing at all the simulated relay is announced", async () => {
  expect(await check()).toBe(0);
  expect(stdout).toContain("simulated relay");
});

test("every problem is printed with its place and a hint, and the exit status is 1", async () => {
  await writeFile(
    file,
    `server: { host: 0.0.0.0 }
upstreams: { a: { baseUrl: https://a.example, apiKey: Bearer ${KEY} }, b: { preset: opnai } }
metrics: { buckets: { latency: [1] } }
`,
  );
  expect(await check("--config", "bellwether.yaml")).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toContain("bellwether.yaml:1:17: server.host: listening on 0.0.0.0");
  expect(stderr).toContain("bellwether.yaml:2:55: upstreams.a.apiKey: the key begins with `Bearer `");
  expect(stderr).toContain('Did you mean "openai"?');
  expect(stderr).toContain("latency");
  expect(stderr).toContain("4 problems");
  expect(stderr).not.toContain(KEY);
});

test("--json tells the same to programs", async () => {
  await writeFile(file, "server: { prot: 1 }\n");
  expect(await check("--json")).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: false,
    file: null,
    problems: [{ file: "bellwether.yaml", line: 1, column: 11, path: "server.prot", message: "unknown key" }],
  });
  stdout = "";
  await writeFile(file, "upstreams: { a: { baseUrl: https://a.example } }\n");
  expect(await check("--json")).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: true,
    file,
    upstreams: [{ name: "a", baseUrl: "https://a.example/v1", key: "none" }],
  });
});

test("--schema prints the JSON Schema", async () => {
  expect(await check("--schema")).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    additionalProperties: false,
    properties: { server: { properties: { port: { default: 8000 } } } },
  });
});

test("--help shows examples", () => {
  let help = "";
  const command = checkCommand().configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  expect(help).toContain("bellwether check --config");
});
