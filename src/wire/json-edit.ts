/**
 * Small edits to a JSON object in its own bytes: everything but the edited value stays as it was,
 * spacing, order, escapes and all. Used for the documented rewrites of a request.
 */
import { joined, latin1Text } from "./bytes.ts";

/** A member of the outermost object: where its value stands. `key` is unescaped. */
interface Member {
  readonly key: string;
  readonly valueStart: number;
  readonly valueEnd: number;
}

const encoder = new TextEncoder();

/** Replaces the value of every top-level member `key` (a duplicate key too) by the JSON of `value`. */
export function replaceMember(body: Uint8Array, key: string, value: unknown): Uint8Array {
  const json = encoder.encode(JSON.stringify(value));
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const member of members(body)) {
    if (member.key !== key) continue;
    pieces.push(body.subarray(from, member.valueStart), json);
    from = member.valueEnd;
  }
  if (from === 0) return body;
  pieces.push(body.subarray(from));
  return joined(pieces);
}

/** Puts a member in front of the others. The body must be a JSON object that has at least one member. */
export function insertMember(body: Uint8Array, key: string, value: unknown): Uint8Array {
  const brace = body.indexOf(0x7b) + 1;
  const member = encoder.encode(`${JSON.stringify(key)}:${JSON.stringify(value)},`);
  return joined([body.subarray(0, brace), member, body.subarray(brace)]);
}

/**
 * The members of the outermost object. The body must have passed JSON.parse; for anything else the
 * result is undefined but finite.
 */
function members(body: Uint8Array): Member[] {
  const text = latin1Text(body);
  const found: Member[] = [];
  let at = text.indexOf("{") + 1;
  while (at > 0 && at < text.length) {
    const keyStart = text.indexOf('"', at);
    if (keyStart === -1) break;
    const keyEnd = stringEnd(text, keyStart);
    const valueStart = skipSpace(text, text.indexOf(":", keyEnd) + 1);
    const end = valueEnd(text, valueStart);
    found.push({ key: unescaped(text.slice(keyStart, keyEnd)), valueStart, valueEnd: end });
    const comma = skipSpace(text, end);
    if (text[comma] !== ",") break;
    at = comma + 1;
  }
  return found;
}

function unescaped(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted;
  }
}

/** Position after the closing quote of the string that starts at `start`. */
function stringEnd(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (quote !== -1) {
    let backslashes = 0;
    while (text[quote - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
    quote = text.indexOf('"', quote + 1);
  }
  return text.length;
}

function skipSpace(text: string, at: number): number {
  while (at < text.length && text.charCodeAt(at) <= 32) at++;
  return at;
}

const STRUCTURE = /["{}[\]]/g;
const SCALAR_END = /[\s,}\]]/g;

function valueEnd(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return stringEnd(text, start);
  if (first !== "{" && first !== "[") {
    SCALAR_END.lastIndex = start;
    return SCALAR_END.exec(text)?.index ?? text.length;
  }
  let depth = 0;
  let at = start;
  while (at < text.length) {
    STRUCTURE.lastIndex = at;
    const match = STRUCTURE.exec(text);
    if (match === null) break;
    const [mark] = match;
    if (mark === '"') {
      at = stringEnd(text, match.index);
      continue;
    }
    depth += mark === "{" || mark === "[" ? 1 : -1;
    at = match.index + 1;
    if (depth === 0) return at;
  }
  return text.length;
}
