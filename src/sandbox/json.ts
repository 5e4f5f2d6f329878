/** Reading JSON of unknown shape, so that no handler has to trust what a client sent. */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value as an object, or an empty one. */
export function object(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** The value as an array, or an empty one. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** The value as a string, or "". */
export function string(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The value as a positive whole number, or undefined. */
export function positive(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value > 0 ? value : undefined;
}

/** All text within `value` (strings at any depth under the keys APIs use for text), joined by newlines. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(textOf).filter(Boolean).join("\n");
  if (!isObject(value)) return "";
  return TEXT_KEYS.map((key) => textOf(value[key]))
    .filter(Boolean)
    .join("\n");
}

const TEXT_KEYS = [
  "text",
  "content",
  "parts",
  "input",
  "output",
  "arguments",
  "thinking",
  "tool_calls",
  "function",
  "functionCall",
  "functionResponse",
  "args",
  "response",
];
