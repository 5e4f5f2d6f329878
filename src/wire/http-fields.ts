/**
 * Header fields of HTTP/1.1 (RFC 9110, section 5; RFC 9112, section 5): read strictly, because what two
 * programs read differently is how requests and answers are smuggled.
 */

/** What a field means for the connection it travels on. */
export type FieldRole =
  | "content-length"
  | "transfer-encoding"
  | "connection"
  | "keep-alive"
  | "host"
  | "expect"
  | "upgrade"
  | "none";

const ROLES: ReadonlySet<string> = new Set<FieldRole>([
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "host",
  "expect",
  "upgrade",
]);

/** Letters, digits and the signs a name may have (RFC 9110, section 5.6.2). */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Everything but tab, space, visible ASCII and the upper half of latin1. */
const NOT_A_VALUE = /[^\t -~\x80-\xff]/;

/** Spellings seen and found valid; bounded, because others choose the spelling. */
const known = new Map<string, FieldRole>();
const MAX_KNOWN = 1024;

/** The role of a field, or undefined when no field can be called so. */
export function roleOf(name: string): FieldRole | undefined {
  let role = known.get(name);
  if (role === undefined) {
    if (!TOKEN.test(name)) return undefined;
    const lower = name.toLowerCase();
    role = ROLES.has(lower) ? (lower as FieldRole) : "none";
    if (known.size < MAX_KNOWN) known.set(name, role);
  }
  return role;
}

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** False for what would end the line early, or is no latin1. */
export function isFieldValue(text: string): boolean {
  return !NOT_A_VALUE.test(text);
}
