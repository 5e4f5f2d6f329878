/**
 * `${NAME}` and `${NAME:-default}` in a text. It happens after the YAML is parsed, so that a variable can
 * never add structure. `$${` stands for a literal `${`.
 */
import type { Environment } from "./environment.ts";

export interface Interpolated {
  readonly text: string;
  /** At least one variable was looked up. */
  readonly changed: boolean;
  /** What is wrong, with what to do about it. */
  readonly errors: readonly { readonly message: string; readonly hint: string }[];
}

const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;
const BODY = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:-)([^$]*))?$/;

/** Replaces every reference; a variable that is unset or empty and has no default is an error. */
export function interpolate(source: string, env: Environment): Interpolated {
  const errors: { message: string; hint: string }[] = [];
  let changed = false;
  const text = source.replace(REFERENCE, (whole, body: string | undefined, end: string) => {
    if (body === undefined) return "${";
    const [, name, hasDefault, fallback = ""] = end === "" ? [] : (BODY.exec(body) ?? []);
    if (name === undefined) {
      errors.push({
        message: "a reference to an environment variable is malformed",
        hint: `Write \${NAME} or \${NAME:-default}; $$\{ stands for the two characters themselves.`,
      });
      return whole;
    }
    changed = true;
    const value = env[name];
    if (value !== undefined && value !== "") return value;
    if (hasDefault !== undefined) return fallback;
    errors.push({
      message: `environment variable ${name} is ${value === undefined ? "not set" : "empty"}`,
      hint: `Set ${name}, or write \${${name}:-} if it may be absent.`,
    });
    return whole;
  });
  return { text, changed, errors };
}
