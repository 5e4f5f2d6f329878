/** The schema as JSON Schema: for editors, for the documentation, and to find a key's neighbours. */
import * as z from "zod";
import type { Path } from "./problems.ts";
import { configSchema } from "./schema.ts";
import { formatDuration, formatSize } from "./units.ts";

/** The part of JSON Schema (draft 2020-12) that the configuration uses. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | false;
  /** Of a map whose keys are among a few. */
  readonly propertyNames?: SchemaNode;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  /** Maps of different kinds, told apart by the `const` of their `type`. */
  readonly oneOf?: readonly SchemaNode[];
  readonly const?: unknown;
  /** `duration`, `size`, `secret` or `hash`, where the type alone does not tell. */
  readonly "x-type"?: string;
}

let cached: SchemaNode | undefined;

/** The schema of what is written in the file. */
export function inputSchema(): SchemaNode {
  cached ??= z.toJSONSchema(configSchema, { io: "input", override: nameExample }) as SchemaNode;
  return cached;
}

/** zod drops `examples` where text becomes something else, and these are examples of the text. */
function nameExample({ jsonSchema }: { jsonSchema: Record<string, unknown> }): void {
  const { "x-example": example } = jsonSchema;
  if (example === undefined) return;
  delete jsonSchema["x-example"];
  jsonSchema.examples = [example];
}

/** The schema of the setting at `path`; `data`, what was written, decides where there are several kinds of map. */
export function schemaAt(path: Path, data?: unknown): SchemaNode | undefined {
  let node: SchemaNode | undefined = inputSchema();
  let value = data;
  for (const part of path) {
    node = typeof part === "number" ? node?.items : propertyOf(kindOf(node, value), part);
    value =
      typeof value === "object" && value !== null
        ? (value as Record<string | number, unknown>)[part]
        : undefined;
  }
  return kindOf(node, value);
}

function propertyOf(node: SchemaNode | undefined, key: string): SchemaNode | undefined {
  return Object.hasOwn(node?.properties ?? {}, key)
    ? node?.properties?.[key]
    : node?.additionalProperties || undefined;
}

/** Of several kinds of map the one that `value` is by its `type`; else the node itself. */
function kindOf(node: SchemaNode | undefined, value: unknown): SchemaNode | undefined {
  if (node?.oneOf === undefined) return node;
  const type = typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
  return node.oneOf.find((kind) => kind.properties?.type?.const === type) ?? node;
}

/** The values that `type` may have where there are several kinds of map. */
export function kindsOf(node: SchemaNode | undefined): string[] {
  return (node?.oneOf ?? []).map((kind) => String(kind.properties?.type?.const));
}

/** The JSON Schema that editors are given: wherever a value may come from the environment, it says so. */
export function configurationJsonSchema(): object {
  const { $schema, ...schema } = withReferences(inputSchema()) as Record<string, unknown>;
  return {
    $schema,
    title: "Bellwether configuration",
    ...schema,
    $defs: {
      reference: {
        description: `A text with references to environment variables: \${NAME} or \${NAME:-default}.`,
        type: "string",
        pattern: "\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^$}]*)?\\}",
      },
    },
  };
}

function withReferences(node: SchemaNode): object {
  // `type` decides between kinds of map: it is always written out.
  if (node.const !== undefined) return node;
  if (node.oneOf !== undefined) return { ...node, oneOf: node.oneOf.map(withReferences) };
  if (node.properties !== undefined || typeof node.additionalProperties === "object") {
    const properties = Object.entries(node.properties ?? {}).map(([key, inner]) => [
      key,
      withReferences(inner),
    ]);
    return {
      ...node,
      ...(node.properties === undefined ? {} : { properties: Object.fromEntries(properties) }),
      ...(node.additionalProperties
        ? { additionalProperties: withReferences(node.additionalProperties) }
        : {}),
    };
  }
  if (node.items !== undefined) return { ...node, items: withReferences(node.items) };
  const { description, default: fallback, examples, ...rule } = node;
  if (rule.type === "string" && rule.pattern === undefined && rule.enum === undefined) return node;
  return {
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
    ...(examples === undefined ? {} : { examples }),
    anyOf: [rule, { $ref: "#/$defs/reference" }],
  };
}

/**
 * Turns a configuration in force back into what one would write in the file: durations and sizes with
 * their units, secrets masked, hashes of keys shortened.
 */
export function asWritten(value: unknown, node: SchemaNode | undefined = inputSchema()): unknown {
  if (typeof value === "number" && node?.["x-type"] === "duration") return formatDuration(value);
  if (typeof value === "number" && node?.["x-type"] === "size") return formatSize(value);
  if (typeof value === "string" && node?.["x-type"] === "hash") return `${value.slice(0, 15)}…`;
  if (Array.isArray(value)) return value.map((item) => asWritten(item, node?.items));
  if (typeof value !== "object" || value === null) return value;
  if ("toJSON" in value && typeof value.toJSON === "function") return value.toJSON();
  const map = kindOf(node, value);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([key, inner]) => [
        key,
        asWritten(inner, map?.properties?.[key] ?? (map?.additionalProperties || undefined)),
      ]),
  );
}
