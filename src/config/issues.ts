/** Turns zod's issues into problems that say what is wrong, where, and what was probably meant. */
import type * as z from "zod";
import { inputSchema, kindsOf, type SchemaNode, schemaAt } from "./json-schema.ts";
import { formatPath, type Locate, nearest, type Path, type Problem, problemAt } from "./problems.ts";
import type { YamlSource } from "./yaml-source.ts";

type Issue = z.core.$ZodIssue;

/** `data` is what was parsed; its values are looked at for their type only, never shown. */
export function problemsOfIssue(
  issue: Issue,
  data: unknown,
  { locate, isInterpolated }: Pick<YamlSource, "locate" | "isInterpolated">,
): Problem[] {
  const path = issue.path.filter((part) => typeof part !== "symbol");
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) =>
        problemAt(locate, [...path, key], "unknown key", suggestion(path, key, data), "key"),
      );
    case "invalid_type":
      return [wrongType(path, issue.expected, valueAt(data, path), locate, isInterpolated(path))];
    case "invalid_union":
      return [unionProblem(path, data, locate, isInterpolated(path))];
    case "invalid_value": {
      const options = issue.values.map(String);
      const value = valueAt(data, path);
      if (value === null) return [wrongType(path, "string", value, locate, false)];
      const meant = typeof value === "string" ? nearest(value, options) : undefined;
      return [
        problemAt(
          locate,
          path,
          `must be one of ${options.join(", ")}`,
          meant === undefined ? undefined : `Did you mean "${meant}"?`,
        ),
      ];
    }
    case "too_small":
    case "too_big": {
      // A custom message ("must hold at least one key") says more than the bound.
      if (issue.message.startsWith("must")) return [problemAt(locate, path, issue.message)];
      const low = issue.code === "too_small";
      const bound = low ? issue.minimum : issue.maximum;
      const relation = low
        ? issue.inclusive === false
          ? "more than"
          : "at least"
        : issue.inclusive === false
          ? "less than"
          : "at most";
      const unit = issue.origin === "string" ? " characters long" : "";
      return [problemAt(locate, path, `must be ${relation} ${String(bound)}${unit}`)];
    }
    case "invalid_key":
      return issue.issues
        .slice(0, 1)
        .map((inner) => problemAt(locate, path, inner.message, undefined, "key"));
    default:
      return [problemAt(locate, path, issue.message)];
  }
}

/** None of several kinds of map, or none of several kinds of value. */
function unionProblem(path: Path, data: unknown, locate: Locate, interpolated: boolean): Problem {
  const isType = path.at(-1) === "type";
  const kinds = kindsOf(schemaAt(isType ? path.slice(0, -1) : path));
  const value = valueAt(data, path);
  if (kinds.length > 0) {
    const typePath = isType ? path : [...path, "type"];
    if (isType && value === undefined) {
      return problemAt(locate, path.slice(0, -1), "has no `type`", `Known: ${kinds.join(", ")}.`, "key");
    }
    const meant = typeof value === "string" ? nearest(value, kinds) : undefined;
    const hint = meant === undefined ? undefined : `Did you mean "${meant}"?`;
    return problemAt(locate, typePath, `must be one of ${kinds.join(", ")}`, hint);
  }
  const node = schemaAt(path, data);
  if (node?.["x-type"] === "quantity") {
    return problemAt(locate, path, "is not a number; write a whole one, as 600, 20k, 1M or 1.5G");
  }
  const wanted = (node?.anyOf ?? []).map((kind) =>
    kind.enum === undefined ? (WANTED[kind.type ?? ""] ?? kind.type) : `one of ${kind.enum.join(", ")}`,
  );
  const found = interpolated
    ? "what the environment variable holds"
    : value === null
      ? "nothing"
      : nameOf(value);
  return problemAt(locate, path, `must be ${wanted.join(" or ")}, not ${found}`);
}

const WANTED: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
  duration: "a duration",
  size: "a size",
  secret: "a text",
};

/** What to do about a value of the wrong kind, where it is not plain from the message. */
const FIX: Readonly<Record<string, string>> = {
  string: "Put it in quotes.",
  secret: "Put it in quotes.",
  duration: "Write it with a unit: 250ms, 5s, 2m or 24h.",
  size: "Write it with a unit: 512KiB, 32MiB or 1MB.",
  "number as text": "Write it without quotes.",
  "boolean as text": "Write true or false, without quotes.",
};

function wrongType(
  path: Path,
  expected: string,
  value: unknown,
  locate: Locate,
  interpolated: boolean,
): Problem {
  if (value === undefined) return problemAt(locate, path, "is missing", undefined, "key");
  if (value === null) {
    return problemAt(locate, path, "is empty", "Give it a value, or remove the key.", "key");
  }
  const kind = schemaAt(path)?.["x-type"] ?? expected;
  const found = interpolated ? "what the environment variable holds" : nameOf(value);
  return problemAt(
    locate,
    path,
    `must be ${WANTED[kind] ?? kind}, not ${found}`,
    interpolated ? undefined : FIX[typeof value === "string" ? `${kind} as text` : kind],
  );
}

function nameOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  if (typeof value === "boolean") return "true or false";
  return typeof value === "string" ? "a text" : "a number";
}

/** What an unknown key probably was meant to be: a neighbour, or a key of another section. */
function suggestion(path: Path, key: string, data: unknown): string {
  const { properties = {}, propertyNames } = schemaAt(path, data) ?? {};
  const known = [...Object.keys(properties), ...(propertyNames?.enum ?? []).map(String)];
  const meant = nearest(key, known);
  if (meant !== undefined) return `Did you mean "${meant}"?`;
  const home = sectionOf(key, inputSchema(), "");
  if (home !== undefined && home !== formatPath(path)) return `"${key}" belongs under "${home}".`;
  return `Known here: ${known.join(", ")}.`;
}

function sectionOf(key: string, node: SchemaNode, path: string): string | undefined {
  for (const [name, inner] of Object.entries(node.properties ?? {})) {
    const innerPath = path === "" ? name : `${path}.${name}`;
    if (Object.hasOwn(inner.properties ?? {}, key)) return innerPath;
    const entry = inner.additionalProperties || inner.items;
    if (entry && Object.hasOwn(entry.properties ?? {}, key))
      return `${innerPath}.${entry === inner.items ? "-" : "<name>"}`;
    const deeper = sectionOf(key, inner, innerPath);
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}

/** The value at a path of parsed data. */
export function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === "object" && value !== null
        ? (value as Record<string | number, unknown>)[part]
        : undefined,
    data,
  );
}
