/** How a key is shown to an upstream. */
import type { Family } from "../usage/dialect.ts";

/** The header that carries a key, as the API family expects it: name and value. */
export function credentials(key: string, family: Family): string[] {
  if (family === "openai") return ["authorization", `Bearer ${key}`];
  return [family === "anthropic" ? "x-api-key" : "x-goog-api-key", key];
}
