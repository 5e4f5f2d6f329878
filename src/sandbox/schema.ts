/** Makes a value that fits a JSON Schema, for JSON mode and for the arguments of tool calls. */
import { isObject, type JsonObject, list, object, string } from "./json.ts";

const DEEPEST = 8;

/** A value for `schema`; unknown constructs give a string. `root` resolves `$ref`s. */
export function instanceOf(schema: unknown, root: unknown = schema, depth = 0): unknown {
  const rule = object(schema);
  if (depth > DEEPEST) return null;
  if ("const" in rule) return rule.const;
  if ("default" in rule) return rule.default;
  const choices = list(rule.enum);
  if (choices.length > 0) return choices[0];
  if (typeof rule.$ref === "string") return instanceOf(resolve(rule.$ref, root), root, depth + 1);
  const alternatives = [...list(rule.anyOf), ...list(rule.oneOf), ...list(rule.allOf)];
  if (alternatives.length > 0) return instanceOf(alternatives[0], root, depth + 1);
  switch (typeName(rule)) {
    case "object":
      return objectOf(rule, root, depth);
    case "array":
      return Array.from({ length: Math.max(1, Number(rule.minItems ?? 1)) }, () =>
        instanceOf(rule.items, root, depth + 1),
      );
    case "integer":
    case "number":
      return Number(rule.minimum ?? 7);
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return textFor(rule);
  }
}

/** Gemini writes types in capitals, and a type may be a list of several. */
function typeName(rule: JsonObject): string {
  const named = Array.isArray(rule.type) ? string(rule.type[0]) : string(rule.type);
  return named === "" && isObject(rule.properties) ? "object" : named.toLowerCase();
}

function objectOf(rule: JsonObject, root: unknown, depth: number): JsonObject {
  return Object.fromEntries(
    Object.entries(object(rule.properties)).map(([name, property]) => [
      name,
      instanceOf(property, root, depth + 1),
    ]),
  );
}

function textFor(rule: JsonObject): string {
  switch (rule.format) {
    case "date":
      return "2026-01-01";
    case "date-time":
      return "2026-01-01T00:00:00Z";
    case "email":
      return "flock@example.com";
    case "uri":
      return "https://example.com/";
    default:
      return "naïve 羊".padEnd(Number(rule.minLength ?? 0), "x");
  }
}

function resolve(reference: string, root: unknown): unknown {
  let found: unknown = root;
  for (const name of reference.split("/").slice(1)) found = object(found)[decodeURIComponent(name)];
  return found;
}
