/** Writes docs/configuration.md from the schema: every key with its type, default, meaning and an example. */
import { inputSchema, kindsOf, type SchemaNode } from "./json-schema.ts";
import { restartNames } from "./reload.ts";

const INTRODUCTION = `<!-- Generated from src/config/schema.ts; rewrite it with \`npm run generate\`. -->

# Configuration

One YAML file: the one given with \`--config\`, else \`bellwether.yaml\` or \`bellwether.yml\` in the working
folder. Everything is optional, the file too: with an upstream's key in the environment
(\`HOLYSHEEP_API_KEY\`, \`OPENAI_API_KEY\`, …) none is needed. \`bellwether check\` prints what is in force,
secrets masked, or every problem with its line; \`bellwether check --schema\` prints the JSON Schema for editors
([bellwether.schema.json](bellwether.schema.json)).

- **Unknown keys are refused**, with the line and what was probably meant.
- **Durations** have a unit: \`250ms\`, \`5s\`, \`2m\`, \`24h\`, \`7d\`. **Sizes** too: \`512KiB\`, \`32MiB\`, \`1MB\`.
- **\`\${NAME}\`** in a text is replaced by the environment variable, **\`\${NAME:-default}\`** by the default when it is
  unset or empty; without a default that is an error. \`$\${\` is a literal \`\${\`. It happens after the YAML is
  read, so a variable cannot add settings. A setting whose text becomes empty is not set. Inside \`{ }\` and \`[ ]\`
  YAML needs quotes around it: \`{ apiKey: "\${NAME}" }\`.
- **\`file:/run/secrets/name\`** as a secret reads it from a file, without the newline at its end. Relative paths
  start at the configuration file's folder.
- **Reload** with SIGHUP, or by changing the file or one that it names (a secret, certificates, prices), which a swapped
  link does too, as when Kubernetes rotates a mounted secret. Connections are not dropped. A bad file is refused with its
  problems, the last good configuration stays in force, and \`bellwether_config_last_reload_success\` is 0.
`;

/** A preset as the document shows it. */
export interface PresetRow {
  readonly name: string;
  readonly baseUrl: string;
  /** The environment variables it reads. */
  readonly variables: readonly string[];
  /** The APIs it speaks; undefined for all. */
  readonly dialects: readonly string[] | undefined;
}

/** The text of docs/configuration.md. */
export function configurationDocument(presets: readonly PresetRow[]): string {
  const sections = Object.entries(inputSchema().properties ?? {}).map(([name, section]) =>
    [
      `## ${name}`,
      "",
      section.description ?? "",
      "",
      "| key | type | default | meaning | example |",
      "|---|---|---|---|---|",
      ...rows(name, section).map((row) => `| ${row.join(" | ")} |`),
      "",
    ].join("\n"),
  );
  return [INTRODUCTION, ...sections, presetsSection(presets)].join("\n");
}

function presetsSection(presets: readonly PresetRow[]): string {
  return [
    "## Presets",
    "",
    "With nothing under `upstreams`, each preset whose key is in the environment is used, in this order.",
    "",
    "| preset | environment | base URL | dialects |",
    "|---|---|---|---|",
    ...presets.map(({ name, baseUrl, variables, dialects }) => {
      const names = variables.map((variable) => `\`${variable}\``).join(", ");
      return `| \`${name}\` | ${names} | ${baseUrl} | ${dialects?.join(", ") ?? "all"} |`;
    }),
    "",
  ].join("\n");
}

function rows(path: string, node: SchemaNode): string[][] {
  const own = Object.entries(node.properties ?? {}).flatMap(([key, inner]) => entry(`${path}.${key}`, inner));
  if (own.length > 0) return own;
  if (node.oneOf !== undefined) {
    return node.oneOf.flatMap((kind, index) => rows(`${path} (${kindsOf(node)[index]})`, withoutType(kind)));
  }
  // Both maps that are keyed by model hold nothing else.
  const name = /(^|\.)(models|prices)$/.test(path)
    ? "<model>"
    : node.propertyNames?.enum
      ? "<module>"
      : "<name>";
  if (node.additionalProperties) return rows(`${path}.${name}`, node.additionalProperties);
  return node.items === undefined ? [] : rows(`${path}[]`, node.items);
}

/** Without the key that tells the kinds of map apart: each row names its kind. */
function withoutType(node: SchemaNode): SchemaNode {
  const { type: _, ...properties } = node.properties ?? {};
  return { ...node, properties };
}

function entry(path: string, node: SchemaNode): string[][] {
  const restart = restartNames.some((name) => path === name || path.startsWith(`${name}.`));
  const meaning = [node.description, restart ? "Takes effect at the next start." : undefined];
  const fallback = node.properties === undefined ? node.default : undefined;
  return [
    [
      `\`${path}\``,
      typeOf(node),
      code(fallback),
      cell(meaning.filter((text) => text !== undefined).join(" ")),
      code(node.examples?.[0]),
    ],
    ...rows(path, node),
  ];
}

function typeOf(node: SchemaNode): string {
  if (node["x-type"] !== undefined) return node["x-type"];
  if (node.enum !== undefined) return node.enum.map((value) => `\`${String(value)}\``).join(", ");
  if (node.items !== undefined) {
    return node.items.properties === undefined && node.items.enum === undefined
      ? `list of ${plural(typeOf(node.items))}`
      : "list";
  }
  if (node.properties !== undefined || node.additionalProperties || node.oneOf) return "map";
  if (node.anyOf !== undefined) return node.anyOf.map(typeOf).join(" or ");
  if (node.type === "string") return "text";
  return node.type === "integer" ? "whole number" : (node.type ?? "");
}

function plural(noun: string): string {
  return noun.endsWith("sh") ? `${noun}es` : `${noun}s`;
}

function code(value: unknown): string {
  return value === undefined ? "" : `\`${cell(typeof value === "string" ? value : JSON.stringify(value))}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
