import { expect, test } from "vitest";
import { expectGenerated } from "../../test/helpers/golden.ts";
import { allDialects, presetNamed, presetNames } from "../upstreams/presets.ts";
import { configurationDocument } from "./document.ts";
import { asWritten, configurationJsonSchema, inputSchema, type SchemaNode } from "./json-schema.ts";
import { configSchema } from "./schema.ts";
import { Secret } from "./values.ts";

const presetRows = presetNames.map((name) => {
  const preset = presetNamed(name);
  const { apiKey = "", baseUrl } = preset?.env ?? {};
  return {
    name,
    baseUrl: preset?.baseUrl ?? "",
    variables: baseUrl === undefined ? [apiKey] : [apiKey, baseUrl],
    dialects: preset?.dialects === allDialects ? undefined : preset?.dialects,
  };
});

test("docs/configuration.md is what the schema says", () => {
  expectGenerated("docs/configuration.md", configurationDocument(presetRows));
});

test("docs/bellwether.schema.json is what the schema says", () => {
  expectGenerated("docs/bellwether.schema.json", `${JSON.stringify(configurationJsonSchema(), null, 2)}\n`);
});

test("every key says what it means", () => {
  const silent: string[] = [];
  const visit = (node: SchemaNode, path: string): void => {
    for (const [key, inner] of Object.entries(node.properties ?? {})) {
      if (!inner.description?.endsWith(".")) silent.push(`${path}.${key}`);
      visit(inner, `${path}.${key}`);
    }
    if (node.additionalProperties) visit(node.additionalProperties, `${path}.*`);
    if (node.items) visit(node.items, `${path}[]`);
  };
  visit(inputSchema(), "");
  expect(silent).toEqual([]);
});

test("a configuration in force is written so that it can be read again, without its secrets", () => {
  const input = {
    server: { port: 9000, bodyLimit: "1500B" },
    upstreams: {
      a: { baseUrl: "https://a.example/v1", apiKey: "hs-0123456789abcdef", timeouts: { idle: "90s" } },
    },
    apps: [{ name: "shop", keys: [`sha256:${"ab".repeat(32)}`] }],
  };
  const config = configSchema.parse(input);
  const written = asWritten(config) as { apps: unknown; upstreams: { a: { apiKey: string } } };
  expect(written).toMatchObject({
    server: { port: 9000, bodyLimit: "1500B", requestTimeout: "5m" },
    upstreams: { a: { apiKey: "****cdef", timeouts: { idle: "90s", connect: "5s" } } },
    apps: [{ name: "shop", keys: ["sha256:abababab…"] }],
  });
  const again = configSchema.parse({ ...written, apps: input.apps });
  expect({ ...again, upstreams: {} }).toEqual({ ...config, upstreams: {} });
  expect(again.upstreams.a?.timeouts).toEqual(config.upstreams.a?.timeouts);
  expect(config.upstreams.a?.apiKey).toBeInstanceOf(Secret);
});
